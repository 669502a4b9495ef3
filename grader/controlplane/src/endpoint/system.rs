//! Paths that are about the server itself.

use super::accept;
use super::discovery;
use super::health;
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

/// Answers a path outside of the API.
pub(crate) fn answer(server: &ApiServer, request: &Request, path: &str) -> Result<Response, ApiError> {
    match path {
        "/" | "/index.html" => Ok(respond::json(StatusCode::OK, &json!({"paths": paths(server)}))),
        "/version" => version(request),
        "/metrics" => Ok(metrics(metrics::text(server))),
        "/metrics/slis" => Ok(metrics(health::metrics())),
        _ => Ok(health::answer(request, path).unwrap_or_else(respond::not_found)),
    }
}

/// In the text format of Prometheus.
fn metrics(text: String) -> Response {
    let format = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    respond::bytes(StatusCode::OK, format, text.into())
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

/// Everything that can be asked for, as `/` lists it.
fn paths(server: &ApiServer) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> =
        ["/apis/", "/metrics", "/metrics/slis", "/openapi/v2", "/openapi/v3", "/version"]
            .map(str::to_owned)
            .into();
    paths.extend(discovery::paths(server));
    paths.extend(health::paths());
    paths
}
