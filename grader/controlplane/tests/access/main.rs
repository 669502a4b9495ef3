//! Replays stories about access that a real API server was told before, and compares the answers. `record.py` in this
//! folder tells them to such a server again.

use controlplane::access::{Access, Authorization, Strangers, User};
use controlplane::controllers::{
    CertificateAuthority, ControllerSet, Settings, SignatureAlgorithm, SigningKey, start,
};
use controlplane::{ClientCertificate, ControlPlane, Options, Reply, Request, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::SignedDuration;
use regex::Regex;
use ring::signature::Ed25519KeyPair;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What differs from server to server, and what it becomes.
const MASKS: [(&str, &str); 7] = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
    (r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", "<token>"),
    (r"ZXlK[A-Za-z0-9+/=]+", "<token>"),
    (r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]+", "<certificate>"),
    (r"-----BEGIN CERTIFICATE-----[^-]*(-----END CERTIFICATE-----\n)?", "<certificate>"),
    (r"kube-api-access-[a-z0-9]{5}", "kube-api-access-<suffix>"),
];

/// The key of the authority whose certificate is in authority.pem.
const KEY: [u8; 32] = [
    0x8a, 0x1c, 0x2d, 0x2c, 0x63, 0x0e, 0x23, 0xe8, 0x97, 0xde, 0x5e, 0x39, 0xda, 0x89, 0x40, 0x0b, 0xf7,
    0xe5, 0xcd, 0xbd, 0x80, 0xbb, 0xe4, 0x42, 0x18, 0xbd, 0xc2, 0x4f, 0x40, 0xa1, 0x41, 0x12,
];

#[derive(Debug)]
struct Key;

impl SigningKey for Key {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Ed25519
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let key = Ed25519KeyPair::from_seed_unchecked(&KEY).map_err(|error| error.to_string())?;
        Ok(key.sign(message).as_ref().to_vec())
    }
}

struct Cluster {
    plane: ControlPlane,
    now: Timestamp,
    masks: Vec<(Regex, &'static str)>,
    captured: BTreeMap<String, String>,
}

impl Cluster {
    fn new() -> Self {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let user = |name: &str, group: &str| User { uid: format!("u-{name}"), ..User::new(name, [group]) };
        let tokens =
            [("admin-token", user("admin", "system:masters")), ("alice-token", user("alice", "dev"))];
        let authority = CertificateAuthority::new(include_str!("authority.pem"), Box::new(Key));
        let settings = Settings {
            root_ca: "-----BEGIN CERTIFICATE-----\n".to_owned(),
            authority: Some(Arc::new(authority.expect("a certificate"))),
            ..Settings::default()
        };
        let list = "*,-node-simulator,bootstrap-signer-controller,token-cleaner-controller";
        let set: ControllerSet = list.parse().expect("known controllers");
        let plane = ControlPlane::new(Options {
            seed: 7,
            start: now,
            controllers: start(&set, &settings).controllers,
            access: Access {
                tokens: tokens.into_iter().map(|(token, user)| (token.to_owned(), user)).collect(),
                strangers: Strangers::Anonymous,
                authorization: Authorization::Rbac,
                ..Access::default()
            },
            ..Options::default()
        });
        let masks = MASKS.iter().map(|(pattern, name)| (Regex::new(pattern).expect("a pattern"), *name));
        let mut cluster = Self { plane, now, masks: masks.collect(), captured: BTreeMap::new() };
        cluster.settle("controllers");
        cluster
    }

    /// Lets the controllers act on everything that has happened, for as long as the recording waited.
    fn settle(&mut self, until_what: &str) {
        let seconds = match until_what {
            "resync" => 17,
            "nodes" => 130,
            _ => 1,
        };
        let until = self.now + SignedDuration::from_secs(seconds);
        while let Some(wake) = self.plane.next_wake()
            && wake <= until
        {
            self.now = self.now.max(wake);
            self.plane.advance(self.now);
        }
        self.now = until;
    }

