//! StatefulSets, with the node simulator playing the kubelet.

use crate::cluster::{CLAIMS, Cluster, PODS, STATEFUL_SETS, milliseconds, seconds, stateful_set};
use serde_json::{Value, json};

fn status(cluster: &mut Cluster) -> Value {
    let set = cluster.get(&STATEFUL_SETS, "db").expect("the set is there");
    let mut status = set["status"].clone();
    for revision in ["currentRevision", "updateRevision"] {
        assert!(!status[revision].is_null(), "{status}");
    }
    status["sameRevision"] = (status["currentRevision"] == status["updateRevision"]).into();
    status
}

fn numbers(cluster: &mut Cluster) -> String {
    let status = status(cluster);
    let number = |key: &str| status[key].as_i64().unwrap_or_default();
    format!(
        "generation {} replicas {} ready {} available {} current {} updated {} same revision {}",
        number("observedGeneration"),
        number("replicas"),
        number("readyReplicas"),
        number("availableReplicas"),
        number("currentReplicas"),
        number("updatedReplicas"),
        status["sameRevision"],
    )
}

#[test]
fn pods_come_one_after_the_other() {
    let mut cluster = Cluster::new();
    cluster.nodes.hold("default", "db-1");
    cluster.create(&STATEFUL_SETS, stateful_set(json!({})));
    cluster.pass(milliseconds(500));
    assert_eq!(cluster.pods(), "db-0 Pending");
    cluster.pass(seconds(30));
    assert_eq!(cluster.pods(), "db-0 Running!, db-1 Running");
    insta::assert_snapshot!(numbers(&mut cluster), @"generation 1 replicas 2 ready 1 available 1 current 2 updated 2 same revision true");
    cluster.nodes.release("default", "db-1", cluster.now);
    cluster.pass(seconds(30));
    assert_eq!(cluster.pods(), "db-0 Running!, db-1 Running!, db-2 Running!");
    insta::assert_snapshot!(numbers(&mut cluster), @"generation 1 replicas 3 ready 3 available 3 current 3 updated 3 same revision true");
    insta::assert_snapshot!(cluster.events(), @r#"
    Normal SuccessfulCreate: Create Pod db-0 in StatefulSet db successful (1)
    Normal SuccessfulCreate: Create Pod db-1 in StatefulSet db successful (1)
    Normal SuccessfulCreate: Create Pod db-2 in StatefulSet db successful (1)
    "#);
}

#[test]
fn parallel_pods_come_at_once() {
    let mut cluster = Cluster::new();
    cluster.create(&STATEFUL_SETS, stateful_set(json!({"podManagementPolicy": "Parallel"})));
    cluster.pass(milliseconds(500));
    assert_eq!(cluster.pods(), "db-0 Pending, db-1 Pending, db-2 Pending");
}

#[test]
fn scaling_down_removes_the_highest_first_and_keeps_claims() {
    let mut cluster = Cluster::new();
    let claims = json!([{
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }]);
    cluster.create(&STATEFUL_SETS, stateful_set(json!({"volumeClaimTemplates": claims})));
    cluster.pass(seconds(30));
    cluster.patch(&STATEFUL_SETS, "db", json!({"spec": {"replicas": 1}}));
    cluster.pass(seconds(30));
    assert_eq!(cluster.pods(), "db-0 Running!");
    assert_eq!(cluster.names(&CLAIMS), ["data-db-0", "data-db-1", "data-db-2"]);
    insta::assert_snapshot!(numbers(&mut cluster), @"generation 2 replicas 1 ready 1 available 1 current 1 updated 1 same revision true");
    let pod = cluster.get(&PODS, "db-0").expect("it was just listed");
    insta::assert_json_snapshot!("stateful_pod_metadata", pod["metadata"], {
        ".resourceVersion" => "<rv>", ".managedFields" => "<managed fields>", ".**.uid" => "<uid>",
    });
    insta::assert_json_snapshot!("stateful_pod_spec", pod["spec"]);
}

#[test]
fn a_new_template_is_rolled_out_from_the_top() {
    let mut cluster = Cluster::new();
    cluster.create(&STATEFUL_SETS, stateful_set(json!({})));
    cluster.pass(seconds(30));
    let template = json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "img:2"}]}}}});
    cluster.nodes.hold("default", "db-1");
    cluster.patch(&STATEFUL_SETS, "db", template);
    cluster.pass(seconds(60));
    insta::assert_snapshot!(numbers(&mut cluster), @"generation 2 replicas 3 ready 2 available 2 current 1 updated 2 same revision false");
    let images = |cluster: &mut Cluster| -> Vec<Value> {
        cluster.list(&PODS).iter().map(|pod| pod["spec"]["containers"][0]["image"].clone()).collect()
    };
    assert_eq!(images(&mut cluster), ["img:1", "img:2", "img:2"]);
    cluster.nodes.release("default", "db-1", cluster.now);
    cluster.pass(seconds(60));
    assert_eq!(images(&mut cluster), ["img:2", "img:2", "img:2"]);
    insta::assert_snapshot!(numbers(&mut cluster), @"generation 2 replicas 3 ready 3 available 3 current 3 updated 3 same revision true");
}

#[test]
fn availability_waits_for_min_ready_seconds() {
    let mut cluster = Cluster::new();
    cluster.create(&STATEFUL_SETS, stateful_set(json!({"replicas": 1, "minReadySeconds": 30})));
    cluster.pass(seconds(10));
    insta::assert_snapshot!(numbers(&mut cluster), @"generation 1 replicas 1 ready 1 available 0 current 1 updated 1 same revision true");
    cluster.pass(seconds(30));
    insta::assert_snapshot!(numbers(&mut cluster), @"generation 1 replicas 1 ready 1 available 1 current 1 updated 1 same revision true");
}

#[test]
fn a_settled_set_is_left_alone() {
    let mut cluster = Cluster::new();
    cluster.create(&STATEFUL_SETS, stateful_set(json!({})));
    cluster.pass(seconds(60));
    assert_eq!(cluster.plane.next_wake(), None);
}
