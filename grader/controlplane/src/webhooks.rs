//! What a request may have to ask outside before it is answered: webhooks.
//!
//! The control plane makes no connections. It says which call it needs ([`Reply::Call`](crate::Reply::Call)) and is
//! given the answer ([`ControlPlane::resume`](crate::ControlPlane::resume)); then it does the same request again from
//! the start, with the answers that there are. Nothing was stored until then, and a request draws its uids and names
//! from a source of its own and keeps its time, so that doing it again gives the same. Answers are kept with the calls they belong to: when
//! the cluster has changed meanwhile and a call is another one now, it is made anew.

mod address;
mod document;

pub(crate) use address::url;
pub(crate) use document::document;

use crate::error::ApiError;
use crate::random::Random;
use bytes::Bytes;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Writes of controllers, and watched versions, that may wait for answers at a time.
const MOST_PARKED: usize = 1000;

/// A call that the control plane needs made: POST of a JSON document over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookCall {
    /// Where to.
    pub target: Target,
    /// The PEM certificates that the server's must be signed by; empty for those that the system trusts.
    pub ca_bundle: Vec<u8>,
    /// The body; its content type is `application/json`.
    pub body: Bytes,
    /// How long the answer may take.
    pub timeout: SignedDuration,
}

/// Where a webhook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Somewhere.
    Url(String),
    /// Behind a Service of the cluster.
    Service {
        /// `https://NAME.NAMESPACE.svc:PORT/PATH`: the name is the one that the certificate must be for.
        url: String,
        /// `ADDRESS:PORT` of everything ready behind it, then of the Service itself.
        addresses: Vec<String>,
    },
}

impl Target {
    /// The URL, as messages show it.
    pub fn url(&self) -> &str {
        match self {
            Target::Url(url) | Target::Service { url, .. } => url,
        }
    }
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// Somebody answered.
    Response {
        /// The HTTP status.
        status: StatusCode,
        /// The header `Content-Type`; empty without one.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// Nobody did, or not in time; the text says why, as a client would.
    Failed(String),
    /// Somebody did, but the answer ended too early, for this reason.
    Unread(String),
}

/// Answers calls in-process: for tests, whose webhooks need no socket then.
pub type Answerer = Box<dyn FnMut(&WebhookCall) -> WebhookAnswer + Send>;

/// Who makes the calls.
#[derive(Clone, Default)]
pub enum Webhooks {
    /// Nobody: every call fails.
    #[default]
    Unreachable,
    /// This function, at once.
    Answered(Arc<Mutex<Answerer>>),
    /// Whoever drives the control plane: see [`Reply::Call`](crate::Reply::Call) and
    /// [`ControlPlane::take_calls`](crate::ControlPlane::take_calls).
    ByDriver,
}

impl Webhooks {
    /// Calls are answered by this function.
    ///
    /// # Example
    /// ```
    /// use controlplane::webhooks::{WebhookAnswer, Webhooks};
    ///
    /// let webhooks = Webhooks::answered(|call| {
    ///     let review: serde_json::Value = serde_json::from_slice(&call.body).unwrap_or_default();
    ///     let response = serde_json::json!({"uid": review["request"]["uid"], "allowed": true});
    ///     let review = serde_json::json!({
    ///         "apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response,
    ///     });
    ///     let content_type = "application/json".to_owned();
    ///     WebhookAnswer::Response { status: http::StatusCode::OK, content_type, body: review.to_string().into() }
    /// });
    /// let options = controlplane::Options { webhooks, ..Default::default() };
    /// let plane = controlplane::ControlPlane::new(options);
    /// # drop(plane);
    /// ```
    pub fn answered(answer: impl FnMut(&WebhookCall) -> WebhookAnswer + Send + 'static) -> Self {
        Self::Answered(Arc::new(Mutex::new(Box::new(answer))))
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "Unreachable",
            Self::Answered(_) => "Answered",
            Self::ByDriver => "ByDriver",
        })
    }
}

/// Names one call that a controller's write needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(String);

/// The calls of one request so far.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    /// What the request draws from, from the start each time it is done.
    start: Random,
    /// When it was done first. It is the same request as long as it takes, so this is its time.
    begun: Timestamp,
    /// The uids of calls.
    uids: Random,
    entries: Vec<Entry>,
    next: usize,
    /// The call without which the request cannot go on, with the uid that it was given.
    needed: Option<(WebhookCall, String)>,
}

#[derive(Clone, Debug)]
struct Entry {
    uid: String,
    call: WebhookCall,
    answer: WebhookAnswer,
}

impl Journal {
    fn new(random: &mut Random, begun: Timestamp) -> Self {
        let (start, uids) = (random.fork(), random.fork());
        Self { start, begun, uids, entries: Vec::new(), next: 0, needed: None }
    }

    /// The call that is needed.
    pub(crate) fn needed(&self) -> Option<&WebhookCall> {
        self.needed.as_ref().map(|(call, _)| call)
    }

    /// Notes the answer to the call that was needed.
    pub(crate) fn note(&mut self, answer: WebhookAnswer) {
        if let Some((call, uid)) = self.needed.take() {
            self.entries.push(Entry { uid, call, answer });
        }
    }

