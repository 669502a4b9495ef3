//! Webhooks that somebody outside calls: requests wait, and so do the writes of controllers.

use crate::world::{CONFIG_MAPS, World, allow, patch, request};
use controlplane::controllers::{ControllerSet, Settings, start};
use controlplane::store::ResourceId;
use controlplane::webhooks::Webhooks;
use controlplane::{ControlPlane, Options, Reply, Timestamp};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

/// How long a webhook takes: longer than the precision of times in objects.
const SLOWLY: SignedDuration = SignedDuration::from_secs(3);

#[test]
fn a_request_goes_on_when_its_webhook_has_answered() {
    let mut world = World::new(Webhooks::ByDriver);
    world.configure("MutatingWebhookConfiguration", json!({}));
    world.configure("ValidatingWebhookConfiguration", json!({}));
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}, "data": {"a": "b"}});
    let Reply::Call(pending) = world.ask(Method::POST, CONFIG_MAPS, &object) else {
        panic!("the mutating webhook is to be asked");
    };
    // Others are not held up meanwhile.
    let (status, _) = world.answer(Method::GET, CONFIG_MAPS, &Value::Null);
    assert_eq!(status, 200);
    let mut now = Timestamp::UNIX_EPOCH + SLOWLY;
    let answer = patch(&pending.call, &json!([{"op": "add", "path": "/data/x", "value": "y"}]));
    let Reply::Call(pending) = world.plane.resume(*pending, answer, now) else {
        panic!("the validating webhook is to be asked");
    };
    let asked: Value = serde_json::from_slice(&pending.call.body).expect("a review");
    let name = asked["request"]["object"]["metadata"]["name"].clone();
    assert_eq!(asked["request"]["object"]["data"], json!({"a": "b", "x": "y"}));
    let answer = allow(&pending.call, json!({}));
    now += SLOWLY;
    let Reply::Complete(response) = world.plane.resume(*pending, answer, now) else {
        panic!("nobody else is to be asked");
    };
    let created: Value = serde_json::from_slice(&response.body).expect("an object");
    assert_eq!(response.status.as_u16(), 201);
    assert_eq!((&created["metadata"]["name"], &created["data"]), (&name, &json!({"a": "b", "x": "y"})));
    assert_eq!(created["metadata"]["creationTimestamp"], "1970-01-01T00:00:00Z", "the request began then");
}

#[test]
fn a_controller_tries_again_until_its_webhook_has_answered() {
    const PODS: ResourceId = ResourceId::known("", "pods");
    const EVENTS: ResourceId = ResourceId::known("", "events");
    let mut now = Timestamp::UNIX_EPOCH;
    let set = ControllerSet::all().without("node-simulator");
    let mut plane = ControlPlane::new(Options {
        webhooks: Webhooks::ByDriver,
        controllers: start(&set, &Settings::default()).controllers,
        ..Options::default()
    });
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "hooks"},
        "webhooks": [{
            "name": "hook.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://example.com/hook"},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
        }],
    });
    let set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "img:1"}]},
        }},
    });
    for (path, object) in [
        ("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", webhook),
        ("/apis/apps/v1/namespaces/default/replicasets", set),
    ] {
        plane.handle(&request(Method::POST, path, &object), now);
    }
    let mut asked = 0;
    let mut calls = Vec::new();
    for _ in 0..5000 {
        calls.extend(plane.take_calls().into_iter().map(|call| (now + SLOWLY, call)));
        for (_, (id, call)) in calls.extract_if(.., |(due, _)| *due <= now) {
            asked += 1;
            let label = json!([{"op": "add", "path": "/metadata/labels/seen", "value": asked.to_string()}]);
            plane.answer_call(&id, patch(&call, &label));
        }
        now += SignedDuration::from_millis(20);
        plane.advance(now);
    }
    let pods = plane.list(&PODS, None);
    let mut labels: Vec<&str> =
        pods.iter().filter_map(|pod| pod["metadata"]["labels"]["seen"].as_str()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["1", "2"]);
    let failures = plane.list(&EVENTS, None).iter().filter(|event| event["type"] == "Warning").count();
    assert_eq!(failures, 0, "waiting is no failure");
}
