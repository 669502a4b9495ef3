//! What is deleted while it is in use.

use crate::cluster::{ATTRIBUTES_CLASSES, CLAIMS, Cluster, seconds};
use serde_json::{Value, json};

fn class(cluster: &mut Cluster) {
    let object = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": "gold"},
        "driverName": "example.com", "parameters": {"iops": "9000"},
    });
    cluster.create(&ATTRIBUTES_CLASSES, object);
}

#[test]
fn a_class_of_attributes_that_nobody_names_goes() {
    let mut cluster = Cluster::new();
    class(&mut cluster);
    cluster.delete(&ATTRIBUTES_CLASSES, "gold", Value::Null);
    cluster.pass(seconds(10));
    assert_eq!(cluster.get(&ATTRIBUTES_CLASSES, "gold"), None);
}

#[test]
fn a_class_of_attributes_stays_until_the_last_claim_that_names_it_is_gone() {
    let mut cluster = Cluster::new();
    class(&mut cluster);
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "default"},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
            "volumeAttributesClassName": "gold",
        },
    });
    cluster.create(&CLAIMS, claim);
    cluster.delete(&ATTRIBUTES_CLASSES, "gold", Value::Null);
    cluster.pass(seconds(60));
    let kept = cluster.get(&ATTRIBUTES_CLASSES, "gold").expect("a class in use");
    assert!(kept["metadata"]["deletionTimestamp"].is_string(), "{kept}");
    cluster.delete(&CLAIMS, "data", Value::Null);
    cluster.pass(seconds(10));
    assert_eq!(cluster.get(&ATTRIBUTES_CLASSES, "gold"), None);
    assert_eq!(cluster.plane.next_wake(), None);
}
