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
    let known =
        request.headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
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
