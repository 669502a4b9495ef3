//! The API as the operator's client sees it: each request a blocking round trip to the grader.

use super::connection::Connection;
use super::stream::StreamBody;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Either, Full};
use kube::Client;
use kube::client::Body;
use kube::client::retry::RetryPolicy;
use lab_kit_protocol::{Reply, Request as Sent};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::retry::RetryLayer;
use tower::{BoxError, ServiceBuilder};

/// A client that differs from a live one in nothing that an operator can see: requests that fail with 429, 503 or
/// 504 are sent again by the same policy (`kube::Config::default_retry`).
pub(crate) fn client(connection: Arc<Connection>) -> Client {
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(RetryPolicy::server_retry()))
        .service(Service { connection });
    Client::new(service, "default")
}

type Answered = Result<Response<Either<Full<Bytes>, StreamBody>>, BoxError>;

#[derive(Clone)]
struct Service {
    connection: Arc<Connection>,
}

impl tower::Service<Request<Body>> for Service {
    type Response = Response<Either<Full<Bytes>, StreamBody>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Answered>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.exchange(request) {
            Ok((answered, delay)) => async move {
                tokio::time::sleep(delay).await;
                answered
            }
            .boxed(),
            Err(error) => std::future::ready(Err(error)).boxed(),
        }
    }
}

impl Service {
    /// Asks, and says how long the answer takes.
    fn exchange(&self, request: Request<Body>) -> Result<(Answered, Duration), BoxError> {
        let (head, body) = request.into_parts();
        let body =
            body.collect().now_or_never().ok_or("a body that is itself a stream cannot be simulated")??;
        let headers = head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        let answer = self.connection.ask(Sent {
            now_ms: self.connection.now_ms(),
            service: "kubernetes".into(),
            method: head.method.to_string(),
            uri: head.uri.path_and_query().map(|uri| uri.to_string()).unwrap_or_default(),
            headers: headers.collect(),
            body: body.to_bytes().into(),
        });
        let answered = match answer.reply {
            Reply::Response { status, headers, body } => {
                response(status, headers, Either::Left(Full::new(body.into())))
            }
            Reply::Stream { status, headers, id } => {
                response(status, headers, Either::Right(self.connection.stream(id)))
            }
            Reply::Reset => Err("connection reset by peer".into()),
        };
        self.connection.take(answer.run);
        Ok((answered, Duration::from_millis(answer.delay_ms)))
    }
}

fn response(
    status: u16,
    headers: Vec<lab_kit_protocol::Header>,
    body: Either<Full<Bytes>, StreamBody>,
) -> Answered {
    let mut response = Response::builder().status(status).body(body)?;
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes())?;
        response.headers_mut().append(name, HeaderValue::from_bytes(&value)?);
    }
    Ok(response)
}
