//! Answers on the paths of discovery are compared with those of a real API server; `record.py` in this folder asks
//! such a server again.

use controlplane::request::ClientCertificate;
use controlplane::{ControlPlane, Options, Reply, Request, Response, Timestamp};
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Recorded {
    create: Vec<Value>,
    answers: Vec<Answer>,
}

/// A request, and what came back.
#[derive(Deserialize)]
struct Answer {
    method: String,
    path: String,
    accept: String,
    status: u16,
    headers: BTreeMap<String, String>,
    /// There was an ETag.
    tagged: bool,
    body: String,
}

fn ask(plane: &mut ControlPlane, method: &str, path: &str, headers: HeaderMap, body: &Value) -> Response {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let request = Request {
        method: method.parse().expect("a method"),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: body.to_string().into(),
        certificate: ClientCertificate::None,
    };
    match plane.handle(&request, Timestamp::UNIX_EPOCH) {
        Reply::Complete(response) => response,
        other => panic!("{path}: {other:?}"),
    }
}

/// What differs from server to server.
fn normal(body: &str) -> Value {
    fn mask(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    match key.as_str() {
                        "serverAddress" | "gitVersion" | "gitCommit" | "goVersion" => {
                            *value = "<masked>".into();
                        }
                        _ => mask(value),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(mask),
            _ => {}
        }
    }
    let masked = |line: &str| {
        let key = line.trim_start_matches([' ', '-']).split(':').next().unwrap_or_default();
        if key == "serverAddress" { format!("{key}: <masked>") } else { line.to_owned() }
    };
    match serde_json::from_str::<Value>(body) {
        Ok(mut value) => {
            mask(&mut value);
            value
        }
        Err(_) => body.lines().map(masked).collect::<Vec<_>>().join("\n").into(),
    }
}

#[test]
fn discovery_answers_as_a_real_server_in_every_format() {
    let file = include_bytes!("recorded.json.gz");
    let recorded: Recorded = serde_json::from_reader(GzDecoder::new(file.as_slice())).expect("a recording");
    let mut plane = ControlPlane::new(Options::default());
    for definition in &recorded.create {
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        assert_eq!(ask(&mut plane, "POST", path, HeaderMap::new(), definition).status, 201);
    }
    let mut misses = Vec::new();
    for expected in &recorded.answers {
        let mut sent = HeaderMap::new();
        sent.insert(header::ACCEPT, HeaderValue::from_str(&expected.accept).expect("a header"));
        let actual = ask(&mut plane, &expected.method, &expected.path, sent, &Value::Null);
        let shown = |name: &str| actual.headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let mut wrong = Vec::new();
        if actual.status.as_u16() != expected.status {
            wrong.push(format!("status {} instead of {}", actual.status, expected.status));
        }
        for name in ["Content-Type", "Vary", "Cache-Control", "X-Content-Type-Options"] {
            let expected = expected.headers.get(name).map(String::as_str);
            if shown(name) != expected {
                wrong.push(format!("{name} {:?} instead of {expected:?}", shown(name)));
            }
        }
        if shown("Etag").is_some() != expected.tagged {
            wrong.push("an ETag too many, or none".to_owned());
        }
        let body = String::from_utf8_lossy(&actual.body);
        if normal(&body) != normal(&expected.body) {
            wrong.push(format!("body\n{body}\ninstead of\n{}", expected.body));
        }
        if !wrong.is_empty() {
            misses.push(format!(
                "{} {} ({})\n  {}",
                expected.method,
                expected.path,
                expected.accept,
                wrong.join("\n  ")
            ));
        }
    }
    assert!(misses.is_empty(), "{} misses\n{}", misses.len(), misses.join("\n"));
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let mut plane = ControlPlane::new(Options::default());
    let accept =
        HeaderValue::from_static("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    let mut headers = HeaderMap::from_iter([(header::ACCEPT, accept)]);
    let first = ask(&mut plane, Method::GET.as_str(), "/apis", headers.clone(), &Value::Null);
    headers.insert(header::IF_NONE_MATCH, first.headers[header::ETAG].clone());
    let again = ask(&mut plane, Method::GET.as_str(), "/apis", headers, &Value::Null);
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
}
