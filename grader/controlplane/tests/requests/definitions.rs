//! How definitions of custom resources go.

use crate::{Ask, ask};
use controlplane::{ControlPlane, Options, Response};
use serde_json::{Value, json};

const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.example.com";
const GADGETS: &str = "/apis/example.com/v1/namespaces/default/gadgets";

fn send(plane: &mut ControlPlane, method: &str, path: &str, body: &Value) -> Response {
    let (method, path, body) = (method.to_owned(), path.to_owned(), body.to_string());
    ask(plane, &Ask { method, path, body, content: None, accept: None })
}

/// A cluster with a gadget whose definition was just deleted.
fn deleting() -> ControlPlane {
    let mut plane = ControlPlane::new(Options::default());
    let (folder, _) = DEFINITION.rsplit_once('/').expect("a name");
    let definition = json!({
        "metadata": {"name": "gadgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "gadgets", "kind": "Gadget"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}},
            }],
        },
    });
    assert_eq!(send(&mut plane, "POST", folder, &definition).status, 201);
    let gadget = json!({"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "a"}});
    assert_eq!(send(&mut plane, "POST", GADGETS, &gadget).status, 201);
    assert_eq!(send(&mut plane, "DELETE", DEFINITION, &json!({})).status, 200);
    plane
}

fn goes(plane: &mut ControlPlane) {
    let wake = plane.next_wake().expect("it has somewhere to go");
    plane.advance(wake);
    assert_eq!(send(plane, "GET", DEFINITION, &Value::Null).status, 404);
    assert_eq!(send(plane, "GET", GADGETS, &Value::Null).status, 404);
}

#[test]
fn a_definition_that_was_deleted_is_seen_going() {
    let mut plane = deleting();
    let seen = send(&mut plane, "GET", DEFINITION, &Value::Null);
    let seen: Value = serde_json::from_slice(&seen.body).expect("an object");
    let conditions = seen["status"]["conditions"].as_array().expect("conditions");
    let terminating = conditions.iter().find(|condition| condition["type"] == "Terminating");
    assert_eq!(terminating.expect("it says so")["reason"], "InstanceDeletionPending");
    assert_eq!(send(&mut plane, "GET", &format!("{GADGETS}/a"), &Value::Null).status, 200);
    goes(&mut plane);
}

#[test]
fn a_definition_that_was_deleted_goes_after_a_restart() {
    let snapshot = deleting().snapshot();
    goes(&mut ControlPlane::new(Options { restore: Some(snapshot), ..Options::default() }));
}
