//! Sends requests one after the other and compares the answers with those of a real API server: status, the text of a
//! refusal, warnings. `record.py` in this folder asks such a server again.

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
