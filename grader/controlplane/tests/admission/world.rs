//! A cluster with webhooks, and the requests that tests make to it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use controlplane::webhooks::{WebhookAnswer, WebhookCall, Webhooks};
use controlplane::{ControlPlane, Options, Reply, Request, Response, Timestamp};
use http::{Method, StatusCode};
use serde_json::{Value, json};

pub(crate) const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
pub(crate) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1";

pub(crate) struct World {
    pub(crate) plane: ControlPlane,
    configured: usize,
}

impl World {
    pub(crate) fn new(webhooks: Webhooks) -> Self {
        let plane = ControlPlane::new(Options { seed: 1, webhooks, ..Options::default() });
        Self { plane, configured: 0 }
    }

    pub(crate) fn ask(&mut self, method: Method, path: &str, body: &Value) -> Reply {
        self.plane.handle(&request(method, path, body), Timestamp::UNIX_EPOCH)
    }

    /// The status and body of an answer that needs nobody else.
    pub(crate) fn answer(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let (response, body) = self.response(method, path, body);
        (response.status.as_u16(), body)
    }

    pub(crate) fn response(&mut self, method: Method, path: &str, body: &Value) -> (Response, Value) {
        match self.ask(method, path, body) {
            Reply::Complete(response) => {
                let body = serde_json::from_slice(&response.body).expect("answers are JSON");
                (response, body)
            }
            other => panic!("a complete answer, not {other:?}"),
        }
    }

    pub(crate) fn create(&mut self, path: &str, object: &Value) -> Value {
        let (status, body) = self.answer(Method::POST, path, object);
        assert_eq!(status, 201, "{body}");
        body
    }

    /// Configures one webhook for ConfigMaps; `more` is merged over it.
    pub(crate) fn configure(&mut self, kind: &str, more: Value) {
        let mut webhook = json!({
            "name": "hook.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://example.com/hook"},
            "rules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["*"],
            }],
        });
        for (key, value) in more.as_object().cloned().unwrap_or_default() {
            webhook[key] = value;
        }
        let path = format!("{CONFIGURATIONS}/{}s", kind.to_lowercase());
        self.configured += 1;
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": format!("hooks-{}", self.configured)}, "webhooks": [webhook],
        });
        self.create(&path, &configuration);
    }

    /// Makes a policy with a binding of the same name to everything that it matches.
    pub(crate) fn bind(&mut self, kind: &str, spec: &Value, binding: Value) {
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "rule"},
            "spec": spec,
        });
        let plural = kind.to_lowercase().replace("policy", "policies");
        self.create(&format!("{CONFIGURATIONS}/{plural}"), &policy);
        let mut bound = json!({"policyName": "rule"});
        for (key, value) in binding.as_object().cloned().unwrap_or_default() {
            bound[key] = value;
        }
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": format!("{kind}Binding"),
            "metadata": {"name": "bound"}, "spec": bound,
        });
        self.create(&format!("{CONFIGURATIONS}/{}bindings", kind.to_lowercase()), &binding);
    }
}

pub(crate) fn request(method: Method, path: &str, body: &Value) -> Request {
    let request =
        http::Request::builder().method(method).uri(path).header("content-type", "application/json");
    let (parts, ()) = request.body(()).expect("a path").into_parts();
    Request::new(parts, if body.is_null() { Bytes::new() } else { body.to_string().into() })
}

pub(crate) fn config_map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data})
}

pub(crate) fn deployment(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "img:1"}]},
        }},
    })
}

pub(crate) fn review(call: &WebhookCall) -> Value {
    serde_json::from_slice(&call.body).expect("reviews are JSON")
}

/// Allows the request; `more` is merged into the response.
pub(crate) fn allow(call: &WebhookCall, more: Value) -> WebhookAnswer {
    let asked = review(call);
    let mut response = json!({"uid": asked["request"]["uid"], "allowed": true});
    for (key, value) in more.as_object().cloned().unwrap_or_default() {
        response[key] = value;
    }
    let review = json!({"apiVersion": asked["apiVersion"], "kind": "AdmissionReview", "response": response});
    respond(&review)
}

pub(crate) fn respond(review: &Value) -> WebhookAnswer {
    let content_type = "application/json".to_owned();
    WebhookAnswer::Response { status: StatusCode::OK, content_type, body: review.to_string().into() }
}

/// Allows the request with a JSON patch.
pub(crate) fn patch(call: &WebhookCall, operations: &Value) -> WebhookAnswer {
    let patch = STANDARD.encode(operations.to_string());
    allow(call, json!({"patch": patch, "patchType": "JSONPatch"}))
}
