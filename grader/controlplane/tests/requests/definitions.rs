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

/// A definition of two versions, of which `v1` knows more fields of the spec.
fn versioned(stored: &str, more: Value) -> Value {
    let version = |name: &str, more: &Value| {
        let mut fields = json!({"a": {"type": "string"}});
        for (name, field) in more.as_object().into_iter().flatten() {
            fields[name] = field.clone();
        }
        let spec = json!({"type": "object", "properties": fields});
        json!({
            "name": name, "served": true, "storage": name == stored,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
        })
    };
    json!({
        "metadata": {"name": "gadgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "gadgets", "kind": "Gadget"},
            "versions": [version("v1beta1", &json!({})), version("v1", &more)],
        },
    })
}

#[test]
fn a_field_that_the_version_of_a_manager_does_not_know_cannot_be_applied() {
    let mut plane = ControlPlane::new(Options::default());
    let (folder, _) = DEFINITION.rsplit_once('/').expect("a name");
    assert_eq!(send(&mut plane, "POST", folder, &versioned("v1beta1", json!({}))).status, 201);
    let apply = |plane: &mut ControlPlane, version: &str| {
        let path =
            format!("/apis/example.com/{version}/namespaces/default/gadgets/a?fieldManager=me&force=true");
        let api_version = format!("example.com/{version}");
        let body = json!({
            "apiVersion": api_version, "kind": "Gadget", "metadata": {"name": "a"}, "spec": {"a": "1"},
        });
        let content = Some("application/apply-patch+yaml".to_owned());
        ask(plane, &Ask { method: "PATCH".to_owned(), path, body: body.to_string(), content, accept: None })
    };
    assert_eq!(apply(&mut plane, "v1beta1").status, 201);
    let redefine = |plane: &mut ControlPlane, more: Value| {
        let mut definition = versioned("v1", more);
        let stored: Value =
            serde_json::from_slice(&send(plane, "GET", DEFINITION, &Value::Null).body).expect("an object");
        definition["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"].clone();
        assert_eq!(send(plane, "PUT", DEFINITION, &definition).status, 200);
    };
    redefine(&mut plane, json!({}));
    let path = format!("{GADGETS}/a");
    // From now on it is kept as `v1`.
    let mut gadget: Value =
        serde_json::from_slice(&send(&mut plane, "GET", &path, &Value::Null).body).expect("an object");
    gadget["metadata"]["labels"] = json!({"kept": "anew"});
    assert_eq!(send(&mut plane, "PUT", &path, &gadget).status, 200);
    redefine(&mut plane, json!({"b": {"type": "string", "default": "x"}}));

    let refused = apply(&mut plane, "v1");
    let text = crate::message(&refused).unwrap_or_default();
    assert_eq!((refused.status.as_u16(), text.as_str()), (500, ".spec.b: field not declared in schema"));
    let mut gadget: Value =
        serde_json::from_slice(&send(&mut plane, "GET", &path, &Value::Null).body).expect("an object");
    gadget["spec"]["a"] = json!("2");
    let written = send(&mut plane, "PUT", &path, &gadget);
    let written: Value = serde_json::from_slice(&written.body).expect("an object");
    assert_eq!(written["spec"], json!({"a": "2", "b": "x"}));
    assert_eq!(written["metadata"]["managedFields"], Value::Null, "nobody can be told what is theirs");
}
