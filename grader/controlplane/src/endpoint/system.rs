//! Paths that are about the server itself.

use super::accept;
use super::discovery;
use super::query::Query;
use super::respond;
use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::metrics;
use crate::request::{Request, Response};
use http::{Method, StatusCode};
use serde_json::json;
use std::collections::BTreeSet;

/// The release of Kubernetes that answers are those of.
const RELEASE: &str = "v1.36.2";
/// What health is checked under, and what is checked: all of it is there from the start and cannot fail, for the
/// store is this process's memory.
const HEALTH: [(&str, &[&str]); 3] = [
    ("healthz", &["ping", "log", "etcd"]),
    ("livez", &["ping", "log", "etcd"]),
    ("readyz", &["ping", "log", "etcd", "etcd-readiness", "informer-sync", "shutdown"]),
];

/// Answers a path outside of the API.
pub(crate) fn answer(server: &ApiServer, request: &Request, path: &str) -> Result<Response, ApiError> {
    match path {
        "/" | "/index.html" => Ok(respond::json(StatusCode::OK, &json!({"paths": paths(server)}))),
        "/version" => version(request),
        "/metrics" => Ok(metrics(server)),
        _ => Ok(health(request, path).unwrap_or_else(respond::not_found)),
    }
}

/// In the text format of Prometheus.
fn metrics(server: &ApiServer) -> Response {
    let text = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    respond::bytes(StatusCode::OK, text, metrics::text(server).into())
}

fn version(request: &Request) -> Result<Response, ApiError> {
    if request.method != Method::GET {
        return Err(ApiError::method_not_allowed());
    }
    if !accept::passes_router(request, &["application/json"]) {
        return Err(accept::refused_by_router("application/json"));
    }
    let version = json!({
        "major": "1", "minor": "36",
        "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
        "gitVersion": RELEASE, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "go1.26", "compiler": "gc",
        "platform": "linux/amd64",
    });
    Ok(respond::json(StatusCode::OK, &version))
}

/// All checks, or one of them (apiserver/pkg/server/healthz/healthz.go).
fn health(request: &Request, path: &str) -> Option<Response> {
    let path = path.strip_prefix('/')?;
    let (name, checks) = HEALTH.iter().find(|(name, _)| {
        path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })?;
    let check = path.strip_prefix(name)?.trim_start_matches('/');
    if !check.is_empty() {
        let ok = || respond::bytes(StatusCode::OK, "text/plain; charset=utf-8", "ok".into());
        return checks.contains(&check).then(ok);
    }
    let query = Query::parse(&request.query);
    if query.get("verbose").is_none() {
        return Some(respond::text(StatusCode::OK, "ok"));
    }
    let line = |check: &&str| match query.text("exclude") == *check {
        true => format!("[+]{check} excluded: ok\n"),
        false => format!("[+]{check} ok\n"),
    };
    let lines: String = checks.iter().map(line).collect();
    Some(respond::text(StatusCode::OK, format!("{lines}{name} check passed\n")))
}

/// Everything that can be asked for, as `/` lists it.
fn paths(server: &ApiServer) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> =
        ["/apis/", "/metrics", "/openapi/v2", "/openapi/v3", "/version"].map(str::to_owned).into();
    paths.extend(discovery::paths(server));
    for (name, checks) in HEALTH {
        paths.insert(format!("/{name}"));
        paths.extend(checks.iter().map(|check| format!("/{name}/{check}")));
    }
    paths
}
