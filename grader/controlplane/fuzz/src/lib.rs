//! What is done with arbitrary bytes: nothing may panic, overflow the stack or take long, and every request has an answer
//! that can be read.
//!
//! `cargo fuzz run TARGET` searches for bytes that break this; the test `fuzz` of the control plane runs the same
//! functions on the seeds in `corpus` and on changes of them.

use bytes::Bytes;
use controlplane::builtins::quantity::Quantity;
use controlplane::selector::{FieldSelector, LabelSelector};
use controlplane::{ClientCertificate, ControlPlane, Options, Reply, Request, Timestamp};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

/// Parts of an input end here.
const SEPARATOR: &str = "\n---\n";
const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const APPLY: &str = "application/apply-patch+yaml";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
/// More requests tell nothing new.
const REQUESTS: usize = 4;

/// A target and its name, which is also that of its folder of seeds.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 9] = [
    ("requests", requests),
    ("bodies", bodies),
    ("patches", patches),
    ("apply", apply),
    ("schemas", schemas),
    ("rules", rules),
    ("selectors", selectors),
    ("quantities", quantities),
    ("protobuf", protobuf),
];

/// Whole requests, one after another: a line with method and target, one with Content-Type, one with Accept, the body.
pub fn requests(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut plane = cluster(text.contains("example.com"));
    for request in text.split(SEPARATOR).take(REQUESTS) {
        let mut lines = request.splitn(4, '\n');
        let (method, target) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or(("GET", request));
        let (content_type, accept) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        ask(&mut plane, method, target, content_type, accept, lines.next().unwrap_or_default().as_bytes());
    }
    plane.take_frames();
}

/// Bodies in JSON and YAML for built-in and custom kinds.
pub fn bodies(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let folder =
        [DEPLOYMENTS, "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/services", WIDGETS]
            [usize::from(choice >> 1) % 4];
    let content_type = if choice % 2 == 0 { JSON } else { YAML };
    let mut plane = cluster(folder == WIDGETS);
    ask(&mut plane, Method::POST, &format!("{folder}?fieldValidation=Strict"), content_type, "", body);
    ask(&mut plane, Method::POST, folder, content_type, "", body);
    ask(&mut plane, Method::GET, folder, "", "application/json;as=Table;v=v1;g=meta.k8s.io", b"");
}

/// Patches of every type on a built-in and a custom object.
pub fn patches(data: &[u8]) {
    let Some((choice, patch)) = data.split_first() else { return };
    let content_type = [
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
    ][usize::from(*choice) % 3];
    let mut plane = cluster(true);
    seed(&mut plane);
    for item in [format!("{DEPLOYMENTS}/one"), format!("{WIDGETS}/one"), format!("{WIDGETS}/one/status")] {
        ask(&mut plane, Method::PATCH, &item, content_type, "", patch);
    }
}

/// One configuration applied over another's object, by force and without.
pub fn apply(data: &[u8]) {
    let mut plane = cluster(true);
    seed(&mut plane);
    for item in [format!("{DEPLOYMENTS}/one"), format!("{WIDGETS}/one"), format!("{WIDGETS}/two")] {
        ask(&mut plane, Method::PATCH, &format!("{item}?fieldManager=a"), APPLY, "", data);
        ask(&mut plane, Method::PATCH, &format!("{item}?fieldManager=b&force=true"), APPLY, "", data);
        ask(&mut plane, Method::PATCH, &format!("{item}?fieldManager=a"), APPLY, "", b"{\"spec\":{}}");
    }
}

/// A schema of a custom resource, and an instance.
pub fn schemas(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (schema, instance) = text.split_once(SEPARATOR).unwrap_or((&text, "{}"));
    let Ok(schema) = serde_json::from_str(schema) else { return };
    defined(schema, instance);
}

/// A CEL rule about a custom resource, and an instance.
pub fn rules(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (rule, spec) = text.split_once(SEPARATOR).unwrap_or((&text, "{}"));
    let rules = json!([{"rule": rule, "messageExpression": rule}]);
    let text = json!({"type": "string", "maxLength": 20});
    let spec_schema = json!({
        "type": "object", "x-kubernetes-validations": rules,
        "properties": {
            "a": text, "n": {"type": "integer"}, "f": {"type": "number"}, "b": {"type": "boolean"},
            "t": {"type": "string", "format": "date-time"}, "d": {"type": "string", "format": "duration"},
            "x": {"x-kubernetes-int-or-string": true},
            "l": {"type": "array", "maxItems": 10, "items": text},
            "m": {"type": "object", "maxProperties": 10, "additionalProperties": text},
        },
    });
    let instance = format!(
        "{{\"kind\":\"Thing\",\"apiVersion\":\"fuzz.io/v1\",\"metadata\":{{\"name\":\"a\"}},\"spec\":{spec}}}"
    );
    defined(json!({"type": "object", "properties": {"spec": spec_schema}}), &instance);
}

