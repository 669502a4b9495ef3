//! One connection: handshake, HTTP/1.1 or HTTP/2, and each request from its head to its answer.

use crate::attention::Attention;
use crate::client_certificate;
use crate::limits::Limits;
use crate::web_socket::Handshake;
use bytes::{Bytes, BytesMut};
use controlplane::service::{Body, Service};
use controlplane::{ApiError, ClientCertificate, Request};
use futures::FutureExt;
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use rustls::server::danger::ClientCertVerifier;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How long a silent HTTP/2 connection is trusted before it is asked, and then waited for.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const KEEP_ALIVE_ANSWER: Duration = Duration::from_secs(15);

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) service: Service,
    pub(crate) limits: Limits,
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) authority: Arc<dyn ClientCertVerifier>,
    pub(crate) http: Builder<TokioExecutor>,
    pub(crate) attention: Attention,
}

/// The HTTP side of all connections.
pub(crate) fn http(limits: &Limits) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(limits.head_size);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_ANSWER)
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_size).unwrap_or(u32::MAX));
    http
}

/// Serves one client until it goes, breaks a limit, or the server stops. Whatever goes wrong is this client's alone.
pub(crate) async fn serve(shared: Arc<Shared>, socket: TcpStream, stopping: Watcher) {
    let Ok(Ok(stream)) = timeout(shared.limits.handshake, shared.acceptor.accept(socket)).await else {
        return;
    };
    let chain = stream.get_ref().1.peer_certificates();
    let certificate = client_certificate::identify(&*shared.authority, chain);
    let answering = shared.clone();
    let service = service_fn(move |request| answer(answering.clone(), certificate.clone(), request));
    let connection = shared.http.serve_connection_with_upgrades(TokioIo::new(stream), service);
    // A broken connection concerns nobody but the client that broke it.
    let _ = stopping.watch(connection).await;
}

/// Answers one request. A panic costs the request that made it, and no other.
async fn answer(
    shared: Arc<Shared>,
    certificate: ClientCertificate,
    mut request: http::Request<Incoming>,
) -> Result<http::Response<Body>, Infallible> {
    let web_socket = Handshake::of(&mut request);
    let (parts, body) = request.into_parts();
    let is_head = parts.method == Method::HEAD;
    let answer = async {
        // The whole body comes before the control plane is asked: a slow client keeps nobody waiting.
        let body = timeout(shared.limits.body, read(body, shared.limits.body_size)).await;
        let body = body.map_err(|_| timed_out())?.map_err(|_| cut_off())?;
        let mut request = Request::new(parts, body);
        request.certificate = certificate;
        let answered = AssertUnwindSafe(shared.service.answer(request)).catch_unwind().await;
        answered.ok().and_then(Result::ok).ok_or_else(panicked)
    };
    let answer = answer.await.unwrap_or_else(|error: ApiError| refuse(&error));
    shared.attention.renew();
    Ok(match web_socket {
        Some(web_socket) => web_socket.answer(answer),
        None if is_head => without_body(answer),
        None => answer,
    })
}

/// HTTP/2 does not leave the body of an answer to HEAD out by itself.
fn without_body(answer: http::Response<Body>) -> http::Response<Body> {
    let (mut head, body) = answer.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    http::Response::from_parts(head, Empty::new().boxed_unsync())
}

/// The body, or its beginning and a bit more than the limit: the control plane refuses it then.
async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, hyper::Error> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await
        && whole.len() <= limit
    {
        if let Ok(data) = frame?.into_data() {
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.freeze())
}

/// apiserver/pkg/server/filters/timeout.go
fn timed_out() -> ApiError {
    let message = "Timeout: request did not complete within the allotted timeout";
    ApiError::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message, None).with_empty_details()
}

fn cut_off() -> ApiError {
    ApiError::bad_request("the body of the request ended before its time")
}

/// apiserver/pkg/server/filters/wrap.go
fn panicked() -> ApiError {
    ApiError::internal("this request caused the control plane to panic; look at its output for details")
}

fn refuse(error: &ApiError) -> http::Response<Body> {
    let body = Bytes::from(error.to_json());
    let mut response = http::Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = error.code();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
