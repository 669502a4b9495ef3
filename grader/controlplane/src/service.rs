//! The control plane as a `tower::Service`: what a `kube::Client` talks to, in-process.

use crate::control_plane::ControlPlane;
use crate::request::{ClientCertificate, Reply, Request, Response, WatchId};
use bytes::Bytes;
use futures::channel::{mpsc, oneshot};
use futures::future::BoxFuture;
use futures::stream::{Stream, StreamExt};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// The body of an answer: complete, or a stream of watch events.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A handle on a [`ControlPlane`] that answers HTTP requests; clones share the cluster.
///
/// A request's extensions may hold the [`ClientCertificate`] of its connection.
///
/// Time is what the closure says: a real clock, or a test's own. Whoever moves it calls
/// [`advance`](Service::advance), at the latest at [`next_wake`](Service::next_wake). A request for a revision that
/// has not come yet is answered when it comes, or by an `advance` a few seconds later.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Mutex<Shared>>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

struct Shared {
    plane: ControlPlane,
    streams: BTreeMap<WatchId, mpsc::UnboundedSender<Bytes>>,
    /// Requests that wait for a revision to come.
    waiting: Vec<(Request, oneshot::Sender<http::Response<Body>>)>,
    /// Streams whose reader went away.
    dropped: Arc<Mutex<Vec<WatchId>>>,
}

impl Service {
    /// Serves `plane`; `clock` tells the time of each request.
    pub fn new(plane: ControlPlane, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let shared = Shared { plane, streams: BTreeMap::new(), waiting: Vec::new(), dropped: Arc::default() };
        Self { shared: Arc::new(Mutex::new(shared)), clock: Arc::new(clock) }
    }

    /// Runs what is due (controllers, watch timeouts) at the clock's time.
    pub fn advance(&self) {
        let now = (self.clock)();
        let mut shared = lock(&self.shared);
        while let Some(wake) = shared.plane.next_wake()
            && wake <= now
        {
            shared.plane.advance(wake);
        }
        shared.deliver(now);
    }

    /// When [`advance`](Self::advance) has something to do.
    pub fn next_wake(&self) -> Option<Timestamp> {
        lock(&self.shared).plane.next_wake()
    }

    /// Looks at, or changes, the cluster itself.
    pub fn with<T>(&self, act: impl FnOnce(&mut ControlPlane) -> T) -> T {
        let mut shared = lock(&self.shared);
        let answer = act(&mut shared.plane);
        shared.deliver((self.clock)());
        answer
    }

    fn answer(&self, request: Request) -> oneshot::Receiver<http::Response<Body>> {
        let (sender, receiver) = oneshot::channel();
        let now = (self.clock)();
        let mut shared = lock(&self.shared);
        shared.ask(request, sender, now);
        shared.deliver(now);
        receiver
    }
}

impl Shared {
    /// Asks the control plane; a request that has to wait is kept.
    fn ask(&mut self, request: Request, sender: oneshot::Sender<http::Response<Body>>, now: Timestamp) {
        let response = match self.plane.handle(&request, now) {
            Reply::Complete(response) => {
                let body = Full::new(response.body.clone()).boxed_unsync();
                respond(response, body)
            }
            Reply::Watch { id, head } => {
                let (sender, receiver) = mpsc::unbounded();
                self.streams.insert(id, sender);
                let frames = Frames { receiver, id, dropped: self.dropped.clone() };
                let body = StreamBody::new(frames.map(|bytes| Ok(Frame::data(bytes)))).boxed_unsync();
                respond(head, body)
            }
            Reply::Later(_) => return self.waiting.push((request, sender)),
        };
        // A client that went away needs no answer.
        let _ = sender.send(response);
    }

    fn deliver(&mut self, now: Timestamp) {
        for (request, sender) in std::mem::take(&mut self.waiting) {
            self.ask(request, sender, now);
        }
        let dropped = std::mem::take(&mut *lock(&self.dropped));
        for id in dropped {
            self.streams.remove(&id);
            self.plane.close_watch(id);
        }
        for (id, frame) in self.plane.take_frames() {
            if let Some(stream) = self.streams.get(&id) {
                // A reader that is gone is found in `dropped` next time.
                let _ = stream.unbounded_send(frame);
            }
        }
        for id in self.plane.take_ended() {
            self.streams.remove(&id);
        }
    }
}

impl<B> tower::Service<http::Request<B>> for Service
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = http::Response<Body>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(Into::into)?.to_bytes();
            let request = Request {
                method: parts.method,
                path: parts.uri.path().to_owned(),
                query: parts.uri.query().unwrap_or_default().to_owned(),
                headers: parts.headers,
                body,
                certificate: parts.extensions.get::<ClientCertificate>().cloned().unwrap_or_default(),
            };
            Ok(service.answer(request).await?)
        })
    }
}

/// The frames of one watch; tells when its reader lets go of it.
struct Frames {
    receiver: mpsc::UnboundedReceiver<Bytes>,
    id: WatchId,
    dropped: Arc<Mutex<Vec<WatchId>>>,
}

impl Stream for Frames {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.receiver.poll_next_unpin(context)
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        lock(&self.dropped).push(self.id);
    }
}

fn respond(response: Response, body: Body) -> http::Response<Body> {
    let mut answer = http::Response::new(body);
    *answer.status_mut() = response.status;
    *answer.headers_mut() = response.headers;
    answer
}

/// A panic of another thread under the lock is that thread's to report; the state is still one write's before or
/// after.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}
