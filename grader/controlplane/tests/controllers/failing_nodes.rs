//! Nodes that nobody plays, and pods that nobody ends.

use crate::cluster::{Cluster, EVENTS, NODES, PODS, seconds};
use serde_json::{Value, json};

fn node(cluster: &mut Cluster, name: &str) {
    cluster.create(&NODES, json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}));
}

fn pod(cluster: &mut Cluster, name: &str, node: &str) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "img:1"}]},
    });
    cluster.create(&PODS, pod);
}

#[test]
fn events_tell_of_nodes_that_come_fall_silent_and_go() {
    let mut cluster = Cluster::without_node();
    node(&mut cluster, "n1");
    let ready = json!({"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:00:10Z"});
    cluster.patch_status(&NODES, "n1", json!({"status": {"conditions": [ready]}}));
    cluster.pass(seconds(120));
    cluster.delete(&NODES, "n1", Value::Null);
    cluster.pass(seconds(1));
    insta::assert_snapshot!(cluster.events_about(|kind| kind == "Node"), @r"
    Normal NodeNotReady: Node n1 status is now: NodeNotReady (1)
    Normal RegisteredNode: Node n1 event: Registered Node n1 in Controller (1)
    Normal RemovingNode: Node n1 event: Removing Node n1 from Controller (1)
    ");
    assert_eq!(cluster.plane.next_wake(), None, "nothing is left to watch over");
}

#[test]
fn a_node_that_reports_stays_ready() {
    let mut cluster = Cluster::without_node();
    node(&mut cluster, "n1");
    for minute in 0..5 {
        let heartbeat = format!("2026-01-01T00:0{minute}:10Z");
        let ready = json!({"type": "Ready", "status": "True", "lastHeartbeatTime": heartbeat});
        cluster.patch_status(&NODES, "n1", json!({"status": {"conditions": [ready]}}));
        cluster.pass(seconds(40));
    }
    let node = cluster.get(&NODES, "n1").expect("a node");
    assert_eq!(node["status"]["conditions"][0]["status"], "True");
}

#[test]
fn a_node_that_comes_back_keeps_its_pods() {
    let mut cluster = Cluster::without_node();
    node(&mut cluster, "n1");
    pod(&mut cluster, "kept", "n1");
    cluster.delete(&NODES, "n1", Value::Null);
    cluster.pass(seconds(30));
    node(&mut cluster, "n1");
    cluster.pass(seconds(300));
    assert_eq!(cluster.pods(), "kept Pending");
    cluster.delete(&NODES, "n1", Value::Null);
    cluster.pass(seconds(70));
    assert_eq!(cluster.pods(), "");
}

#[test]
fn nodes_that_are_played_need_no_reports() {
    let mut cluster = Cluster::new();
    node(&mut cluster, "other");
    cluster.pass(seconds(600));
    let other = cluster.get(&NODES, "other").expect("a node");
    assert_eq!(other["status"].get("conditions"), None);
    assert!(cluster.list(&EVENTS).iter().all(|event| event["reason"] == "RegisteredNode"));
}
