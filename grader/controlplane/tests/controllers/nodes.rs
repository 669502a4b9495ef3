//! The simulated node and its knobs.

use crate::cluster::{CLAIMS, Cluster, PODS, milliseconds, seconds};
use controlplane::{Reply, Request};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "img:1"}]},
    })
}

#[test]
fn a_pod_becomes_ready_after_a_while_and_says_so_as_a_kubelet_does() {
    let mut cluster = Cluster::new();
    cluster.create(&PODS, pod("a"));
    cluster.pass(milliseconds(500));
    assert_eq!(cluster.pods(), "a Pending");
    cluster.pass(seconds(1));
    assert_eq!(cluster.pods(), "a Running!");
    let pod = cluster.get(&PODS, "a").expect("it was just there");
    insta::assert_json_snapshot!("pod_status", pod["status"], {".containerStatuses[0].containerID" => "<id>"});
}

#[test]
fn pods_are_held_released_failed_and_killed() {
    let mut cluster = Cluster::new();
    cluster.nodes.hold("default", "a");
    cluster.create(&PODS, pod("a"));
    cluster.pass(seconds(10));
    assert_eq!(cluster.pods(), "a Running");
    cluster.nodes.release("default", "a", cluster.now);
    cluster.pass(milliseconds(1));
    assert_eq!(cluster.pods(), "a Running!");
    cluster.nodes.fail("default", "a", cluster.now);
    cluster.pass(milliseconds(1));
    assert_eq!(cluster.pods(), "a Running");
    cluster.nodes.release_all(cluster.now);
    cluster.pass(milliseconds(1));
    assert_eq!(cluster.pods(), "a Running!");
    cluster.nodes.kill("default", "a", cluster.now);
    cluster.pass(milliseconds(1));
    assert_eq!(cluster.pods(), "a Running");
    cluster.pass(seconds(5));
    assert_eq!(cluster.pods(), "a Running!");
    let pod = cluster.get(&PODS, "a").expect("it restarts in place");
    assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 1);
}

#[test]
fn a_deleted_pod_says_how_it_ended_before_it_goes() {
    let mut cluster = Cluster::new();
    let watch = Request {
        method: Method::GET,
        path: "/api/v1/namespaces/default/pods".to_owned(),
        query: "watch=true".to_owned(),
        headers: Default::default(),
        body: Default::default(),
        certificate: Default::default(),
    };
    assert!(matches!(cluster.plane.handle(&watch, cluster.now), Reply::Watch { .. }));
    let nodes = cluster.nodes.clone();
    let mut story = |name: &str, lives: SignedDuration| {
        cluster.create(&PODS, pod(name));
        cluster.pass(lives);
        cluster.plane.take_frames();
        cluster.delete(&PODS, name, json!({}));
        cluster.pass(seconds(10));
        let frames = cluster.plane.take_frames().into_iter();
        let told = frames.map(|(_, frame)| {
            let event: Value = serde_json::from_slice(&frame).expect("an event is JSON");
            let status = &event["object"]["status"];
            let conditions = status["conditions"].as_array().into_iter().flatten();
            let ready = conditions.filter(|condition| condition["type"] == "Ready");
            let ready = ready.map(|condition| condition["status"].as_str().unwrap_or("?"));
            let texts = [&event["type"], &status["phase"]].map(|text| text.as_str().unwrap_or("?"));
            texts.into_iter().chain(ready).collect::<Vec<_>>().join(" ")
        });
        let mut told: Vec<String> = told.collect();
        told.dedup();
        told.join(", ")
    };
    let ran = story("a", seconds(10));
    assert_eq!(ran, "MODIFIED Running True, MODIFIED Succeeded False, DELETED Succeeded False");
    nodes.ready_after(seconds(20));
    let began = story("b", milliseconds(100));
    assert_eq!(began, "MODIFIED Pending False, MODIFIED Failed False, DELETED Failed False");
}

#[test]
fn nothing_moves_while_the_node_is_off() {
    let mut cluster = Cluster::new();
    cluster.nodes.off();
    cluster.create(&PODS, pod("a"));
    cluster.pass(seconds(60));
    assert_eq!(cluster.pods(), "a Pending");
    cluster.nodes.on(cluster.now);
    cluster.pass(seconds(60));
    assert_eq!(cluster.pods(), "a Running!");
}

#[test]
fn a_claim_is_bound_to_a_volume_that_goes_with_it() {
    let mut cluster = Cluster::new();
    cluster.create(
        &CLAIMS,
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": "default"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }),
    );
    cluster.pass(seconds(1));
    let claim = cluster.get(&CLAIMS, "data").expect("it was just created");
    assert_eq!(claim["status"]["phase"], "Bound");
    assert_eq!(claim["status"]["capacity"]["storage"], "1Gi");
}

#[test]
fn a_scheduler_binds_a_pod_once() {
    let mut cluster = Cluster::new();
    let mut held = pod("a");
    held["spec"]["schedulerName"] = "own".into();
    cluster.create(&PODS, held);
    cluster.pass(seconds(10));
    assert_eq!(cluster.pods(), "a Pending");
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"},
        "target": {"kind": "Node", "name": "simulated"},
    });
    let mut bind = || {
        let request = Request {
            method: Method::POST,
            path: "/api/v1/namespaces/default/pods/a/binding".to_owned(),
            query: String::new(),
            headers: Default::default(),
            body: binding.to_string().into(),
            certificate: Default::default(),
        };
        let Reply::Complete(response) = cluster.plane.handle(&request, cluster.now) else {
            panic!("a binding is answered at once")
        };
        let status: Value = serde_json::from_slice(&response.body).expect("answers are JSON");
        (response.status.as_u16(), status["message"].clone())
    };
    assert_eq!(bind(), (201, Value::Null));
    let message = "Operation cannot be fulfilled on pods/binding \"a\": pod a is already assigned to node \"simulated\"";
    assert_eq!(bind(), (409, message.into()));
    cluster.pass(seconds(10));
    let pod = cluster.get(&PODS, "a").expect("it was just there");
    assert_eq!(pod["spec"]["nodeName"], "simulated");
}

#[test]
fn a_running_pod_gets_more_resources_and_containers() {
    let mut cluster = Cluster::new();
    let mut small = pod("a");
    small["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "1"}});
    cluster.create(&PODS, small);
    cluster.pass(seconds(10));
    let through = |cluster: &mut Cluster, subresource: &str, spec: Value| {
        cluster.patch_through(&PODS, "a", Some(subresource), &json!({"spec": spec}));
        cluster.pass(seconds(10));
        cluster.get(&PODS, "a").expect("the pod is there")["status"].clone()
    };
    let container = json!({"name": "c", "image": "img:1", "resources": {"requests": {"cpu": "2"}}});
    let status = through(&mut cluster, "resize", json!({"containers": [container]}));
    assert_eq!(status["containerStatuses"][0]["resources"], json!({"requests": {"cpu": "2"}}));
    assert_eq!(status["containerStatuses"][0]["allocatedResources"], json!({"cpu": "2"}));
    let debugger = json!({"name": "debugger", "image": "busybox", "targetContainerName": "c"});
    let status = through(&mut cluster, "ephemeralcontainers", json!({"ephemeralContainers": [debugger]}));
    let debugger = &status["ephemeralContainerStatuses"][0];
    assert_eq!(debugger["name"], "debugger");
    assert!(debugger["state"]["running"]["startedAt"].is_string());
}
