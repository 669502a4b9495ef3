//! Writes to objects that are there, compared with what a real API server answered. `record_updates.py` in this folder
//! asks such a server again.

use super::Answer;
use controlplane::{ClientCertificate, ControlPlane, Options, Reply, Request, Timestamp, builtins};
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[derive(Debug, Deserialize)]
struct Line {
    make: Value,
    writes: Vec<Write>,
}

/// A merge patch of the object, maybe through a subresource, and one of three answers.
#[derive(Debug, Deserialize)]
struct Write {
    through: Option<String>,
    patch: Value,
    object: Option<Value>,
    /// Field, reason and text of every cause of a 422.
    invalid: Option<BTreeSet<(String, String, String)>>,
    /// Status and text of any other refusal.
    refused: Option<(u16, String)>,
}

#[test]
fn updates_fare_as_on_a_real_server() {
    let mut misses = Vec::new();
    for line in include_str!("updates.jsonl").lines() {
        let line: Line = serde_json::from_str(line).expect("a line");
        let mut server = Server::new();
        let path = path_of(&line.make);
        let (status, body) = server.send(Method::POST, &path, "application/json", &line.make);
        assert_eq!(status, 201, "{body}");
        let path = format!("{path}/{}", line.make["metadata"]["name"].as_str().unwrap_or_default());
        let uid = body["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        for write in line.writes {
            let through = write.through.as_deref().map(|name| format!("/{name}")).unwrap_or_default();
            let to = format!("{path}{through}");
            let (status, body) =
                server.send(Method::PATCH, &to, "application/merge-patch+json", &write.patch);
            let body = serde_json::from_str(&body.to_string().replace(&uid, "the-uid")).expect("JSON");
            let actual = answer(status, body);
            let expected = match (write.object, write.invalid, write.refused) {
                (Some(object), _, _) => Answer::Object(object),
                (_, Some(causes), _) => Answer::Invalid(causes),
                (_, _, Some((_, text))) => Answer::Refused(text),
                _ => panic!("a write without an answer: {}", write.patch),
            };
            if without_structs(&actual) != without_structs(&expected) {
                misses.push(format!("{to} {}\n  expected {expected:?}\n  actual   {actual:?}", write.patch));
            }
        }
    }
    assert!(misses.is_empty(), "{} misses\n{}", misses.len(), misses.join("\n"));
}

fn path_of(object: &Value) -> String {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
    let is_this = |resource: &&builtins::BuiltinResource| {
        (resource.group, resource.version, resource.kind) == (group, version, text("kind"))
    };
    let resource = builtins::resources().iter().find(is_this).expect("a built-in kind");
    let root = if group.is_empty() { "/api" } else { "/apis" };
    let namespace = if resource.namespaced { "/namespaces/probes" } else { "" };
    format!("{root}/{}{namespace}/{}", text("apiVersion"), resource.plural)
}

struct Server {
    plane: ControlPlane,
    now: Timestamp,
}

impl Server {
    /// One with what the recorded answers take for granted.
    fn new() -> Self {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let mut server =
            Self { plane: ControlPlane::new(Options { seed: 1, start: now, ..Options::default() }), now };
        let json = "application/json";
        server.send(Method::POST, "/api/v1/namespaces", json, &json!({"metadata": {"name": "probes"}}));
        for account in ["default", "sa"] {
            let account = json!({"metadata": {"name": account}});
            server.send(Method::POST, "/api/v1/namespaces/probes/serviceaccounts", json, &account);
        }
        server
    }

    fn send(&mut self, method: Method, path: &str, content: &'static str, body: &Value) -> (u16, Value) {
        let request = Request {
            method,
            path: path.to_owned(),
            query: String::new(),
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content))]),
            body: body.to_string().into(),
            certificate: ClientCertificate::None,
        };
        let Reply::Complete(response) = self.plane.handle(&request, self.now) else {
            panic!("a stream or a wait for {path}");
        };
        let body = serde_json::from_slice(&response.body).expect("a JSON answer");
        (response.status.as_u16(), body)
    }
}

/// The answer as it is recorded: an object without its metadata.
fn answer(status: u16, mut body: Value) -> Answer {
    match status {
        200 => {
            let metadata = body.as_object_mut().and_then(|body| body.remove("metadata")).unwrap_or_default();
            body["generation"] = metadata["generation"].as_i64().unwrap_or_default().into();
            Answer::Object(normal(&body))
        }
        422 => {
            let text = |cause: &Value, key: &str| cause[key].as_str().unwrap_or_default().to_owned();
            let causes = body["details"]["causes"].as_array().cloned().unwrap_or_default();
            let cause = |cause: &Value| (text(cause, "field"), text(cause, "reason"), text(cause, "message"));
            Answer::Invalid(causes.iter().map(cause).collect())
        }
        _ => Answer::Refused(body["message"].as_str().unwrap_or_default().to_owned()),
    }
}

/// Texts that show a Go struct do so with Go's names, and with all its members; ours show what JSON has. Further lines
/// show how two of them differ.
fn without_structs(answer: &Answer) -> Answer {
    let first_line = |text: &str| text.split('\n').next().unwrap_or_default().to_owned();
    let plain = |text: &str| match (text.find('{'), text.rfind('}')) {
        (Some(start), Some(end)) if start < end => {
            first_line(&format!("{}{{}}{}", &text[..start], &text[end + 1..]))
        }
        _ => first_line(text),
    };
    match answer {
        Answer::Object(object) => Answer::Object(object.clone()),
        Answer::Refused(text) => Answer::Refused(plain(text)),
        Answer::Invalid(causes) => {
            let cause = |(field, reason, text): &(String, String, String)| {
                (field.clone(), reason.clone(), plain(text))
            };
            Answer::Invalid(causes.iter().map(cause).collect())
        }
    }
}

/// What was drawn by chance becomes what the recorder puts in its place.
fn normal(body: &Value) -> Value {
    let text = body.to_string();
    let drawn = "kube-api-access-";
    let parts = text.split(drawn).enumerate().map(|(number, part)| match number {
        0 => part.to_owned(),
        _ => format!("{drawn}abcde{}", part.get(5..).unwrap_or_default()),
    });
    serde_json::from_str(&parts.collect::<String>()).expect("JSON")
}
