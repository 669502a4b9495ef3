//! Bodies in protobuf over the whole way of a request. The answers were read from a real API server (v1.36), save for
//! custom resources: there it panics.

use controlplane::request::ClientCertificate;
use controlplane::{ControlPlane, Options, Reply, Request, Response, Timestamp};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const FOOS: &str = "/apis/example.com/v1/namespaces/default/foos";

/// A field that holds a message or a string.
fn field(number: u8, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    let length = u8::try_from(value.len()).expect("short");
    [&[number << 3 | 2, length], value].concat()
}

fn body(api_version: &str, kind: &str, object: &[u8]) -> Vec<u8> {
    let type_meta = [field(1, api_version), field(2, kind)].concat();
    [b"k8s\0".to_vec(), field(1, type_meta), field(2, object)].concat()
}

/// The metadata of most objects is field 1, its name field 1 of that.
fn named(name: &str) -> Vec<u8> {
    field(1, field(1, name))
}

struct Server(ControlPlane);

impl Server {
    fn new() -> Self {
        let mut server = Self(ControlPlane::new(Options::default()));
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "foos.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
            },
        });
        server.json("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition);
        server
    }

    fn json(&mut self, method: &str, path: &str, document: &Value) -> (u16, Value) {
        self.send(method, path, "application/json", document.to_string().into_bytes())
    }

    /// Status, media type and body of an answer to a client that takes these formats.
    fn read(&mut self, path: &str, accept: &'static str) -> (u16, String, Vec<u8>) {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            method: Method::GET,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: Vec::new().into(),
            certificate: ClientCertificate::None,
        };
        match self.0.handle(&request, Timestamp::UNIX_EPOCH) {
            Reply::Complete(response) | Reply::Watch { head: response, .. } => {
                let media_type = response.headers[header::CONTENT_TYPE].to_str().expect("text").to_owned();
                (response.status.as_u16(), media_type, response.body.to_vec())
            }
            later => panic!("no answer yet: {later:?}"),
        }
    }

    fn send(&mut self, method: &str, path: &str, media_type: &'static str, body: Vec<u8>) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        let request = Request {
            method: Method::from_bytes(method.as_bytes()).expect("a method"),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: body.into(),
            certificate: ClientCertificate::None,
        };
        match self.0.handle(&request, Timestamp::UNIX_EPOCH) {
            Reply::Complete(Response { status, body, .. }) => {
                (status.as_u16(), serde_json::from_slice(&body).expect("JSON"))
            }
            other => panic!("no complete answer: {other:?}"),
        }
    }
}

#[test]
fn objects_are_created_as_if_they_came_in_json() {
    let mut server = Server::new();
    let data = field(2, [field(1, "k"), field(2, b"v\xff\xe2\x82x")].concat());
    let sent = body("v1", "ConfigMap", &[named("a"), data].concat());
    let (status, created) = server.send("POST", CONFIG_MAPS, PROTOBUF, sent);
    assert_eq!(status, 201);
    assert_eq!(created["metadata"]["name"], "a");
    assert_eq!(created["data"], json!({"k": "v\u{fffd}\u{fffd}\u{fffd}x"}));
    assert_eq!(created["metadata"]["managedFields"][0]["fieldsV1"], json!({"f:data": {".": {}, "f:k": {}}}));
}

#[test]
fn kind_and_version_default_to_those_of_the_path() {
    let mut server = Server::new();
    let (status, created) = server.send("POST", CONFIG_MAPS, PROTOBUF, body("", "", &named("a")));
    assert_eq!((status, &created["kind"]), (201, &json!("ConfigMap")));
}

#[test]
fn unknown_fields_go_unnoticed() {
    let mut server = Server::new();
    let sent = body("v1", "ConfigMap", &[named("a"), field(15, "x")].concat());
    let path = format!("{CONFIG_MAPS}?fieldValidation=Strict");
    assert_eq!(server.send("POST", &path, PROTOBUF, sent).0, 201);
}

#[test]
fn refusals() {
    let mut server = Server::new();
    let mut cut = named("a");
    cut.pop();
    let scheme = "in scheme \"pkg/api/legacyscheme/scheme.go:30\"";
    let unrecognized =
        |text: &str| format!("the object provided is unrecognized (must be of type ConfigMap): {text}");
    for (sent, message) in [
        (
            body("v1", "Secret", &named("a")),
            "Secret in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): \
             unknown conversion"
                .to_owned(),
        ),
        (
            body("v1", "Foo", &named("a")),
            format!(
                "Foo in version \"v1\" cannot be handled as a ConfigMap: no kind \"Foo\" is registered for version \
                 \"v1\" {scheme}"
            ),
        ),
        (
            body("v1", "ConfigMap", &cut),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: unexpected EOF".to_owned(),
        ),
        (b"k8s\0\x0a\x55".to_vec(), unrecognized("unexpected EOF (6b3873000a55)")),
        (b"k8s\0".to_vec(), unrecognized("empty body (6b387300)")),
        (Vec::new(), unrecognized("empty data (<empty>)")),
        (
            b"{}".to_vec(),
            unrecognized(
                "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({})",
            ),
        ),
        (
            [b"k8s\0".as_slice(), &[0xFF; 12]].concat(),
            unrecognized("proto: integer overflow (6b387300ffffffffffffffffffffffff)"),
        ),
    ] {
        let (status, answer) = server.send("POST", CONFIG_MAPS, PROTOBUF, sent);
        assert_eq!((status, &answer["message"]), (400, &json!(message)));
    }
}

