//! Large answers are compressed for clients that can read it
//! (apiserver/pkg/endpoints/handlers/responsewriters/writers.go).

use crate::request::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use std::io::Write;

/// Smaller answers are not worth it.
const SMALLEST: usize = 128 * 1024;

/// Compresses the body if it is large and the client takes gzip.
pub(crate) fn compress(request: &HeaderMap, response: &mut Response) {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let takes_gzip = accepted.is_some_and(|text| text.split(',').any(|coding| coding.trim() == "gzip"));
    if !takes_gzip || response.body.len() <= SMALLEST {
        return;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    if encoder.write_all(&response.body).is_ok()
        && let Ok(compressed) = encoder.finish()
    {
        response.body = compressed.into();
        response.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
}
