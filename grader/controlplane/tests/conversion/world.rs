//! Gadgets: kept in `v1`, where a host and a port are one text, served in `v2` as well, where they are two.

use bytes::Bytes;
use controlplane::webhooks::{WebhookAnswer, WebhookCall, Webhooks};
use controlplane::{ControlPlane, Options, Reply, Request, Timestamp};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

pub(crate) const V1: &str = "/apis/example.com/v1/namespaces/default/gadgets";
pub(crate) const V2: &str = "/apis/example.com/v2/namespaces/default/gadgets";
pub(crate) const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

pub(crate) fn definition(review_versions: &[&str]) -> Value {
    let version = |name: &str, storage: bool, spec: Value| {
        json!({
            "name": name, "served": true, "storage": storage, "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "properties": spec},
                "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            }}},
        })
    };
    let text = json!({"type": "string"});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"},
            "conversion": {"strategy": "Webhook", "webhook": {
                "conversionReviewVersions": review_versions,
                "clientConfig": {"url": "https://example.com/convert"},
            }},
            "versions": [
                version("v1", true, json!({"hostPort": text})),
                version("v2", false, json!({"host": text, "port": text})),
            ],
        },
    })
}

pub(crate) fn v1(name: &str, host_port: &str) -> Value {
    gadget("v1", name, json!({"hostPort": host_port}))
}

pub(crate) fn v2(name: &str, host: &str, port: &str) -> Value {
    gadget("v2", name, json!({"host": host, "port": port}))
}

fn gadget(version: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": format!("example.com/{version}"), "kind": "Gadget",
        "metadata": {"name": name, "labels": {"x": "q"}}, "spec": spec,
    })
}

/// The answer of a webhook that does its work.
pub(crate) fn convert(review: &Value) -> Value {
    let desired = &review["request"]["desiredAPIVersion"];
    let converted = review["request"]["objects"].as_array().into_iter().flatten().map(|object| {
        let mut object = object.clone();
        let spec = object["spec"].clone();
        let text = |key: &str| spec[key].as_str().unwrap_or_default();
        object["spec"] = match text("hostPort").split_once(':') {
            Some((host, port)) => json!({"host": host, "port": port}),
            None => json!({"hostPort": format!("{}:{}", text("host"), text("port"))}),
        };
        object["apiVersion"] = desired.clone();
        object
    });
    let converted: Vec<Value> = converted.collect();
    json!({
        "apiVersion": review["apiVersion"], "kind": "ConversionReview",
        "response": {
            "uid": review["request"]["uid"], "result": {"status": "Success"}, "convertedObjects": converted,
        },
    })
}

pub(crate) fn review(call: &WebhookCall) -> Value {
    serde_json::from_slice(&call.body).expect("reviews are JSON")
}

pub(crate) fn respond(review: &Value) -> WebhookAnswer {
    let content_type = "application/json".to_owned();
    WebhookAnswer::Response { status: StatusCode::OK, content_type, body: review.to_string().into() }
}

/// What a webhook does to its right answer before it sends it.
pub(crate) type Fault = fn(&mut Value);

/// A cluster with the definition of gadgets, and a webhook that may be told to go wrong.
pub(crate) struct World {
    pub(crate) plane: ControlPlane,
    fault: Arc<Mutex<Option<Fault>>>,
    reviews: Arc<Mutex<Vec<Value>>>,
}

impl World {
    pub(crate) fn new(review_versions: &[&str]) -> Self {
        let fault: Arc<Mutex<Option<Fault>>> = Arc::default();
        let reviews: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (faults, asked) = (fault.clone(), reviews.clone());
        let webhooks = Webhooks::answered(move |call| {
            let review = review(call);
            let mut answer = convert(&review);
            asked.lock().expect("one thread").push(review);
            if let Some(fault) = *faults.lock().expect("one thread") {
                fault(&mut answer);
            }
            match answer {
                Value::Null => WebhookAnswer::Failed("connection refused".to_owned()),
                Value::Number(code) => {
                    let code = code.as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
                    let status = StatusCode::from_u16(code).expect("a status");
                    let content_type = "application/json".to_owned();
                    WebhookAnswer::Response { status, content_type, body: Default::default() }
                }
                answer => respond(&answer),
            }
        });
        let mut world = Self { plane: plane(webhooks), fault, reviews };
        world.ok(Method::POST, CRDS, &definition(review_versions));
        world
    }

    /// From now on the webhook does this to its answers.
    pub(crate) fn fail(&self, fault: Fault) {
        *self.fault.lock().expect("one thread") = Some(fault);
    }

    /// From now on the webhook works.
    pub(crate) fn repair(&self) {
        *self.fault.lock().expect("one thread") = None;
    }

    /// What the webhook was asked since the last time: the wanted version, and the names of the objects.
    pub(crate) fn asked(&self) -> Vec<(String, String)> {
        let asked = std::mem::take(&mut *self.reviews.lock().expect("one thread"));
        let short = |review: &Value| {
            let request = &review["request"];
            let names = request["objects"].as_array().into_iter().flatten();
            let names: Vec<&str> = names.filter_map(|object| object["metadata"]["name"].as_str()).collect();
            (request["desiredAPIVersion"].as_str().unwrap_or_default().to_owned(), names.join(","))
        };
        asked.iter().map(short).collect()
    }

    pub(crate) fn answer(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        match self.plane.handle(&request(method, path, body), Timestamp::UNIX_EPOCH) {
            Reply::Complete(response) => {
                let body = serde_json::from_slice(&response.body).expect("answers are JSON");
                (response.status.as_u16(), body)
            }
            other => panic!("a complete answer, not {other:?}"),
        }
    }

    /// An answer that is a success.
    pub(crate) fn ok(&mut self, method: Method, path: &str, body: &Value) -> Value {
        let (status, body) = self.answer(method, path, body);
        assert!(status < 300, "{body}");
        body
    }

    /// The events of all watches since the last time: type, version, name and spec.
    pub(crate) fn events(&mut self) -> Vec<String> {
        events(&mut self.plane)
    }
}

pub(crate) fn plane(webhooks: Webhooks) -> ControlPlane {
    ControlPlane::new(Options { seed: 1, webhooks, ..Options::default() })
}

pub(crate) fn events(plane: &mut ControlPlane) -> Vec<String> {
    let shown = |frame: &[u8]| {
        let event: Value = serde_json::from_slice(frame).expect("frames are JSON");
        let object = &event["object"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, version) = (text(&event["type"]), text(&object["apiVersion"]));
        format!("{kind} {version} {} {}", text(&object["metadata"]["name"]), object["spec"])
    };
    plane.take_frames().iter().map(|(_, frame)| shown(frame)).collect()
}

pub(crate) fn request(method: Method, path: &str, body: &Value) -> Request {
    let content_type = match method {
        Method::PATCH if path.contains("fieldManager") => "application/apply-patch+yaml",
        Method::PATCH => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = http::Request::builder().method(method).uri(path).header("content-type", content_type);
    let (parts, ()) = request.body(()).expect("a path").into_parts();
    Request::new(parts, if body.is_null() { Bytes::new() } else { body.to_string().into() })
}
