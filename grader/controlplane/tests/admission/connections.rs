//! What is asked about connections to pods, services and nodes, and what becomes of them.

use crate::world::{World, allow, patch, request, review};
use controlplane::Timestamp;
use controlplane::request::Reply;
use controlplane::webhooks::Webhooks;
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// A cluster with a node that names itself, and a pod on it.
fn world(webhooks: Webhooks) -> World {
    let mut world = World::new(webhooks);
    let addresses =
        json!([{"type": "InternalIP", "address": "192.0.2.1"}, {"type": "Hostname", "address": "n"}]);
    let node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"addresses": addresses},
    });
    world.create("/api/v1/nodes", &node);
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    world.create("/api/v1/namespaces/default/serviceaccounts", &account);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"nodeName": "n", "containers": [{"name": "a", "image": "i"}]},
    });
    world.create(PODS, &pod);
    world
}

fn on_connect() -> Value {
    json!({"rules": [{
        "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["CONNECT"],
    }]})
}

#[test]
fn a_webhook_is_asked_about_a_connection() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let mut world = world(Webhooks::answered(move |call| {
        seen.lock().expect("nobody panics").push(review(call)["request"].clone());
        allow(call, json!({"allowed": false, "status": {"message": "no connecting"}}))
    }));
    world.configure("ValidatingWebhookConfiguration", on_connect());
    let options = |kind: &str, more: Value| {
        let mut options = json!({"kind": kind, "apiVersion": "v1"});
        options.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        options
    };
    let table = [
        (
            format!("{PODS}/p/attach?stdin=1&stdout=&stderr=false&tty=x"),
            "pods",
            "p",
            options("PodAttachOptions", json!({"stdin": true, "stdout": true, "tty": true})),
        ),
        (
            format!("{PODS}/none/exec?command=date&command=-u&container=a"),
            "pods",
            "none",
            options("PodExecOptions", json!({"command": ["date", "-u"], "container": "a"})),
        ),
        (format!("{PODS}/p/exec"), "pods", "p", options("PodExecOptions", json!({"command": null}))),
        (
            format!("{PODS}/p/portforward?ports=1,2&ports=3"),
            "pods",
            "p",
            options("PodPortForwardOptions", json!({"ports": [1, 2, 3]})),
        ),
        (format!("{PODS}/p:80/proxy"), "pods", "p:80", options("PodProxyOptions", json!({}))),
        (
            format!("{PODS}/p/proxy/a//b/?path=/z"),
            "pods",
            "p",
            options("PodProxyOptions", json!({"path": "/a//b/"})),
        ),
        (
            "/api/v1/namespaces/default/services/s/proxy/".to_owned(),
            "services",
            "s",
            options("ServiceProxyOptions", json!({"path": "/"})),
        ),
        (
            "/api/v1/nodes/n/proxy/logs".to_owned(),
            "nodes",
            "n",
            options("NodeProxyOptions", json!({"path": "/logs"})),
        ),
    ];
    for (path, resource, name, expected) in table {
        let (status, body) = world.answer(Method::POST, &path, &Value::Null);
        let denied = r#"admission webhook "hook.example.com" denied the request: no connecting"#;
        assert_eq!((status, &body["message"]), (400, &json!(denied)), "{path}");
        let request = asked.lock().expect("nobody panics").pop().expect("the webhook is asked");
        let kind = json!({"group": "", "version": "v1", "kind": expected["kind"]});
        assert_eq!((&request["kind"], &request["requestKind"]), (&kind, &kind), "{path}");
        assert_eq!((&request["operation"], &request["name"]), (&json!("CONNECT"), &json!(name)), "{path}");
        assert_eq!(request["resource"]["resource"], resource, "{path}");
        assert_eq!(request["object"], expected, "{path}");
        assert_eq!((&request["oldObject"], &request["options"]), (&Value::Null, &Value::Null), "{path}");
        assert_eq!(request["dryRun"], false, "{path}");
    }
}

#[test]
fn a_webhook_may_change_where_a_connection_goes() {
    let mut world = world(Webhooks::answered(|call| {
        patch(call, &json!([{"op": "add", "path": "/container", "value": "other"}]))
    }));
    world.configure("MutatingWebhookConfiguration", on_connect());
    let (status, body) = world.answer(Method::POST, &format!("{PODS}/p/attach"), &Value::Null);
    let message = "container other is not valid for pod p";
    assert_eq!((status, &body["message"]), (400, &json!(message)));
}

#[test]
fn a_policy_may_refuse_a_connection() {
    let mut world = world(Webhooks::answered(|call| allow(call, json!({}))));
    let spec = json!({
        "matchConstraints": {"resourceRules": [{
            "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/exec"], "operations": ["CONNECT"],
        }]},
        "validations": [{"expression": "!has(object.tty) || !object.tty", "message": "no terminals"}],
    });
    world.bind("ValidatingAdmissionPolicy", &spec, json!({"validationActions": ["Deny"]}));
    for (query, message) in [
        (
            "tty=true",
            "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'rule' with binding 'bound' denied request: no terminals",
        ),
        ("", "Upgrade request required"),
    ] {
        let (_, body) = world.answer(Method::POST, &format!("{PODS}/p/exec?{query}"), &Value::Null);
        assert_eq!(body["message"], message, "{query}");
    }
}

#[test]
fn nobody_listens_where_a_connection_goes() {
    let mut world = world(Webhooks::answered(|call| allow(call, json!({}))));
    let dialing = "error dialing backend: dial tcp: lookup n: no such host";
    for (path, code, message) in [
        ("namespaces/default/pods/p/attach", 500, dialing),
        ("namespaces/default/pods/p/exec?command=date", 500, dialing),
        ("namespaces/default/pods/p/portforward", 500, dialing),
        ("nodes/n/proxy/x", 400, "lookup n: no such host"),
    ] {
        let mut asked = request(Method::GET, &format!("/api/v1/{path}"), &Value::Null);
        asked.headers.insert("connection", HeaderValue::from_static("keep-alive, Upgrade"));
        asked.headers.insert("upgrade", HeaderValue::from_static("SPDY/3.1"));
        let reply = world.plane.handle(&asked, Timestamp::UNIX_EPOCH);
        let Reply::Complete(response) = reply else { panic!("a complete answer, not {reply:?}") };
        let body: Value = serde_json::from_slice(&response.body).expect("a Status");
        assert_eq!((response.status.as_u16(), &body["message"]), (code, &json!(message)), "{path}");
    }
}

#[test]
fn the_root_of_a_proxied_pod_ends_with_a_slash() {
    let mut world = world(Webhooks::answered(|call| allow(call, json!({}))));
    let status = json!({"status": {"podIP": "192.0.2.9", "podIPs": [{"ip": "192.0.2.9"}]}});
    let mut asked = request(Method::PATCH, &format!("{PODS}/p/status"), &status);
    asked.headers.insert("content-type", HeaderValue::from_static("application/merge-patch+json"));
    world.plane.handle(&asked, Timestamp::UNIX_EPOCH);
    for (query, location) in [("", "/p/proxy/"), ("?a=b", "/p/proxy/?a=b")] {
        let reply = world.ask(Method::GET, &format!("{PODS}/p/proxy{query}"), &Value::Null);
        let Reply::Complete(response) = reply else { panic!("a complete answer, not {reply:?}") };
        assert_eq!(response.status, 301);
        assert_eq!(response.headers["location"], format!("{PODS}{location}"));
    }
}
