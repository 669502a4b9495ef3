//! A cluster and the requests that the benchmarks send it.

use bytes::Bytes;
use controlplane::{ClientCertificate, ControlPlane, Options, Reply, Request, Timestamp};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

/// The time of everything that happens.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;
/// Where the ConfigMaps of namespace `default` are.
pub(crate) const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// Where the custom resources of namespace `default` are.
pub(crate) const DATABASES: &str = "/apis/example.com/v1/namespaces/default/databases";

/// An API server without controllers.
pub(crate) fn cluster() -> ControlPlane {
    ControlPlane::new(Options { seed: 1, start: NOW, ..Options::default() })
}

/// A cluster in which `databases.example.com` are defined.
pub(crate) fn cluster_with_databases() -> ControlPlane {
    let mut plane = cluster();
    let definition = include_bytes!("databases.yaml").to_vec();
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    send(&mut plane, &request(Method::POST, path, "application/yaml", definition));
    plane
}

/// A cluster with `count` ConfigMaps in each of these namespaces, which it makes.
pub(crate) fn cluster_with(count: usize, namespaces: &[&str]) -> ControlPlane {
    let mut plane = cluster();
    for namespace in namespaces {
        if *namespace != "default" {
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            send(&mut plane, &post("/api/v1/namespaces", &object));
        }
        for index in 0..count {
            let path = format!("/api/v1/namespaces/{namespace}/configmaps");
            send(&mut plane, &post(&path, &config_map(&format!("object-{index}"))));
        }
    }
    plane
}

/// Sends a request that must succeed; answers its body.
pub(crate) fn send(plane: &mut ControlPlane, request: &Request) -> Bytes {
    match plane.handle(request, NOW) {
        Reply::Complete(response) if response.status.is_success() => response.body,
        Reply::Complete(response) => panic!("{}", String::from_utf8_lossy(&response.body)),
        Reply::Watch { .. } => Bytes::new(),
        Reply::Later(_) | Reply::Call(_) => panic!("no benchmark asks for what takes time"),
    }
}

/// A request as kube-rs sends it.
pub(crate) fn request(method: Method, path: &str, content_type: &'static str, body: Vec<u8>) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("bench/1.0"));
    Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: body.into(),
        certificate: ClientCertificate::default(),
    }
}

/// A GET.
pub(crate) fn get(path: &str) -> Request {
    request(Method::GET, path, "application/json", Vec::new())
}

/// A creation.
pub(crate) fn post(path: &str, object: &Value) -> Request {
    request(Method::POST, path, "application/json", object.to_string().into_bytes())
}

/// A ConfigMap of three entries.
pub(crate) fn config_map(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"app": "bench", "tier": "backend"}},
        "data": {"host": "db.default.svc", "port": "5432", "log_min_duration_statement": "250ms"},
    })
}

/// A custom resource that meets its schema and its rules.
pub(crate) fn database(name: &str) -> Value {
    json!({
        "apiVersion": "example.com/v1", "kind": "Database",
        "metadata": {"name": name, "labels": {"app": "bench"}},
        "spec": {
            "engine": "postgres", "version": "16.4", "replicas": 3, "storage": "10Gi",
            "backup": {"schedule": "0 3 * * *", "keep": 7},
            "users": [{"name": "app", "roles": ["reader", "writer"]}, {"name": "admin", "roles": ["owner"]}],
        },
    })
}
