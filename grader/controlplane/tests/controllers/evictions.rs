//! Pods on nodes with NoExecute taints.

use crate::cluster::{Cluster, EVENTS, NODES, PODS, seconds};
use serde_json::{Value, json};

fn pod(cluster: &mut Cluster, name: &str, tolerations: Value) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "nodeName": "n1", "tolerations": tolerations, "containers": [{"name": "c", "image": "img:1"}],
        },
    });
    cluster.create(&PODS, pod);
}

/// Three pods on a node: one tolerates its taint, one for a while, one not.
fn cluster() -> Cluster {
    let mut cluster = Cluster::without_node();
    cluster.create(&NODES, json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}));
    let patient = json!({"key": "out", "operator": "Exists", "effect": "NoExecute"});
    let mut less_patient = patient.clone();
    less_patient["tolerationSeconds"] = json!(60);
    pod(&mut cluster, "always", json!([patient]));
    pod(&mut cluster, "for-a-minute", json!([less_patient]));
    pod(&mut cluster, "never", json!([]));
    cluster.pass(seconds(1));
    cluster
}

fn taint(cluster: &mut Cluster, effect: &str) {
    let taints = json!({"spec": {"taints": [{"key": "out", "value": "of-order", "effect": effect}]}});
    cluster.patch(&NODES, "n1", taints);
    cluster.pass(seconds(1));
}

#[test]
fn pods_leave_when_they_tolerate_a_taint_no_longer() {
    let mut cluster = cluster();
    taint(&mut cluster, "NoExecute");
    assert_eq!(cluster.pods(), "always Pending, for-a-minute Pending, never Pending-");
    let never = cluster.get(&PODS, "never").expect("nobody ends it");
    insta::assert_json_snapshot!(never["status"]["conditions"][0], @r#"
    {
      "lastProbeTime": null,
      "lastTransitionTime": "2026-01-01T00:00:11Z",
      "message": "Taint manager: deleting due to NoExecute taint",
      "observedGeneration": 1,
      "reason": "DeletionByTaintManager",
      "status": "True",
      "type": "DisruptionTarget"
    }
    "#);
    cluster.pass(seconds(58));
    assert_eq!(cluster.pods(), "always Pending, for-a-minute Pending, never Pending-");
    cluster.pass(seconds(2));
    assert_eq!(cluster.pods(), "always Pending, for-a-minute Pending-, never Pending-");
    insta::assert_snapshot!(cluster.events_about(|kind| kind == "Pod"), @r"
    Normal TaintManagerEviction: Marking for deletion Pod default/for-a-minute (1)
    Normal TaintManagerEviction: Marking for deletion Pod default/never (1)
    ");
    let event = cluster.list(&EVENTS).into_iter().find(|event| event["reason"] == "TaintManagerEviction");
    let event = event.expect("an event");
    insta::assert_json_snapshot!(event["involvedObject"], @r#"
    {
      "apiVersion": "v1",
      "kind": "Pod",
      "name": "for-a-minute",
      "namespace": "default"
    }
    "#);
}

#[test]
fn pods_stay_when_the_taint_goes_in_time() {
    let mut cluster = cluster();
    cluster.delete(&PODS, "never", json!({"gracePeriodSeconds": 0}));
    taint(&mut cluster, "NoExecute");
    cluster.pass(seconds(30));
    cluster.patch(&NODES, "n1", json!({"spec": {"taints": null}}));
    cluster.pass(seconds(120));
    assert_eq!(cluster.pods(), "always Pending, for-a-minute Pending");
    insta::assert_snapshot!(cluster.events_about(|kind| kind == "Pod"), @"Normal TaintManagerEviction: Cancelling deletion of Pod default/for-a-minute (1)");
}

#[test]
fn pods_that_come_to_a_tainted_node_leave_it_and_other_taints_end_nobody() {
    let mut cluster = cluster();
    taint(&mut cluster, "NoSchedule");
    assert_eq!(cluster.pods(), "always Pending, for-a-minute Pending, never Pending");
    taint(&mut cluster, "NoExecute");
    pod(&mut cluster, "late", json!([]));
    cluster.pass(seconds(1));
    assert_eq!(cluster.pods(), "always Pending, for-a-minute Pending, late Pending-, never Pending-");
}
