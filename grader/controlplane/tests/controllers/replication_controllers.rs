//! ReplicationControllers: as ReplicaSets, with a plain map as selector.

use crate::cluster::{Cluster, PODS, REPLICATION_CONTROLLERS, seconds};
use serde_json::{Value, json};

fn controller(replicas: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "rc", "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"app": "rc"}, "template": {
            "metadata": {"labels": {"app": "rc"}}, "spec": {"containers": [{"name": "c", "image": "img:1"}]},
        }},
    })
}

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "rc"}},
        "spec": {"containers": [{"name": "c", "image": "img:1"}]},
    })
}

#[test]
fn a_matching_pod_is_adopted_and_one_that_no_longer_matches_is_released() {
    let mut cluster = Cluster::new();
    cluster.create(&PODS, pod("orphan"));
    cluster.create(&REPLICATION_CONTROLLERS, controller(1));
    cluster.pass(seconds(10));
    assert_eq!(cluster.pods(), "orphan Running!");
    let owner = |cluster: &mut Cluster| {
        let pod = cluster.get(&PODS, "orphan").expect("it was created");
        pod["metadata"]["ownerReferences"][0]["kind"].as_str().map(str::to_owned)
    };
    assert_eq!(owner(&mut cluster).as_deref(), Some("ReplicationController"));
    cluster.patch(&PODS, "orphan", json!({"metadata": {"labels": {"app": "other"}}}));
    cluster.pass(seconds(10));
    assert_eq!(owner(&mut cluster), None);
    assert_eq!(cluster.list(&PODS).len(), 2);
    let controller = cluster.get(&REPLICATION_CONTROLLERS, "rc").expect("it was created");
    let status = json!({
        "replicas": 1, "fullyLabeledReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
        "observedGeneration": 1,
    });
    assert_eq!(controller["status"], status);
}
