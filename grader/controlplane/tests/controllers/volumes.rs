//! What claims are told while they wait for a volume.

use crate::cluster::{CLAIMS, Cluster, PODS, seconds};
use controlplane::store::ResourceId;
use serde_json::{Value, json};

const CLASSES: ResourceId = ResourceId::known("storage.k8s.io", "storageclasses");
const VOLUMES: ResourceId = ResourceId::known("", "persistentvolumes");

fn claim(name: &str, spec: &Value) -> Value {
    let mut claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "default"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    for (key, value) in spec.as_object().into_iter().flatten() {
        claim["spec"][key] = value.clone();
    }
    claim
}

fn volume(name: &str, size: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"},
        },
    })
}

#[test]
fn events_tell_why_a_claim_waits() {
    let mut cluster = Cluster::without_node();
    for (name, provisioner, mode) in [
        ("fast", "example.com/disks", "Immediate"),
        ("lazy", "example.com/disks", "WaitForFirstConsumer"),
        ("disks", "kubernetes.io/gce-pd", "Immediate"),
        ("gone", "kubernetes.io/no-provisioner", "Immediate"),
    ] {
        let class = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
            "provisioner": provisioner, "volumeBindingMode": mode,
        });
        cluster.create(&CLASSES, class);
    }
    cluster.create(&VOLUMES, volume("tiny", "1Mi"));
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "user", "namespace": "default"},
        "spec": {
            "containers": [{"name": "c", "image": "img:1"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "used"}}],
        },
    });
    cluster.create(&PODS, pod);
    for (name, spec) in [
        ("plain", json!({})),
        ("of-fast", json!({"storageClassName": "fast"})),
        ("of-lazy", json!({"storageClassName": "lazy"})),
        ("used", json!({"storageClassName": "lazy"})),
        ("of-disks", json!({"storageClassName": "disks"})),
        ("of-gone", json!({"storageClassName": "gone"})),
        ("of-nothing", json!({"storageClassName": "nothing"})),
        ("too-large", json!({"volumeName": "tiny"})),
    ] {
        cluster.create(&CLAIMS, claim(name, &spec));
    }
    cluster.pass(seconds(1));
    insta::assert_snapshot!(cluster.events());
    assert_eq!(cluster.plane.next_wake(), None, "nothing is looked at again before something changes");
}

#[test]
fn a_claim_gets_the_first_volume_that_comes() {
    let mut cluster = Cluster::without_node();
    cluster.create(&CLAIMS, claim("waits", &json!({})));
    cluster.pass(seconds(1));
    assert_eq!(cluster.get(&CLAIMS, "waits").expect("a claim")["status"]["phase"], "Pending");
    cluster.create(&VOLUMES, volume("large", "2Gi"));
    cluster.pass(seconds(1));
    let bound = cluster.get(&CLAIMS, "waits").expect("a claim");
    assert_eq!((&bound["status"]["phase"], &bound["spec"]["volumeName"]), (&json!("Bound"), &json!("large")));
}
