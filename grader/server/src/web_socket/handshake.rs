//! The handshake: from a request that asks for a WebSocket to the answer that begins one (RFC 6455, section 4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use controlplane::service::Body;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::{self, OnUpgrade};
use hyper_util::rt::TokioIo;
use ring::digest;

/// What is hashed together with a client's key.
const SALT: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The only version there is.
const VERSION: &str = "13";

/// A request that asks for a WebSocket. Only a watch comes of it; whatever else is answered stays a plain answer.
pub(crate) struct Handshake {
    is_get: bool,
    headers: HeaderMap,
    upgrade: OnUpgrade,
}

impl Handshake {
    /// What a request asks for (apimachinery/pkg/util/httpstream/wsstream, `IsWebSocketRequest`).
    pub(crate) fn of(request: &mut Request<Incoming>) -> Option<Self> {
        let headers = request.headers();
        let is_web_socket = names(headers, &header::UPGRADE, "websocket");
        if !is_web_socket || !names(headers, &header::CONNECTION, "upgrade") {
            return None;
        }
        let headers = headers.clone();
        let is_get = request.method() == Method::GET;
        Some(Self { is_get, headers, upgrade: upgrade::on(request) })
    }

    /// Turns the answer to the request into one that begins a WebSocket, if there are events to come.
    pub(crate) fn answer(self, answer: Response<Body>) -> Response<Body> {
        if answer.status() != StatusCode::OK || answer.body().size_hint().exact().is_some() {
            return answer;
        }
        match self.accept() {
            Ok(mut accepted) => {
                let is_text = answer
                    .headers()
                    .get(header::CONTENT_TYPE)
                    .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
                let upgrade = self.upgrade;
                tokio::spawn(async move {
                    if let Ok(stream) = upgrade.await {
                        // A broken connection concerns nobody but the client that broke it.
                        let _ = super::carry(TokioIo::new(stream), answer.into_body(), is_text).await;
                    }
                });
                accepted.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                accepted.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
                accepted
            }
            Err(refused) => refused,
        }
    }

    /// The conditions and texts are those of golang.org/x/net/websocket (hybi.go, server.go).
    fn accept(&self) -> Result<Response<Body>, Response<Body>> {
        if !self.is_get {
            return Err(refuse(StatusCode::METHOD_NOT_ALLOWED, "bad method"));
        }
        let text = |name| self.headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
        let key = text(header::SEC_WEBSOCKET_KEY);
        if key.is_empty() {
            return Err(refuse(StatusCode::BAD_REQUEST, "mismatch challenge/response"));
        }
        if text(header::SEC_WEBSOCKET_VERSION) != VERSION.as_bytes() {
            let mut refused = refuse(StatusCode::BAD_REQUEST, "missing or bad WebSocket Version");
            refused.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
            return Err(refused);
        }
        if text(header::ORIGIN).is_empty() {
            return Err(refuse(StatusCode::FORBIDDEN, ""));
        }
        // Nobody chooses between several.
        if text(header::SEC_WEBSOCKET_PROTOCOL).contains(&b',') {
            return Err(refuse(StatusCode::BAD_REQUEST, ""));
        }
        let mut response = Response::new(Empty::new().boxed_unsync());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        if let Ok(accepted) = HeaderValue::try_from(hash(key)) {
            response.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
        }
        if let Some(protocol) = self.headers.get(header::SEC_WEBSOCKET_PROTOCOL) {
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol.clone());
        }
        Ok(response)
    }
}

/// Proves that a server has read the key.
fn hash(key: &[u8]) -> String {
    let salted = [key, SALT.as_bytes()].concat();
    STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &salted))
}

/// Whether one of the words in a header is this one.
fn names(headers: &HeaderMap, name: &header::HeaderName, word: &str) -> bool {
    let texts = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|text| text.trim().eq_ignore_ascii_case(word))
}

fn refuse(status: StatusCode, why: &'static str) -> Response<Body> {
    let mut refused = Response::new(Full::new(Bytes::from_static(why.as_bytes())).boxed_unsync());
    *refused.status_mut() = status;
    refused.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    refused
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn the_example_of_the_standard() {
        assert_eq!(hash(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
