//! From a request as it is recorded to one that can be sent.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// # Errors
/// The recorded request is none.
pub(crate) fn request(recorded: &Value) -> Result<Request<Bytes>, String> {
    let body = match (&recorded["raw"], recorded.get("body")) {
        (Value::String(raw), _) => Some(raw.clone()),
        (_, Some(body)) => Some(body.to_string()),
        _ => None,
    };
    let mut headers = BTreeMap::from([
        ("accept".to_owned(), Some("application/json".to_owned())),
        ("user-agent".to_owned(), Some("corpus/1".to_owned())),
        ("authorization".to_owned(), token(&recorded["as"]).map(|token| format!("Bearer {token}"))),
    ]);
    if body.is_some() {
        headers.insert("content-type".into(), Some("application/json".into()));
    }
    for (key, value) in recorded["headers"].as_object().unwrap_or(&Map::new()) {
        headers.insert(key.to_lowercase(), value.as_str().map(str::to_owned));
    }
    let invalid = |error: http::Error| error.to_string();
    let mut request = Request::new(Bytes::from(body.unwrap_or_default()));
    let method = recorded["method"].as_str().unwrap_or("GET");
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|error| invalid(error.into()))?;
    *request.uri_mut() = uri(recorded).map_err(|error| invalid(error.into()))?;
    for (key, value) in headers {
        if let Some(value) = value {
            let key = HeaderName::try_from(key).map_err(|error| invalid(error.into()))?;
            let value = HeaderValue::try_from(value).map_err(|error| invalid(error.into()))?;
            request.headers_mut().insert(key, value);
        }
    }
    Ok(request)
}

fn token(user: &Value) -> Option<&str> {
    match user.as_str() {
        None => Some("admin-token"),
        Some("alice") => Some("alice-token"),
        Some("anonymous") => None,
        Some(_) => Some("no-such-token"),
    }
}

fn uri(recorded: &Value) -> Result<Uri, http::uri::InvalidUri> {
    let path = recorded["path"].as_str().unwrap_or_default();
    match query(&recorded["query"]).as_str() {
        "" => path.parse(),
        query => format!("{path}?{query}").parse(),
    }
}

fn query(query: &Value) -> String {
    let mut pairs = Vec::new();
    for (key, value) in query.as_object().unwrap_or(&Map::new()) {
        let values = match value {
            Value::Array(values) => values.clone(),
            value => vec![value.clone()],
        };
        for value in values {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            pairs.push(format!("{}={}", encode(key), encode(&text)));
        }
    }
    pairs.join("&")
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
