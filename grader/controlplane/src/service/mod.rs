//! The control plane as a `tower::Service`: what a `kube::Client` talks to in-process, and what a server puts on a
//! socket.

mod frames;

use crate::control_plane::ControlPlane;
use crate::request::{PendingCall, Reply, Request, Response, WatchId};
use crate::webhooks::{WebhookAnswer, WebhookCall};
use bytes::Bytes;
use frames::Sender;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture, Either, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The body of an answer: complete, or a stream of watch events.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A handle on a [`ControlPlane`] that answers HTTP requests; clones share the cluster.
///
/// A request's extensions may hold the [`ClientCertificate`](crate::ClientCertificate) of its connection.
///
/// Time is what the closure says: a real clock, or a test's own. Whoever moves it calls
/// [`advance`](Service::advance), at the latest at [`next_wake`](Service::next_wake); [`live`](Service::live) does both
/// in real time. A request for a revision that has not come yet is answered when it comes, or a few seconds later.
///
/// # Guarantees
/// - A clock that goes backwards stands still for the control plane.
/// - A watch whose reader leaves more than a few megabytes of events unread is ended, as a real server ends it.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Mutex<Shared>>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    caller: Option<Arc<dyn Caller>>,
}

/// Makes the calls to webhooks that a control plane with
/// [`Webhooks::ByDriver`](crate::webhooks::Webhooks::ByDriver) needs.
pub trait Caller: Send + Sync {
    /// Makes one call; takes no longer than the call says.
    fn call(&self, call: WebhookCall) -> BoxFuture<'static, WebhookAnswer>;
}

/// What asking the control plane gave.
enum Step {
    Answer(http::Response<Body>),
    /// A webhook has to be asked first.
    Call(Box<PendingCall>),
}

struct Shared {
    plane: ControlPlane,
    /// The latest time that anything happened at.
    now: Timestamp,
    streams: BTreeMap<WatchId, Sender>,
    /// Streams whose initial events are still to be delivered.
    opening: Vec<WatchId>,
    waiting: Vec<Waiting>,
    /// The revision at which those who wait have been asked again.
    asked_at: u64,
    /// Streams whose reader went away.
    dropped: Arc<Mutex<Vec<WatchId>>>,
    /// Whoever sleeps until the next wake, and until when.
    sleeper: Option<(Waker, Option<Timestamp>)>,
}

/// A request that waits for a revision to come.
struct Waiting {
    request: Request,
    sender: oneshot::Sender<Step>,
    until: Timestamp,
}

impl Service {
    /// Serves `plane`; `clock` tells the time of each request.
    pub fn new(plane: ControlPlane, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let shared = Shared {
            plane,
            now: clock(),
            streams: BTreeMap::new(),
            opening: Vec::new(),
            waiting: Vec::new(),
            asked_at: 0,
            dropped: Arc::default(),
            sleeper: None,
        };
        Self { shared: Arc::new(Mutex::new(shared)), clock: Arc::new(clock), caller: None }
    }

    /// The same service, with somebody who calls webhooks.
    pub fn with_caller(mut self, caller: Arc<dyn Caller>) -> Self {
        self.caller = Some(caller);
        self
    }

    /// Runs what is due (controllers, watch timeouts) at the clock's time.
    pub fn advance(&self) {
        let mut shared = self.lock();
        let now = shared.now;
        while shared.plane.next_wake().is_some_and(|wake| wake <= now) {
            shared.plane.advance(now);
        }
        shared.deliver();
    }

    /// When [`advance`](Self::advance) has something to do.
    pub fn next_wake(&self) -> Option<Timestamp> {
        lock(&self.shared).next_wake()
    }

    /// Advances whenever something is due, for ever; `sleep` waits until a time of the clock. The calls to webhooks that
    /// writes of controllers need are made here, too.
    pub async fn live<S: Future<Output = ()>>(&self, sleep: impl Fn(Timestamp) -> S) {
        let mut calls = FuturesUnordered::new();
        loop {
            self.advance();
            for (id, call) in self.lock().plane.take_calls() {
                calls.push(self.call(call).map(move |answer| (id, answer)));
            }
            let due = self.next_wake();
            let sooner = pin!(future::poll_fn(|context| lock(&self.shared).poll_sooner(due, context)));
            let wait = async {
                match due {
                    Some(due) => {
                        future::select(pin!(sleep(due)), sooner).await;
                    }
                    None => sooner.await,
                }
            };
            let answered = async {
                match calls.next().await {
                    Some(answered) => answered,
                    None => future::pending().await,
                }
            };
            if let Either::Right(((id, answer), _)) = future::select(pin!(wait), pin!(answered)).await {
                self.lock().plane.answer_call(&id, answer);
            }
        }
    }