    /// Status, body and warnings of an answer.
    fn ask(&mut self, step: &Value) -> (u16, Value, Vec<String>) {
        let (path, query) = step["path"]
            .as_str()
            .expect("a path")
            .split_once('?')
            .unwrap_or_else(|| (step["path"].as_str().unwrap_or_default(), ""));
        let mut headers = HeaderMap::from_iter([
            (http::header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (http::header::USER_AGENT, HeaderValue::from_static("stories/1")),
        ]);
        for (name, value) in step["headers"].as_object().unwrap_or(&Map::new()) {
            let name = HeaderName::try_from(name).expect("a header's name");
            headers.insert(name, HeaderValue::from_str(value.as_str().unwrap_or_default()).expect("a value"));
        }
        if let Some(token) = step["as"].as_str() {
            let value = HeaderValue::try_from(format!("Bearer {}", self.filled(token))).expect("a token");
            headers.insert(http::header::AUTHORIZATION, value);
        }
        let body = step.get("body").map(|body| self.filled(&body.to_string())).unwrap_or_default();
        let method = step["method"].as_str().unwrap_or("GET");
        let request = Request {
            method: Method::try_from(method).expect("a method"),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: body.into(),
            certificate: ClientCertificate::None,
        };
        let response = match self.plane.handle(&request, self.now) {
            Reply::Complete(response) | Reply::Watch { head: response, .. } => response,
            Reply::Later(_) | Reply::Call(_) => panic!("a wait for {path}"),
        };
        let text = String::from_utf8_lossy(&response.body).into_owned();
        let body = serde_json::from_str(&text).unwrap_or_else(|_| text.into());
        for (name, pointer) in step["capture"].as_object().unwrap_or(&Map::new()) {
            let value = body_at(&body, pointer.as_str().unwrap_or_default());
            self.captured.insert(name.clone(), value);
        }
        let warnings = response.headers.get_all(http::header::WARNING).iter();
        let warnings = warnings.map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned());
        (response.status.as_u16(), self.masked(&body), warnings.collect())
    }

    fn filled(&self, text: &str) -> String {
        let fill =
            |text: String, (name, value): (&String, &String)| text.replace(&format!("${{{name}}}"), value);
        self.captured.iter().fold(text.to_owned(), fill)
    }

    fn masked(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let mask = |text: String, (pattern, name): &(Regex, &str)| {
                    pattern.replace_all(&text, *name).into_owned()
                };
                self.masks.iter().fold(text.clone(), mask).into()
            }
            Value::Array(items) => items.iter().map(|item| self.masked(item)).collect(),
            Value::Object(members) => {
                let kept = members
                    .iter()
                    .filter(|(key, _)| !["managedFields", "resourceVersion"].contains(&key.as_str()));
                Value::Object(kept.map(|(key, value)| (key.clone(), self.masked(value))).collect())
            }
            other => other.clone(),
        }
    }
}

fn body_at(body: &Value, pointer: &str) -> String {
    let value = body.pointer(pointer).and_then(Value::as_str);
    value.unwrap_or_else(|| panic!("nothing at {pointer} of {body}")).to_owned()
}

#[test]
fn stories_about_access_end_as_on_a_real_server() {
    check(include_str!("stories.json"));
}

#[test]
fn stories_about_controllers_end_as_on_a_real_server() {
    check(include_str!("controllers.json"));
}

fn check(stories: &str) {
    let stories: Vec<Value> = serde_json::from_str(stories).expect("a list of stories");
    let mut cluster = Cluster::new();
    let mut differences = Vec::new();
    for story in &stories {
        for step in story["steps"].as_array().expect("steps") {
            if let Some(until_what) = step["settle"].as_str() {
                cluster.settle(until_what);
            }
            let (status, answer, warnings) = cluster.ask(step);
            let warnings = if warnings.is_empty() { Value::Null } else { warnings.into() };
            let same =
                step["ignore_answer"] == true || (answer == step["answer"] && warnings == step["warnings"]);
            if step["status"] != status || !same {
                let body = step.get("body").unwrap_or(&Value::Null);
                differences.push(format!(
                    "{}: {} {} {body} {}\n  expected {} {} {}\n  got      {status} {answer} {warnings}",
                    story["name"],
                    step["method"],
                    step["path"],
                    step["headers"],
                    step["status"],
                    step["answer"],
                    step["warnings"]
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), differences.join("\n"));
}