/// Label and field selectors, also as parameters of lists and watches.
pub fn selectors(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = FieldSelector::parse(&text);
    if let Ok(selector) = LabelSelector::parse(&text) {
        selector.matches_object(&json!({"metadata": {"labels": {"a": "1", "b": ""}}}));
    }
    let encoded: String = data.iter().map(|byte| format!("%{byte:02x}")).collect();
    let mut plane = cluster(false);
    seed(&mut plane);
    for parameter in ["labelSelector", "fieldSelector", "continue", "resourceVersion", "limit"] {
        ask(&mut plane, Method::GET, &format!("{DEPLOYMENTS}?{parameter}={encoded}"), "", "", b"");
    }
    ask(&mut plane, Method::GET, &format!("{DEPLOYMENTS}?watch=1&labelSelector={encoded}"), "", "", b"");
    ask(&mut plane, Method::GET, &format!("{DEPLOYMENTS}?{text}"), "", "", b"");
}

/// Quantities: what is read is written so that it is read the same again.
pub fn quantities(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(quantity) = Quantity::parse(&text) {
        let written = quantity.to_string();
        let again = Quantity::parse(&written).map(|quantity| quantity.to_string());
        assert_eq!(again.as_ref(), Ok(&written), "{text}");
    }
}

/// Bodies in Kubernetes' protobuf.
pub fn protobuf(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let folder = [DEPLOYMENTS, "/api/v1/namespaces/default/configmaps", "/api/v1/namespaces/default/pods"]
        [usize::from(*choice) % 3];
    let mut plane = cluster(false);
    ask(&mut plane, Method::POST, folder, PROTOBUF, PROTOBUF, body);
    let framed = [b"k8s\0", body].concat();
    ask(&mut plane, Method::POST, folder, PROTOBUF, "", &framed);
}

fn cluster(with_widgets: bool) -> ControlPlane {
    let mut plane = ControlPlane::new(Options::default());
    if with_widgets {
        let rules = json!([{"rule": "!has(self.size) || self.size < 100"}]);
        let spec = json!({
            "type": "object", "x-kubernetes-validations": rules,
            "properties": {
                "size": {"type": "integer", "minimum": 0},
                "name": {"type": "string", "pattern": "^[a-z]*$", "maxLength": 30},
                "ports": {
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"],
                    "items": {"type": "object", "required": ["port"], "properties": {
                        "port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"},
                    }},
                },
                "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            },
        });
        let status = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let schema = json!({"type": "object", "properties": {"spec": spec, "status": status}});
        let definition = definition("widgets", "Widget", "example.com", schema).to_string();
        ask(&mut plane, Method::POST, DEFINITIONS, JSON, "", definition.as_bytes());
    }
    plane
}

fn definition(plural: &str, kind: &str, group: &str, schema: Value) -> Value {
    json!({
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema},
            }],
        },
    })
}

fn defined(schema: Value, instance: &str) {
    const THINGS: &str = "/apis/fuzz.io/v1/namespaces/default/things";
    let mut plane = cluster(false);
    let definition = definition("things", "Thing", "fuzz.io", schema).to_string();
    ask(&mut plane, Method::POST, DEFINITIONS, JSON, "", definition.as_bytes());
    ask(&mut plane, Method::POST, THINGS, JSON, "", instance.as_bytes());
    ask(
        &mut plane,
        Method::PATCH,
        &format!("{THINGS}/a"),
        "application/merge-patch+json",
        "",
        instance.as_bytes(),
    );
    ask(&mut plane, Method::PATCH, &format!("{THINGS}/a?fieldManager=a"), APPLY, "", instance.as_bytes());
    ask(&mut plane, Method::GET, "/openapi/v3/apis/fuzz.io/v1", "", "", b"");
}

fn seed(plane: &mut ControlPlane) {
    let container = json!({"name": "c", "image": "i", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]});
    let deployment = json!({
        "metadata": {"name": "one", "labels": {"a": "1"}},
        "spec": {
            "selector": {"matchLabels": {"a": "1"}},
            "template": {"metadata": {"labels": {"a": "1"}}, "spec": {"containers": [container]}},
        },
    });
    ask(plane, Method::POST, DEPLOYMENTS, JSON, "", deployment.to_string().as_bytes());
    let widget = json!({
        "apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "one", "finalizers": ["a.b/c"]},
        "spec": {"size": 1, "name": "x", "ports": [{"port": 80}], "set": ["a"], "free": {"k": [1]}},
    });
    ask(plane, Method::POST, WIDGETS, JSON, "", widget.to_string().as_bytes());
}

/// Sends a request; whatever it is, it has an answer that can be read.
fn ask(
    plane: &mut ControlPlane,
    method: Method,
    target: &str,
    content_type: &str,
    accept: &str,
    body: &[u8],
) -> StatusCode {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for (name, value) in [(header::CONTENT_TYPE, content_type), (header::ACCEPT, accept)] {
        if let Ok(value) = HeaderValue::from_str(value)
            && !value.is_empty()
        {
            headers.insert(name, value);
        }
    }
    let request = Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Bytes::copy_from_slice(body),
        certificate: ClientCertificate::default(),
    };
    match plane.handle(&request, Timestamp::UNIX_EPOCH) {
        Reply::Complete(response) => {
            let is_json = response.headers.get(header::CONTENT_TYPE).is_some_and(|value| value == JSON);
            let is_readable = serde_json::from_slice::<Value>(&response.body).is_ok();
            assert!(!is_json || is_readable, "{target} has an answer that is no JSON");
            response.status
        }
        Reply::Watch { id, head } => {
            plane.close_watch(id);
            head.status
        }
        // Nobody is there to be called, or to wait.
        Reply::Later(_) | Reply::Call(_) => StatusCode::OK,
    }
}
