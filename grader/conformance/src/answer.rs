//! Answers as they are compared.

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::Response;
use http::response::Parts;
use serde_json::Value;
use std::io::Read;

#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: i64,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) text: Option<String>,
}

impl Answer {
    pub(crate) fn new(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        let mut answer = Self::head(&parts);
        let mut bytes = body.to_vec();
        if answer.headers.iter().any(|(key, value)| key == "content-encoding" && value == "gzip") {
            let mut plain = Vec::new();
            // What cannot be unpacked is compared as it came.
            if GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).is_ok() {
                bytes = plain;
            }
        }
        answer.body = serde_json::from_slice(&bytes).ok();
        answer.text = (answer.body.is_none() && !bytes.is_empty())
            .then(|| String::from_utf8_lossy(&bytes).into_owned());
        answer
    }

    /// An answer of which only the head is known.
    pub(crate) fn head(parts: &Parts) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = parts.headers.iter();
        Self {
            status: i64::from(parts.status.as_u16()),
            headers: headers.map(|(key, value)| (key.as_str().to_owned(), text(value.as_bytes()))).collect(),
            ..Self::default()
        }
    }
}
