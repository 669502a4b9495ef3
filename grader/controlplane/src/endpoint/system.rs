//! Paths that are about the server itself.

use super::respond;
use crate::request::{Reply, Request};
use http::StatusCode;
use serde_json::json;

/// The release of Kubernetes that answers are those of.
const RELEASE: &str = "v1.36.2";

/// Answers a path outside of the API.
pub(crate) fn answer(_request: &Request, path: &str) -> Reply {
    Reply::Complete(match path {
        "/healthz" | "/readyz" | "/livez" => respond::text(StatusCode::OK, "ok"),
        "/healthz/ping" | "/readyz/ping" | "/livez/ping" => respond::text(StatusCode::OK, "ok"),
        "/version" => respond::json(
            StatusCode::OK,
            &json!({
                "major": "1", "minor": "36",
                "emulationMajor": "1", "emulationMinor": "36",
                "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
                "gitVersion": RELEASE, "gitCommit": "", "gitTreeState": "clean",
                "buildDate": "1970-01-01T00:00:00Z", "goVersion": "go1.26", "compiler": "gc",
                "platform": "linux/amd64",
            }),
        ),
        _ => respond::not_found(),
    })
}
