//! OpenAPI documents are compared with those of a real API server; `record.py` in this folder asks such a server again.

use controlplane::request::ClientCertificate;
use controlplane::{ControlPlane, Options, Reply, Request, Response, Timestamp};
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What was made, and what the documents said then.
#[derive(Deserialize)]
struct Recorded {
    create: Vec<Value>,
    v3: BTreeMap<String, Value>,
    v2: BTreeMap<String, Map<String, Value>>,
}

fn recorded() -> Recorded {
    let file = include_bytes!("recorded.json.gz");
    serde_json::from_reader(GzDecoder::new(file.as_slice())).expect("a recording")
}

fn ask(
    plane: &mut ControlPlane,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Response {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut sent = HeaderMap::new();
    for (name, value) in headers {
        let name: HeaderName = name.parse().expect("a header");
        sent.insert(name, HeaderValue::from_str(value).expect("its value"));
    }
    let request = Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: sent,
        body: body.to_string().into(),
        certificate: ClientCertificate::None,
    };
    match plane.handle(&request, Timestamp::UNIX_EPOCH) {
        Reply::Complete(response) => response,
        other => panic!("{path}: {other:?}"),
    }
}

fn get(plane: &mut ControlPlane, path: &str, headers: &[(&str, &str)]) -> Response {
    ask(plane, Method::GET, path, headers, &Value::Null)
}

fn document(plane: &mut ControlPlane, path: &str) -> Value {
    let response = get(plane, path, &[]);
    assert_eq!(response.status, StatusCode::OK, "{path}");
    serde_json::from_slice(&response.body).expect("JSON")
}

fn plane_with(definitions: &[Value]) -> ControlPlane {
    let mut plane = ControlPlane::new(Options::default());
    for definition in definitions {
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let response = ask(&mut plane, Method::POST, path, &[], definition);
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    }
    plane
}

/// Where two values differ.
fn differences(path: &str, actual: &Value, expected: &Value, found: &mut Vec<String>) {
    match (actual, expected) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let member = |object: &Map<String, Value>| object.get(key).cloned().unwrap_or_default();
                differences(&format!("{path} > {key}"), &member(left), &member(right), found);
            }
        }
        _ if actual == expected => {}
        _ => found.push(format!("{path}\n  expected {expected}\n  actual   {actual}")),
    }
}

#[test]
fn documents_of_group_versions_are_those_of_a_real_server() {
    let recorded = recorded();
    let mut plane = plane_with(&recorded.create);
    let index = document(&mut plane, "/openapi/v3");
    let mut found = Vec::new();
    for (name, expected) in &recorded.v3 {
        let url = index["paths"][name]["serverRelativeURL"].as_str().expect("it is in the index");
        differences(name, &document(&mut plane, url), expected, &mut found);
    }
    assert!(found.is_empty(), "{} differences\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_one_document_of_the_second_version_has_custom_resources_as_a_real_server() {
    let recorded = recorded();
    let mut plane = plane_with(&recorded.create);
    let actual = document(&mut plane, "/openapi/v2");
    let mut found = Vec::new();
    for (part, members) in &recorded.v2 {
        for (key, expected) in members {
            differences(&format!("{part} {key}"), &actual[part][key], expected, &mut found);
        }
    }
    assert!(found.is_empty(), "{} differences\n{}", found.len(), found.join("\n"));
}

#[test]
fn documents_are_asked_for_by_what_they_hold() {
    let mut plane = plane_with(&[]);
    let url_of = |plane: &mut ControlPlane, name: &str| {
        let index = document(plane, "/openapi/v3");
        index["paths"][name]["serverRelativeURL"].as_str().map(str::to_owned)
    };
    let url = url_of(&mut plane, "apis/apps/v1").expect("it is in the index");
    let response = get(&mut plane, &url, &[]);
    assert_eq!(response.headers["cache-control"], "public, immutable");
    let tag = response.headers["etag"].to_str().expect("a text").to_owned();
    assert_eq!(get(&mut plane, &url, &[("if-none-match", &tag)]).status, StatusCode::NOT_MODIFIED);
    let moved = get(&mut plane, "/openapi/v3/apis/apps/v1?hash=BEFORE", &[]);
    assert_eq!(
        (moved.status, moved.headers["location"].to_str().expect("a text")),
        (StatusCode::MOVED_PERMANENTLY, &*url)
    );

    let path = "apis/probe.example.com/v1";
    assert_eq!(url_of(&mut plane, path), None);
    let gizmo = recorded().create.remove(0);
    let mut plane = plane_with(std::slice::from_ref(&gizmo));
    let before = url_of(&mut plane, path).expect("it is in the index");
    assert_eq!(url_of(&mut plane, "apis/apps/v1").as_deref(), Some(&*url));
    let name = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gizmos.probe.example.com";
    let patch = serde_json::json!([{"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema/description", "value": "Other."}]);
    let types = [("content-type", "application/json-patch+json")];
    assert_eq!(ask(&mut plane, Method::PATCH, name, &types, &patch).status, StatusCode::OK);
    assert_ne!(url_of(&mut plane, path).expect("it is in the index"), before);
}

#[test]
fn a_format_is_agreed_on() {
    let protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    let before = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    let table = [
        ("/openapi/v2", "application/json", 200, "application/json"),
        ("/openapi/v2", "*/*", 200, "application/json"),
        ("/openapi/v2", protobuf, 200, protobuf),
        ("/openapi/v2", before, 200, protobuf),
        ("/openapi/v2", "application/yaml", 406, ""),
        ("/openapi/v2/", "application/json", 404, "text/plain; charset=utf-8"),
        ("/openapi", "application/json", 404, "text/plain; charset=utf-8"),
        ("/openapi/v3", "text/html", 200, "text/plain; charset=utf-8"),
        ("/openapi/v3/version", "application/json", 200, "application/json"),
        ("/openapi/v3/version", "application/yaml", 406, ""),
        ("/openapi/v3/version/", "application/json", 404, ""),
        ("/openapi/v3/", "application/json", 404, ""),
        ("/openapi/v3/apis/nothing/v1", "application/json", 404, ""),
    ];
    let mut plane = plane_with(&[]);
    for (path, accept, status, media_type) in table {
        let response = get(&mut plane, path, &[("accept", accept)]);
        let actual = response.headers.get("content-type").map_or("", |value| value.to_str().expect("a text"));
        assert_eq!((response.status.as_u16(), actual), (status, media_type), "{path} {accept}");
    }
}
