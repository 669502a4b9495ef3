//! Documents that clients keep and ask for again (RFC 9110, section 8.8.3).

use super::respond;
use crate::request::{Request, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

/// A document with its tag, or 304 without it for who has it already.
pub(crate) fn respond(
    request: &Request,
    tag: &str,
    media_type: &'static str,
    body: impl FnOnce() -> Bytes,
) -> Response {
    let tag = format!("\"{tag}\"");
    let sent = request.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let known = sent.unwrap_or_default().split(',').any(|known| {
        let known = known.trim();
        known == "*" || known.trim_start_matches("W/") == tag
    });
    let mut response = match known {
        true => {
            Response { status: StatusCode::NOT_MODIFIED, headers: http::HeaderMap::new(), body: Bytes::new() }
        }
        false => respond::bytes(StatusCode::OK, media_type, body()),
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers.insert(header::ETAG, tag);
    }
    response
}
