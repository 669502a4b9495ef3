//! Sends requests one after the other and compares the answers with those of a real API server: status, the text of a
//! refusal, warnings. `record.py` in this folder asks such a server again.

mod definitions;
mod large;

use controlplane::request::ClientCertificate;
use controlplane::{ControlPlane, Options, Reply, Request, Response, Timestamp};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Line {
    ask: Ask,
    status: u16,
    message: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Ask {
    method: String,
    path: String,
    #[serde(default)]
    body: String,
    content: Option<String>,
    accept: Option<String>,
}

fn ask(plane: &mut ControlPlane, ask: &Ask) -> Response {
    let header = |text: &Option<String>| {
        HeaderValue::from_str(text.as_deref().unwrap_or("application/json")).expect("a header")
    };
    let (path, query) = ask.path.split_once('?').unwrap_or((&ask.path, ""));
    let headers = [(header::CONTENT_TYPE, header(&ask.content)), (header::ACCEPT, header(&ask.accept))];
    let request = Request {
        method: ask.method.parse().expect("a method"),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: HeaderMap::from_iter(headers),
        body: ask.body.clone().into(),
        certificate: ClientCertificate::None,
    };
    match plane.handle(&request, Timestamp::UNIX_EPOCH) {
        Reply::Complete(response) => response,
        other => panic!("a complete answer, not {other:?}"),
    }
}

/// The text of a refusal: that of a Status, or all there is.
fn message(response: &Response) -> Option<String> {
    if response.status.as_u16() < 400 {
        return None;
    }
    match serde_json::from_slice::<Value>(&response.body) {
        Ok(status) => status["message"].as_str().map(str::to_owned),
        Err(_) => Some(String::from_utf8_lossy(&response.body).into_owned()),
    }
}

#[test]
fn requests_are_answered_as_by_a_real_server() {
    let mut plane = ControlPlane::new(Options::default());
    let namespace = json!({"metadata": {"name": "requests"}}).to_string();
    let path = "/api/v1/namespaces".to_owned();
    ask(&mut plane, &Ask { method: "POST".to_owned(), path, body: namespace, content: None, accept: None });
    let mut misses = Vec::new();
    for line in include_str!("requests.jsonl").lines() {
        let expected: Line = serde_json::from_str(line).expect("a line of the table");
        let response = ask(&mut plane, &expected.ask);
        let warnings = response.headers.get_all(header::WARNING).iter();
        let warnings: Vec<_> = warnings.map(|text| text.to_str().expect("text").to_owned()).collect();
        let actual = (response.status.as_u16(), message(&response), warnings);
        if actual != (expected.status, expected.message, expected.warnings) {
            misses.push(format!("{line}\n  actual {actual:?}"));
        }
    }
    assert!(misses.is_empty(), "{} misses\n{}", misses.len(), misses.join("\n"));
}

/// Go writes structs in the order of their fields, and maps, such as custom resources, by their keys.
#[test]
fn answers_begin_as_those_of_a_real_server() {
    let mut plane = ControlPlane::new(Options::default());
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Cluster", "names": {"plural": "gadgets", "kind": "Gadget"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}},
            }],
        },
    });
    let gadget = json!({"kind": "Gadget", "apiVersion": "example.com/v1", "metadata": {"name": "a"}});
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let rows = [
        (
            "POST",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            definition.to_string(),
            None,
            r#"{"kind":"CustomResourceDefinition","apiVersion":"apiextensions.k8s.io/v1","metadata":{"#,
        ),
        (
            "POST",
            "/apis/example.com/v1/gadgets",
            gadget.to_string(),
            None,
            r#"{"apiVersion":"example.com/v1","kind":"Gadget","metadata":{"#,
        ),
        (
            "GET",
            "/apis/example.com/v1/gadgets",
            String::new(),
            None,
            r#"{"apiVersion":"example.com/v1","items":[{"apiVersion":"#,
        ),
        (
            "GET",
            "/api/v1/namespaces/default",
            String::new(),
            None,
            r#"{"kind":"Namespace","apiVersion":"v1","metadata":{"#,
        ),
        (
            "GET",
            "/api/v1/namespaces",
            String::new(),
            None,
            r#"{"kind":"NamespaceList","apiVersion":"v1","metadata":{"resourceVersion":"#,
        ),
        (
            "GET",
            "/api/v1/namespaces/nope",
            String::new(),
            None,
            r#"{"kind":"Status","apiVersion":"v1","metadata":{},"#,
        ),
        (
            "GET",
            "/api/v1/namespaces/default",
            String::new(),
            Some(table),
            r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"#,
        ),
        (
            "GET",
            "/api/v1/componentstatuses",
            String::new(),
            None,
            r#"{"kind":"ComponentStatusList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"#,
        ),
        ("GET", "/apis", String::new(), None, r#"{"kind":"APIGroupList","apiVersion":"v1","groups":[{"#),
    ];
    for (method, path, body, accept, expected) in rows {
        let asked = Ask {
            method: method.to_owned(),
            path: path.to_owned(),
            body,
            content: None,
            accept: accept.map(str::to_owned),
        };
        let response = ask(&mut plane, &asked);
        let found = String::from_utf8_lossy(&response.body);
        assert!(found.starts_with(expected), "{method} {path}: {found}");
    }
}

