//! Answers: status, headers, body.

use super::accept::{self, Accept};
use super::represent::Representation;
use super::table::IncludeObject;
use crate::error::ApiError;
use crate::request::{Request, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use std::collections::BTreeSet;

/// The longest text of all Warning headers together, in characters.
const WARNINGS_LIMIT: usize = 4 * 1024;
/// The longest text of one when they do not fit into that.
const CUT_WARNING: usize = 256;

pub(crate) fn bytes(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Response { status, headers, body }
}

/// A small JSON document that is no object of a resource.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    bytes(status, "application/json", Representation::JSON.bytes_of_struct(value))
}

/// A text for people; no browser is to guess that it is something else.
pub(crate) fn text(status: StatusCode, text: impl Into<String>) -> Response {
    let mut response = bytes(status, "text/plain; charset=utf-8", Bytes::from(text.into()));
    response.headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

pub(crate) fn not_found() -> Response {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// The Status of an error, in the format that the client asked for; indented JSON when there is none that both know.
pub(crate) fn error(request: &Request, error: &ApiError) -> Response {
    let accept = accept::negotiate_plain(request).unwrap_or(Accept { pretty: true, ..Accept::JSON });
    let representation = Representation { accept, include: IncludeObject::default() };
    let body = representation.bytes_of_struct(&error.to_status());
    let mut response = bytes(error.code(), representation.content_type(), body);
    let seconds = error.details().map_or(0, |details| details.retry_after_seconds);
    if seconds > 0 {
        response.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Adds Warning headers: each text once. When all of them are too long, each is cut, and those that have no room even
/// then are left out (apiserver/pkg/endpoints/filters/warning.go).
pub(crate) fn warn(response: &mut Response, warnings: &[String]) {
    let mut told = BTreeSet::new();
    let texts: Vec<&String> = warnings.iter().filter(|text| told.insert(*text)).collect();
    let total: usize = texts.iter().map(|text| text.chars().count()).sum();
    let longest = if total > WARNINGS_LIMIT { CUT_WARNING } else { usize::MAX };
    let mut written = 0;
    for text in texts {
        if written >= WARNINGS_LIMIT {
            return;
        }
        let plain = text.chars().take(longest).filter(|character| !character.is_control());
        let plain: String = plain.inspect(|_| written += 1).collect();
        let quoted = plain.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::try_from(format!("299 - \"{quoted}\"")) {
            response.headers.append(header::WARNING, value);
        }
    }
}