    /// The answer to this call, if it was made before.
    fn look_up(&mut self, make: impl Fn(&str) -> WebhookCall) -> Result<(WebhookAnswer, String), ApiError> {
        if let Some(entry) = self.entries.get(self.next) {
            if entry.call == make(&entry.uid) {
                self.next += 1;
                return Ok((entry.answer.clone(), entry.uid.clone()));
            }
            // The cluster is another one by now: what follows was asked about the old one.
            self.entries.truncate(self.next);
        }
        if self.needed.as_ref().is_some_and(|(call, uid)| *call == make(uid)) {
            // Somebody is asking it already.
            return Err(ApiError::awaiting_webhook());
        }
        let uid = self.uids.uid();
        self.needed = Some((make(&uid), uid));
        Err(ApiError::awaiting_webhook())
    }
}

/// The side of the server: what the write at hand has asked, and what writes of controllers wait for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    pub(crate) webhooks: Webhooks,
    /// Of the request at hand, with the source that others draw from.
    current: Option<(Journal, Random)>,
    /// Of writes of controllers and events of watches, by what they are about.
    parked: BTreeMap<CallId, Journal>,
    /// Parked calls that the driver has not been told yet.
    fresh: Vec<CallId>,
}

impl Calls {
    /// The answer of a webhook, with the uid of the call, which `make` gets.
    ///
    /// # Errors
    /// [`ApiError::awaiting_webhook`]: the request has to be done again when the answer is there.
    pub(crate) fn ask(
        &mut self,
        random: &mut Random,
        make: impl Fn(&str) -> WebhookCall,
    ) -> Result<(WebhookAnswer, String), ApiError> {
        match (&self.webhooks, &mut self.current) {
            (Webhooks::Answered(answer), _) => {
                let uid = random.uid();
                let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(((*answer)(&make(&uid)), uid))
            }
            (Webhooks::ByDriver, Some((journal, _))) => journal.look_up(make),
            (Webhooks::Unreachable, _) | (Webhooks::ByDriver, None) => {
                let why = "no webhook can be reached from this control plane";
                Ok((WebhookAnswer::Failed(why.to_owned()), String::new()))
            }
        }
    }

    /// Calls are made by whoever drives the control plane.
    pub(crate) fn are_by_driver(&self) -> bool {
        matches!(self.webhooks, Webhooks::ByDriver)
    }

    /// Begins a request, or does one again with what is known of it. The answer is the time that it is done at.
    pub(crate) fn begin(
        &mut self,
        random: &mut Random,
        journal: Option<Journal>,
        now: Timestamp,
    ) -> Timestamp {
        if !self.are_by_driver() {
            return now;
        }
        let mut journal = journal.unwrap_or_else(|| Journal::new(random, now));
        journal.next = 0;
        let begun = journal.begun;
        let shared = std::mem::replace(random, journal.start.clone());
        self.current = Some((journal, shared));
        begun
    }

    /// Ends what [`begin`](Self::begin) began; the answer is the journal when a call is needed.
    pub(crate) fn end(&mut self, random: &mut Random) -> Option<Journal> {
        let (journal, shared) = self.current.take()?;
        *random = shared;
        journal.needed.is_some().then_some(journal)
    }

    /// Begins something that is tried again and again until its calls are answered: a write of a controller, or telling
    /// watches of a change.
    pub(crate) fn begin_parked(&mut self, random: &mut Random, write: &str, now: Timestamp) -> Timestamp {
        let journal = self.parked.get(&CallId(write.to_owned())).cloned();
        self.begin(random, journal, now)
    }

    /// Ends what [`begin_parked`](Self::begin_parked) began.
    pub(crate) fn end_parked(&mut self, random: &mut Random, write: &str) {
        if !self.are_by_driver() {
            return;
        }
        let id = CallId(write.to_owned());
        match self.end(random) {
            None => drop(self.parked.remove(&id)),
            Some(journal) => {
                let call = journal.needed.clone();
                let before = self.parked.insert(id.clone(), journal);
                if before.is_none_or(|before| before.needed != call) {
                    self.fresh.push(id);
                }
                // A write that is never tried again leaves its journal behind.
                if self.parked.len() > MOST_PARKED {
                    self.parked.pop_first();
                }
            }
        }
    }

    /// The calls that are needed by what was begun so, each told once.
    pub(crate) fn take(&mut self) -> Vec<(CallId, WebhookCall)> {
        let fresh = std::mem::take(&mut self.fresh);
        let call = |id: CallId| {
            let call = self.parked.get(&id)?.needed()?.clone();
            Some((id, call))
        };
        fresh.into_iter().filter_map(call).collect()
    }

    /// Whether there is anything to [`take`](Self::take).
    pub(crate) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// The answer to a call of [`take`](Self::take).
    pub(crate) fn answer(&mut self, id: &CallId, answer: WebhookAnswer) {
        if let Some(journal) = self.parked.get_mut(id) {
            journal.note(answer);
        }
    }
}
