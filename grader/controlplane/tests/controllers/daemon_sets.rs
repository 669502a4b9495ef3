//! DaemonSets: a pod on each node that suits.

use crate::cluster::{Cluster, DAEMON_SETS, NODES, PODS, image, milliseconds, seconds};
use serde_json::{Value, json};

fn daemon_set() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {
                "metadata": {"labels": {"app": "agent"}},
                "spec": {"containers": [{"name": "c", "image": "img:1"}]},
            },
        },
    })
}

/// Makes a node and, as its kubelet would, takes away the taint that it is not ready.
fn add_node(cluster: &mut Cluster, name: &str, taints: Value) {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}});
    let now = cluster.now;
    let ready = json!({"spec": {"taints": taints}});
    let added = cluster.plane.act_as("test", now, |api| {
        api.create(&NODES, None, node)?;
        api.merge_patch(&NODES, None, name, None, &ready)
    });
    added.expect("the node is fine");
}

fn summary(cluster: &mut Cluster) -> String {
    let set = cluster.get(&DAEMON_SETS, "agent").expect("it was created");
    let number = |key: &str| set["status"][key].as_i64().unwrap_or_default();
    let mut nodes: Vec<String> = cluster
        .list(&PODS)
        .iter()
        .filter_map(|pod| pod["spec"]["nodeName"].as_str().map(str::to_owned))
        .collect();
    nodes.sort();
    format!(
        "desired {} current {} updated {} available {} on {}",
        number("desiredNumberScheduled"),
        number("currentNumberScheduled"),
        number("updatedNumberScheduled"),
        number("numberAvailable"),
        nodes.join(" "),
    )
}

#[test]
fn every_suitable_node_has_one_pod() {
    let mut cluster = Cluster::new();
    cluster.create(&DAEMON_SETS, daemon_set());
    cluster.pass(seconds(10));
    assert_eq!(summary(&mut cluster), "desired 1 current 1 updated 1 available 1 on node-1");
    add_node(&mut cluster, "other", json!(null));
    add_node(&mut cluster, "tainted", json!([{"key": "gpu", "effect": "NoSchedule"}]));
    cluster.pass(seconds(10));
    assert_eq!(summary(&mut cluster), "desired 2 current 2 updated 2 available 2 on node-1 other");
    assert_eq!(cluster.plane.next_wake(), None);
}

#[test]
fn a_new_template_replaces_pods_one_node_after_the_other() {
    let mut cluster = Cluster::new();
    add_node(&mut cluster, "other", json!(null));
    cluster.create(&DAEMON_SETS, daemon_set());
    cluster.pass(seconds(10));
    cluster.patch(&DAEMON_SETS, "agent", image("img:2"));
    cluster.pass(milliseconds(1_500));
    assert_eq!(summary(&mut cluster), "desired 2 current 2 updated 1 available 1 on node-1 other");
    cluster.pass(seconds(30));
    assert_eq!(summary(&mut cluster), "desired 2 current 2 updated 2 available 2 on node-1 other");
    assert_eq!(cluster.plane.next_wake(), None);
}
