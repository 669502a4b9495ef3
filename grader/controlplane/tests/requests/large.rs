//! Objects that are too large to be kept: etcd takes requests of 1.5 MiB, its client sends no more than 2 MiB. The sizes
//! of the tables were tried on a real server.

use crate::{Ask, ask, message};
use controlplane::{ControlPlane, Options, Response};
use serde_json::{Value, json};

const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
const PODS: &str = "/api/v1/namespaces/default/pods";
const LIMIT_RANGES: &str = "/api/v1/namespaces/default/limitranges";

fn send(plane: &mut ControlPlane, method: &str, path: &str, body: &Value) -> Response {
    let (method, path, body) = (method.to_owned(), path.to_owned(), body.to_string());
    ask(plane, &Ask { method, path, body, content: None, accept: None })
}

fn role(name_length: usize) -> Value {
    let rule = json!({
        "apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["x".repeat(name_length)],
    });
    json!({"metadata": {"name": "big"}, "rules": [rule]})
}

const TOO_LARGE: &str = "etcdserver: request is too large";
const TOO_LARGE_TO_SEND: &str =
    "rpc error: code = ResourceExhausted desc = trying to send message larger than max (";

#[test]
fn built_in_objects_are_measured_as_protobuf() {
    let mut plane = ControlPlane::new(Options::default());
    let table = [
        (1_572_400, None),
        (1_572_864, Some(TOO_LARGE)),
        (2_096_000, Some(TOO_LARGE)),
        (2_097_152, Some(TOO_LARGE_TO_SEND)),
        (2_900_000, Some(TOO_LARGE_TO_SEND)),
    ];
    for (length, expected) in table {
        let response = send(&mut plane, "POST", ROLES, &role(length));
        let text = message(&response).unwrap_or_default();
        match expected {
            None => assert_eq!(response.status, 201, "{length}: {text}"),
            Some(expected) => {
                assert!(response.status == 500 && text.starts_with(expected), "{length}: {text}")
            }
        }
        send(&mut plane, "DELETE", &format!("{ROLES}/big"), &json!({}));
    }
    assert_eq!(send(&mut plane, "POST", &format!("{ROLES}?dryRun=All"), &role(2_900_000)).status, 201);
    assert_eq!(send(&mut plane, "POST", ROLES, &role(1)).status, 201);
    assert_eq!(send(&mut plane, "PUT", &format!("{ROLES}/big"), &role(1_600_000)).status, 500);
}

#[test]
fn custom_objects_are_measured_as_json_in_which_some_letters_are_long() {
    let mut plane = ControlPlane::new(Options::default());
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = json!({
        "metadata": {"name": "bigs.example.com"},
        "spec": {
            "group": "example.com", "scope": "Cluster", "names": {"plural": "bigs", "kind": "Big"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema},
            }],
        },
    });
    send(&mut plane, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition);
    let table = [("x", 1_572_000, 201), ("x", 1_572_864, 500), ("<", 262_000, 201), ("<", 262_144, 500)];
    for (letter, count, expected) in table {
        let object = json!({
            "apiVersion": "example.com/v1", "kind": "Big", "metadata": {"name": "big"},
            "data": letter.repeat(count),
        });
        let status = send(&mut plane, "POST", "/apis/example.com/v1/bigs", &object).status;
        assert_eq!(status, expected, "{count} times {letter}");
        send(&mut plane, "DELETE", "/apis/example.com/v1/bigs/big", &json!({}));
    }
}

#[test]
fn a_pod_is_not_given_more_defaults_than_it_can_keep() {
    let mut plane = ControlPlane::new(Options::default());
    send(
        &mut plane,
        "POST",
        "/api/v1/namespaces/default/serviceaccounts",
        &json!({"metadata": {"name": "default"}}),
    );
    let amounts: Value = (0..4_000).map(|index| (format!("example.com/r{index}"), json!("1"))).collect();
    let containers: Value =
        (0..4_000).map(|index| json!({"name": format!("c{index}"), "image": "img:1"})).collect();
    let pod = json!({"metadata": {"name": "big"}, "spec": {"containers": containers}});
    let mut answer = |limit: Value| {
        let range = json!({"metadata": {"name": "r"}, "spec": {"limits": [limit]}});
        assert_eq!(send(&mut plane, "POST", LIMIT_RANGES, &range).status, 201);
        let response = send(&mut plane, "POST", PODS, &pod);
        assert_eq!(send(&mut plane, "DELETE", &format!("{LIMIT_RANGES}/r"), &json!({})).status, 200);
        (response.status.as_u16(), message(&response).unwrap_or_default())
    };
    let (status, text) = answer(json!({"type": "Container", "default": amounts}));
    assert_eq!((status, text.as_str()), (500, TOO_LARGE));
    let (status, text) = answer(json!({"type": "Container", "maxLimitRequestRatio": amounts}));
    assert_eq!(status, 403);
    let violations = text.matches("no request is specified").count();
    assert_eq!(violations, 4_000, "the same text is said once");
}
