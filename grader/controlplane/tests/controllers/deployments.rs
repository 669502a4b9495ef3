//! Deployments and their ReplicaSets, with the node simulator playing the kubelet.

use crate::cluster::{Cluster, DEPLOYMENTS, PODS, REPLICA_SETS, deployment, image, milliseconds, seconds};
use serde_json::{Value, json};

/// `revision: wanted/available of image` of each ReplicaSet, by revision.
fn sets(cluster: &mut Cluster) -> String {
    let mut lines: Vec<String> = cluster
        .list(&REPLICA_SETS)
        .iter()
        .map(|set| {
            let revision = &set["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
            let image = &set["spec"]["template"]["spec"]["containers"][0]["image"];
            let available = set["status"]["availableReplicas"].as_i64().unwrap_or_default();
            format!("{revision}: {}/{available} of {image}", set["spec"]["replicas"])
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

/// `type status reason: message` of each condition.
fn conditions(cluster: &mut Cluster) -> String {
    let deployment = cluster.get(&DEPLOYMENTS, "web").expect("the Deployment is there");
    let conditions = deployment["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let mut lines: Vec<String> = conditions
        .iter()
        .map(|condition| {
            let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
            let message = without_hash(&text("message"));
            format!("{} {} {}: {message}", text("type"), text("status"), text("reason"))
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

/// Texts with the hash in names of ReplicaSets taken out.
fn without_hash(text: &str) -> String {
    let word = |word: &str| match word.trim_matches('"').strip_prefix("web-") {
        Some(_) => "web-<hash>".to_owned(),
        None => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_deployment_becomes_complete() {
    let mut cluster = Cluster::new();
    cluster.create(&DEPLOYMENTS, deployment(json!({})));
    cluster.pass(milliseconds(500));
    insta::assert_snapshot!(conditions(&mut cluster), @r#"
    Available False MinimumReplicasUnavailable: Deployment does not have minimum availability.
    Progressing True ReplicaSetUpdated: ReplicaSet web-<hash> is progressing.
    "#);
    cluster.pass(seconds(10));
    insta::assert_snapshot!(sets(&mut cluster), @r#"
    "1": 3/3 of "img:1"
    "#);
    insta::assert_snapshot!(conditions(&mut cluster), @r#"
    Available True MinimumReplicasAvailable: Deployment has minimum availability.
    Progressing True NewReplicaSetAvailable: ReplicaSet web-<hash> has successfully progressed.
    "#);
    let deployment = cluster.get(&DEPLOYMENTS, "web").expect("the Deployment is there");
    assert_eq!(deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    assert_eq!(deployment["status"]["observedGeneration"], 1);
    assert_eq!(cluster.plane.next_wake(), None);
}

#[test]
fn a_rollout_keeps_enough_pods_and_goes_back_to_an_old_set() {
    let mut cluster = Cluster::new();
    cluster.create(&DEPLOYMENTS, deployment(json!({"replicas": 4})));
    cluster.pass(seconds(10));
    cluster.nodes.hold_all(|pod| pod["spec"]["containers"][0]["image"] == "img:2");
    cluster.patch(&DEPLOYMENTS, "web", image("img:2"));
    cluster.pass(seconds(60));
    insta::assert_snapshot!(sets(&mut cluster), @r#"
    "1": 3/3 of "img:1"
    "2": 2/0 of "img:2"
    "#);
    cluster.nodes.release_all(cluster.now);
    cluster.pass(seconds(60));
    insta::assert_snapshot!(sets(&mut cluster), @r#"
    "1": 0/0 of "img:1"
    "2": 4/4 of "img:2"
    "#);
    cluster.patch(&DEPLOYMENTS, "web", image("img:1"));
    cluster.pass(seconds(60));
    insta::assert_snapshot!(sets(&mut cluster), @r#"
    "2": 0/0 of "img:2"
    "3": 4/4 of "img:1"
    "#);
    let first = cluster.list(&REPLICA_SETS);
    let history =
        |set: &Value| set["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"].clone();
    assert!(first.iter().any(|set| history(set) == "1"));
}

#[test]
fn recreate_waits_until_the_old_pods_are_gone() {
    let mut cluster = Cluster::new();
    cluster.create(&DEPLOYMENTS, deployment(json!({"strategy": {"type": "Recreate"}})));
    cluster.pass(seconds(10));
    cluster.patch(&DEPLOYMENTS, "web", image("img:2"));
    cluster.pass(milliseconds(500));
    let images = |cluster: &mut Cluster| -> Vec<Value> {
        cluster.list(&PODS).iter().map(|pod| pod["spec"]["containers"][0]["image"].clone()).collect()
    };
    assert_eq!(images(&mut cluster), ["img:1", "img:1", "img:1"]);
    cluster.pass(seconds(10));
    assert_eq!(images(&mut cluster), ["img:2", "img:2", "img:2"]);
}

#[test]
fn a_rollout_that_stands_still_exceeds_its_deadline() {
    let mut cluster = Cluster::new();
    cluster.nodes.hold_all(|_| true);
    cluster.create(&DEPLOYMENTS, deployment(json!({"progressDeadlineSeconds": 60})));
    cluster.pass(seconds(120));
    insta::assert_snapshot!(conditions(&mut cluster), @r#"
    Available False MinimumReplicasUnavailable: Deployment does not have minimum availability.
    Progressing False ProgressDeadlineExceeded: ReplicaSet web-<hash> has timed out progressing.
    "#);
    assert_eq!(cluster.plane.next_wake(), None);
}

#[test]
fn scaling_in_the_middle_of_a_rollout_keeps_proportions() {
    let mut cluster = Cluster::new();
    let limits = json!({"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}});
    cluster.create(&DEPLOYMENTS, deployment(json!({"replicas": 10, "strategy": limits})));
    cluster.pass(seconds(10));
    cluster.nodes.hold_all(|pod| pod["spec"]["containers"][0]["image"] == "img:2");
    cluster.patch(&DEPLOYMENTS, "web", image("img:2"));
    cluster.pass(seconds(30));
    insta::assert_snapshot!(sets(&mut cluster), @r#"
    "1": 8/8 of "img:1"
    "2": 5/0 of "img:2"
    "#);
    cluster.patch(&DEPLOYMENTS, "web", json!({"spec": {"replicas": 15}}));
    cluster.pass(seconds(30));
    insta::assert_snapshot!(sets(&mut cluster), @r#"
    "1": 11/11 of "img:1"
    "2": 7/0 of "img:2"
    "#);
}
