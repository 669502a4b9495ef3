//! A conversion webhook as operators run it: an HTTPS server with a certificate of its own.

use crate::running::{Running, answer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use controlplane_server::Limits;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

const V1: &str = "/apis/example.com/v1/namespaces/default/gadgets";
const V2: &str = "/apis/example.com/v2/namespaces/default/gadgets";

/// Listens until the process ends; `convert` makes a converted object of another one.
struct Webhook {
    address: SocketAddr,
    certificate: String,
}

impl Webhook {
    fn new(convert: fn(&Value) -> Value) -> Self {
        let names = [Ipv4Addr::LOCALHOST.to_string()];
        let mut parameters = rcgen::CertificateParams::new(names).expect("a name");
        // As `openssl req -x509` makes it: an authority, which has signed itself.
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("random numbers");
        let signed = parameters.self_signed(&key).expect("a good key");
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_no_client_auth()
            .with_single_cert(vec![signed.der().clone()], key)
            .expect("a certificate and its key");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let config = Arc::new(config);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let session = ServerConnection::new(config.clone()).expect("a good configuration");
                serve(StreamOwned::new(session, socket), convert);
            }
        });
        Self { address, certificate: signed.pem() }
    }

    /// The definition of gadgets, which trusts this certificate.
    fn definition(&self, path: &str, certificate: &str) -> String {
        let version = |name: &str, storage: bool| {
            let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
            json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": schema}})
        };
        let client = json!({
            "url": format!("https://{}{path}", self.address), "caBundle": STANDARD.encode(certificate),
        });
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "gadgets.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"plural": "gadgets", "kind": "Gadget"},
                "conversion": {"strategy": "Webhook", "webhook": {
                    "conversionReviewVersions": ["v1"], "clientConfig": client,
                }},
                "versions": [version("v1", true), version("v2", false)],
            },
        });
        definition.to_string()
    }
}

/// Answers one request.
fn serve(mut connection: impl Read + Write, convert: fn(&Value) -> Value) {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    let (path, review) = loop {
        let Ok(count @ 1..) = connection.read(&mut buffer) else { return };
        read.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
        // A body that is not complete yet is no JSON.
        if let Ok(review) = serde_json::from_str::<Value>(body) {
            let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
            break (path, review);
        }
    };
    if path.starts_with("/elsewhere") {
        let head = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /convert\r\ncontent-length: 0\r\n\r\n";
        let _ = connection.write_all(head.as_bytes());
        let _ = connection.flush();
        return;
    }
    let objects = review["request"]["objects"].as_array().into_iter().flatten();
    let converted: Vec<Value> = objects
        .map(|object| {
            let mut converted = convert(object);
            converted["apiVersion"] = review["request"]["desiredAPIVersion"].clone();
            converted
        })
        .collect();
    let body = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
        "response": {
            "uid": review["request"]["uid"], "result": {"status": "Success"}, "convertedObjects": converted,
        },
    });
    let body = body.to_string();
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    let _ = connection.write_all(format!("{head}{body}").as_bytes());
    let _ = connection.flush();
}

/// `seconds` in `v1` are `minutes` in `v2`.
fn minutes(object: &Value) -> Value {
    let mut converted = object.clone();
    converted["spec"] = match (object["spec"]["seconds"].as_i64(), object["spec"]["minutes"].as_i64()) {
        (Some(seconds), _) => json!({"minutes": seconds / 60}),
        (_, minutes) => json!({"seconds": minutes.unwrap_or_default() * 60}),
    };
    converted
}

fn gadget(version: &str, name: &str, spec: Value) -> String {
    let api_version = format!("example.com/{version}");
    json!({"apiVersion": api_version, "kind": "Gadget", "metadata": {"name": name}, "spec": spec}).to_string()
}

#[test]
fn objects_and_events_are_converted_over_https() {
    let webhook = Webhook::new(minutes);
    let server = Running::new(Limits::default());
    let ask = |method: &str, path: &str, body: &str| {
        let answer = server.administrator(method, path, body);
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        serde_json::from_str::<Value>(&answer.body).expect("answers are JSON")
    };
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    ask("POST", definitions, &webhook.definition("/convert", &webhook.certificate));
    assert_eq!(ask("POST", V2, &gadget("v2", "a", json!({"minutes": 2})))["spec"], json!({"minutes": 2}));
    assert_eq!(ask("GET", &format!("{V1}/a"), "")["spec"], json!({"seconds": 120}));
    assert_eq!(ask("GET", V2, "")["items"][0]["spec"], json!({"minutes": 2}));

    let from = ask("GET", V1, "")["metadata"]["resourceVersion"].as_str().expect("a revision").to_owned();
    let mut watch = server.connect();
    let path = format!("{V2}?watch=true&resourceVersion={from}");
    let token = crate::running::ADMIN;
    write!(watch, "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n")
        .expect("a request");
    let mut read = read_until(&mut watch, "\r\n\r\n", String::new());
    for seconds in [60, 180] {
        ask("POST", V1, &gadget("v1", &format!("for-{seconds}"), json!({"seconds": seconds})));
        read = read_until(&mut watch, &format!(r#""spec":{{"minutes":{}}}"#, seconds / 60), read);
    }
    assert_eq!(answer(&read).status, 200);
    assert!(!read.contains(r#""seconds""#), "{read}");
}

#[test]
fn a_webhook_that_sends_elsewhere_is_asked_there() {
    let webhook = Webhook::new(minutes);
    let server = Running::new(Limits::default());
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let definition = webhook.definition("/elsewhere", &webhook.certificate);
    assert_eq!(server.administrator("POST", definitions, &definition).status, 201);
    let created = server.administrator("POST", V2, &gadget("v2", "a", json!({"minutes": 2})));
    assert_eq!(created.status, 201, "{}", created.body);
    let read = server.administrator("GET", &format!("{V1}/a"), "");
    let read: Value = serde_json::from_str(&read.body).expect("answers are JSON");
    assert_eq!(read["spec"], json!({"seconds": 120}));
}

/// Reads until `wanted` has come.
fn read_until(connection: &mut impl Read, wanted: &str, mut read: String) -> String {
    let mut buffer = [0; 4096];
    while !read.contains(wanted) {
        let count = connection.read(&mut buffer).expect("the connection stays open");
        assert_ne!(count, 0, "the connection ended before {wanted:?}: {read}");
        read.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    read
}

#[test]
fn a_webhook_that_cannot_be_trusted_converts_nothing() {
    let webhook = Webhook::new(minutes);
    let other = Webhook::new(minutes);
    let server = Running::new(Limits::default());
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let created =
        server.administrator("POST", definitions, &webhook.definition("/convert", &other.certificate));
    assert_eq!(created.status, 201, "{}", created.body);
    let refused = server.administrator("POST", V2, &gadget("v2", "a", json!({"minutes": 2})));
    let body: Value = serde_json::from_str(&refused.body).expect("answers are JSON");
    let message = body["message"].as_str().unwrap_or_default();
    let expected = format!(
        "conversion webhook for example.com/v2, Kind=Gadget failed: Post \"https://{}/convert?timeout=30s\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
        webhook.address
    );
    assert_eq!((refused.status, message), (500, expected.as_str()));
}