/// A new object loses the status that it came with, and is then read with the default of the schema, as always.
#[test]
fn the_default_of_a_status_is_there_from_the_start() {
    let mut plane = ControlPlane::new(Options::default());
    let waiting = json!({"conditions": [{"type": "Accepted", "status": "Unknown"}]});
    let schema = json!({
        "type": "object", "properties": {"status": {
            "type": "object", "x-kubernetes-preserve-unknown-fields": true, "default": waiting,
        }},
    });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gates.example.com"},
        "spec": {
            "group": "example.com", "scope": "Cluster", "names": {"plural": "gates", "kind": "Gate"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema},
            }],
        },
    });
    let mut send = |method: &str, path: &str, body: Value, content: Option<&str>| -> Value {
        let asked = Ask {
            method: method.to_owned(),
            path: path.to_owned(),
            body: body.to_string(),
            content: content.map(str::to_owned),
            accept: None,
        };
        serde_json::from_slice(&ask(&mut plane, &asked).body).expect("JSON")
    };
    send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition, None);
    let gates = "/apis/example.com/v1/gates";
    let gate = |name: &str| {
        json!({
            "apiVersion": "example.com/v1", "kind": "Gate", "metadata": {"name": name}, "status": {"mine": true},
        })
    };
    assert_eq!(send("POST", gates, gate("a"), None)["status"], waiting);
    let path = format!("{gates}/b?fieldManager=m");
    assert_eq!(send("PATCH", &path, gate("b"), Some("application/apply-patch+yaml"))["status"], waiting);
    assert_eq!(send("GET", &format!("{gates}/a"), json!({}), None)["status"], waiting);
}

#[test]
fn a_status_has_its_members_in_the_order_of_a_real_server() {
    let mut plane = ControlPlane::new(Options::default());
    let mut body = |method: &str, body: &str, path: &str| {
        let (method, path, body) = (method.to_owned(), path.to_owned(), body.to_owned());
        let response = ask(&mut plane, &Ask { method, path, body, content: None, accept: None });
        String::from_utf8(response.body.to_vec()).expect("JSON is UTF-8")
    };
    let path = "/api/v1/namespaces/default/configmaps";
    let object = json!({"metadata": {"name": "a"}}).to_string();
    body("POST", &object, path);
    let taken = concat!(
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"configmaps \"a\" already "#,
        r#"exists","reason":"AlreadyExists","details":{"name":"a","kind":"configmaps"},"code":409}"#,
        "\n",
    );
    assert_eq!(body("POST", &object, path), taken);
    let gone = body("DELETE", "", &format!("{path}/a"));
    let start = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":{"name":"a","kind":"configmaps","uid":""#;
    assert!(gone.starts_with(start), "{gone}");
}