    fn call(&self, call: WebhookCall) -> BoxFuture<'static, WebhookAnswer> {
        match &self.caller {
            Some(caller) => caller.call(call),
            None => {
                let why = "no webhook can be reached from this control plane";
                Box::pin(future::ready(WebhookAnswer::Failed(why.to_owned())))
            }
        }
    }

    /// Looks at, or changes, the cluster itself.
    pub fn with<T>(&self, act: impl FnOnce(&mut ControlPlane) -> T) -> T {
        let mut shared = self.lock();
        let answer = act(&mut shared.plane);
        shared.deliver();
        answer
    }

    /// Ends every open watch, after the events that it has.
    pub fn end_watches(&self) {
        let mut shared = lock(&self.shared);
        for id in std::mem::take(&mut shared.streams).into_keys() {
            shared.plane.close_watch(id);
        }
    }

    /// Answers one request; a watch's answer is a stream that goes on.
    ///
    /// # Errors
    /// Never, as long as the control plane does not panic.
    pub async fn answer(&self, request: Request) -> Result<http::Response<Body>, oneshot::Canceled> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut shared = self.lock();
            shared.ask(request, sender);
            shared.deliver();
        }
        let mut step = receiver.await?;
        loop {
            let pending = match step {
                Step::Answer(answer) => return Ok(answer),
                Step::Call(pending) => pending,
            };
            let answer = self.call(pending.call.clone()).await;
            let (sender, receiver) = oneshot::channel();
            {
                let mut shared = self.lock();
                shared.resume(*pending, answer, sender);
                shared.deliver();
            }
            step = receiver.await?;
        }
    }

    /// The cluster, at the clock's time.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        let mut shared = lock(&self.shared);
        shared.now = shared.now.max((self.clock)());
        shared
    }
}

impl Shared {
    /// Asks the control plane; a request that has to wait is kept.
    fn ask(&mut self, request: Request, sender: oneshot::Sender<Step>) {
        let reply = self.plane.handle(&request, self.now);
        self.reply(reply, request, sender);
    }

    /// Goes on with a request that has asked a webhook.
    fn resume(&mut self, pending: PendingCall, answer: WebhookAnswer, sender: oneshot::Sender<Step>) {
        let request = pending.request.clone();
        let reply = self.plane.resume(pending, answer, self.now);
        self.reply(reply, request, sender);
    }

    fn reply(&mut self, reply: Reply, request: Request, sender: oneshot::Sender<Step>) {
        let response = match reply {
            Reply::Complete(response) => {
                let body = Full::new(response.body.clone()).boxed_unsync();
                respond(response, body)
            }
            Reply::Watch { id, head } => {
                let (sender, frames) = frames::open(id, self.dropped.clone());
                self.streams.insert(id, sender);
                self.opening.push(id);
                respond(head, StreamBody::new(frames).boxed_unsync())
            }
            Reply::Later(until) => return self.waiting.push(Waiting { request, sender, until }),
            Reply::Call(pending) => {
                let _ = sender.send(Step::Call(pending));
                return;
            }
        };
        // A client that went away needs no answer.
        let _ = sender.send(Step::Answer(response));
    }

    fn deliver(&mut self) {
        let changed = std::mem::replace(&mut self.asked_at, self.plane.revision()) != self.plane.revision();
        self.waiting.retain(|waiting| !waiting.sender.is_canceled());
        let now = self.now;
        let due = self.waiting.extract_if(.., |waiting| changed || waiting.until <= now);
        for Waiting { request, sender, .. } in due.collect::<Vec<_>>() {
            self.ask(request, sender);
        }
        let dropped = std::mem::take(&mut *lock(&self.dropped));
        for id in dropped {
            self.close(id);
        }
        for (id, frame) in self.plane.take_frames() {
            if self.streams.get(&id).is_some_and(|stream| stream.send(frame).is_err()) {
                self.close(id);
            }
        }
        for id in self.plane.take_ended() {
            self.streams.remove(&id);
        }
        for id in std::mem::take(&mut self.opening) {
            self.streams.get(&id).into_iter().for_each(Sender::opened);
        }
        if let Some((_, due)) = &self.sleeper
            && self.is_before(*due)
            && let Some((sleeper, _)) = self.sleeper.take()
        {
            sleeper.wake();
        }
    }

    fn close(&mut self, id: WatchId) {
        self.streams.remove(&id);
        self.plane.close_watch(id);
    }

    fn next_wake(&self) -> Option<Timestamp> {
        let waiting = self.waiting.iter().map(|waiting| waiting.until);
        waiting.chain(self.plane.next_wake()).min()
    }

    /// Whether something is due before this time: a webhook is to be called at once.
    fn is_before(&self, due: Option<Timestamp>) -> bool {
        self.plane.has_calls() || self.next_wake().is_some_and(|wake| due.is_none_or(|due| wake < due))
    }

    fn poll_sooner(&mut self, due: Option<Timestamp>, context: &Context<'_>) -> Poll<()> {
        if self.is_before(due) {
            self.sleeper = None;
            return Poll::Ready(());
        }
        self.sleeper = Some((context.waker().clone(), due));
        Poll::Pending
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
            Ok(service.answer(Request::new(parts, body)).await?)
        })
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
