//! The messages.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of these messages. Both sides must have the same one.
pub const PROTOCOL: u32 = 1;

/// How an operator is run, as the environment variable [`Mode::VARIABLE`] says. Without it, it is run live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In lock step with a grader; standard input is the socket.
    Simulated,
    /// Not at all: it only greets, with its definitions. Standard input is the socket.
    Definitions,
}

impl Mode {
    /// The variable's name.
    pub const VARIABLE: &str = "LAB_KIT_MODE";

    /// The variable's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Simulated => "simulated",
            Mode::Definitions => "definitions",
        }
    }

    /// The mode that the environment asks for; `None` is live.
    pub fn of_environment() -> Option<Mode> {
        let value = std::env::var(Mode::VARIABLE).ok()?;
        [Mode::Simulated, Mode::Definitions].into_iter().find(|mode| mode.as_str() == value)
    }
}

/// What the operator is told about itself, as settings by name, e.g. `identity`, `namespace`.
pub type Settings = BTreeMap<String, String>;

/// Names one streamed answer (a watch) within one operator process.
pub type StreamId = u64;

/// A header's name and its value.
pub type Header = (String, Vec<u8>);

/// From the operator's side to the grader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToGrader {
    /// The first message, before [`Start`].
    Hello {
        /// [`PROTOCOL`] of the operator's side.
        protocol: u32,
        /// The CustomResourceDefinitions that the operator brings along, each a JSON document; only in
        /// [`Mode::Definitions`], because making them costs more than all the rest of a start.
        definitions: Vec<Vec<u8>>,
    },
    /// The operator asks a service. An [`Answer`] follows.
    Request(Request),
    /// The operator went away from a stream before its end. Nothing follows.
    StreamClosed(StreamId),
    /// There is nothing to do before the time the grader had named; the time is that one.
    Idle {
        /// Virtual time.
        now_ms: u64,
    },
    /// The operator's `run` came back, which an operator in service never does. Nothing follows.
    Exited {
        /// Whether it came back without an error.
        ok: bool,
        /// The error, for people.
        message: String,
    },
    /// A thread or a task panicked. Nothing follows.
    Panicked {
        /// Message and place, for people.
        message: String,
    },
}

/// One request, complete with its body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Virtual time at which it is sent.
    pub now_ms: u64,
    /// Whom it is for: `kubernetes`, or a service outside of the cluster.
    pub service: String,
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub uri: String,
    /// Headers as sent.
    pub headers: Vec<Header>,
    /// The whole body.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// From the grader to the operator's side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToOperator {
    /// The first message, after Hello.
    Start(Start),
    /// The answer to a request.
    Answer(Answer),
    /// The answer to Idle.
    RunUntil(RunUntil),
}

/// Everything about the world that an operator could not learn from the API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Decides everything random in the operator's process.
    pub seed: u64,
    /// What the wall clock shows at virtual time 0, in nanoseconds since 1970.
    pub epoch_ns: i64,
    /// Virtual time.
    pub now_ms: u64,
    /// Settings by name.
    pub settings: Settings,
}

/// How a service answers, and how far the operator may run on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What the caller gets.
    pub reply: Reply,
    /// How long the caller waits for it, in virtual milliseconds; at least 1, so that a loop of requests
    /// lets time pass.
    pub delay_ms: u64,
    /// What else happens meanwhile. Its time may lie before an earlier one.
    pub run: RunUntil,
}

/// What the caller of a request gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// A whole answer.
    Response {
        /// The HTTP status.
        status: u16,
        /// Headers.
        headers: Vec<Header>,
        /// The whole body.
        #[serde(with = "serde_bytes")]
        body: Vec<u8>,
    },
    /// The head of a stream; what it carries comes as [`Delivery`].
    Stream {
        /// The HTTP status.
        status: u16,
        /// Headers.
        headers: Vec<Header>,
        /// The stream's name.
        id: StreamId,
    },
    /// No answer: the connection broke.
    Reset,
}

/// Run everything that is ready, and jump from timer to timer, up to a virtual time; then send Idle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunUntil {
    /// The virtual time.
    pub until_ms: u64,
    /// What streams carry, in order.
    pub deliver: Vec<Delivery>,
}

/// A piece of a stream, or its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// The stream.
    pub stream: StreamId,
    /// Virtual time at which the piece arrives. It does not decrease within one stream.
    pub at_ms: u64,
    /// The bytes; none is the stream's end.
    #[serde(with = "serde_bytes")]
    pub bytes: Option<Vec<u8>>,
}
