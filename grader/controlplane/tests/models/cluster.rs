//! A control plane and the requests that models send to it.

use controlplane::{ClientCertificate, ControlPlane, Reply, Request, Timestamp, WatchId};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

/// The media types of patches.
pub(crate) const MERGE: &str = "application/merge-patch+json";
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

/// An answer: its status, and its body where that is JSON.
pub(crate) type Answer = (StatusCode, Value);

/// Sends a request that is answered at once.
pub(crate) fn send(
    plane: &mut ControlPlane,
    now: Timestamp,
    method: Method,
    target: &str,
    content_type: &'static str,
    body: &Value,
) -> Answer {
    match plane.handle(&request(method, target, content_type, body), now) {
        Reply::Complete(response) => {
            (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
        }
        other => panic!("{target} is answered with {other:?}"),
    }
}

/// Opens a watch.
pub(crate) fn watch(plane: &mut ControlPlane, now: Timestamp, target: &str) -> WatchId {
    match plane.handle(&request(Method::GET, target, "application/json", &Value::Null), now) {
        Reply::Watch { id, .. } => id,
        other => panic!("{target} is answered with {other:?}"),
    }
}

fn request(method: Method, target: &str, content_type: &'static str, body: &Value) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: body.into(),
        certificate: ClientCertificate::default(),
    }
}