#[test]
fn formats_that_nobody_reads() {
    let mut server = Server::new();
    let custom = body("example.com/v1", "Foo", &named("a"));
    for (method, path, media_type, sent) in [
        ("POST", FOOS, PROTOBUF, custom),
        ("POST", FOOS, "application/cbor", Vec::new()),
        ("POST", CONFIG_MAPS, "application/cbor", Vec::new()),
        ("PATCH", "/api/v1/namespaces/default/configmaps/a", PROTOBUF, b"k8s\0".to_vec()),
    ] {
        let (status, answer) = server.send(method, path, media_type, sent);
        assert_eq!((status, &answer["reason"]), (415, &json!("UnsupportedMediaType")), "{method} {path}");
    }
}

#[test]
fn answers_for_clients_that_read_nothing_else() {
    let mut server = Server::new();
    server.send("POST", CONFIG_MAPS, PROTOBUF, body("v1", "ConfigMap", &named("a")));
    let (one, none, watched) =
        (&format!("{CONFIG_MAPS}/a"), &format!("{CONFIG_MAPS}/b"), &format!("{CONFIG_MAPS}?watch=1"));
    let stream = "application/vnd.kubernetes.protobuf;stream=watch";
    let json = "application/json";
    let metadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let table = "application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1";
    for (path, accept, status, media_type) in [
        (one.as_str(), PROTOBUF, 200, PROTOBUF),
        (CONFIG_MAPS, PROTOBUF, 200, PROTOBUF),
        (none, PROTOBUF, 404, PROTOBUF),
        (watched, stream, 200, stream),
        (one, "application/vnd.kubernetes.protobuf,application/json", 200, json),
        // Only built-in kinds have messages, but everything has metadata.
        (FOOS, PROTOBUF, 406, PROTOBUF),
        (FOOS, metadata, 200, PROTOBUF),
        (one, table, 406, json),
    ] {
        let (found, found_type, body) = server.read(path, accept);
        assert_eq!((found, found_type.as_str()), (status, media_type), "{path} as {accept}");
        assert_eq!(body.starts_with(b"k8s\0"), media_type == PROTOBUF, "{path} as {accept}");
    }
}

#[test]
fn options_of_a_delete() {
    let mut server = Server::new();
    server.json(
        "POST",
        FOOS,
        &json!({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a"}}),
    );
    let path = format!("{FOOS}/a");
    let options = |fields: &[u8]| body("meta.k8s.io/v1", "DeleteOptions", fields);
    let mut cut = field(4, "Foreground");
    cut.pop();
    for (sent, status, message) in [
        (
            options(&field(4, "Bogus")),
            422,
            "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Bogus\": supported \
             values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
        ),
        (
            body("v1", "Foo", &field(4, "Foreground")),
            400,
            "no kind \"Foo\" is registered for version \"v1\" in scheme \
             \"pkg/apis/meta/internalversion/scheme/register.go:27\"",
        ),
        (options(&cut), 400, "unexpected EOF"),
        (
            b"zz".to_vec(),
            400,
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
        ),
    ] {
        let (answered, answer) = server.send("DELETE", &path, PROTOBUF, sent);
        assert_eq!((answered, &answer["message"]), (status, &json!(message)));
    }
    let (status, answer) = server.send("DELETE", &path, PROTOBUF, options(&field(4, "Foreground")));
    assert_eq!((status, &answer["metadata"]["finalizers"]), (200, &json!(["foregroundDeletion"])));
}

#[test]
fn bodies_of_subresources() {
    let mut server = Server::new();
    let template = json!({
        "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]},
    });
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    server.json("POST", deployments, &json!({
        "metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
    }));
    let metadata = field(1, [field(1, "d"), field(3, "default")].concat());
    // spec.replicas is field 1 of field 2.
    let scale = body("autoscaling/v1", "Scale", &[metadata, field(2, [1 << 3, 7])].concat());
    let (status, answer) = server.send("PUT", &format!("{deployments}/d/scale"), PROTOBUF, scale);
    assert_eq!((status, &answer["spec"]["replicas"]), (200, &json!(7)));

    server.json(
        "POST",
        "/api/v1/namespaces/default/pods",
        &json!({
            "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]},
        }),
    );
    let eviction = body("policy/v1", "Eviction", &named("p"));
    let (status, answer) =
        server.send("POST", "/api/v1/namespaces/default/pods/p/eviction", PROTOBUF, eviction);
    assert_eq!((status, &answer["status"]), (201, &json!("Success")));
}
