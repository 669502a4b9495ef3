//! One operator process and where it stands in virtual time.

use super::process::{Ended, OperatorProcess};
use super::{EPOCH_SECONDS, Setup, harmless};
use crate::{Failure, Outcome};
use controlplane::WatchId;
use lab_kit_protocol::{
    Answer, Delivery, Mode, PROTOCOL, Reply, Request, RunUntil, Start, ToGrader, ToOperator,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// How many messages may come without a request or any time passing.
const CHATTER_LIMIT: usize = 100_000;

pub(super) struct Operator {
    /// Counted from 1 in the order of starting.
    pub(super) number: u32,
    /// Up to where it has run.
    pub(super) at_ms: u64,
    pub(super) state: State,
    link: Link,
    /// What it has said so far.
    said: Vec<ToGrader>,
}

/// Who speaks for the operator.
enum Link {
    /// Its process.
    Process(OperatorProcess),
    /// A process of an earlier run, whose words are repeated: up to a crash, two runs are the same.
    Recording(std::vec::IntoIter<ToGrader>),
}

/// What the process waits for.
pub(super) enum State {
    /// For time to pass.
    Idle,
    /// For its request to be served.
    Asking(Request),
    /// For the answer to be handed over, so that it can run on.
    Answered(Reply, u64),
}

impl Operator {
    /// Starts a process; it has run up to now.
    ///
    /// # Errors
    /// It does not come up; with what it printed.
    pub(super) fn start(
        setup: &Setup,
        number: u32,
        now_ms: u64,
        wall_end: Instant,
    ) -> Result<Operator, Unborn> {
        let identity = format!("operator-{number}");
        let process = greet(&setup.operator, Mode::Simulated, &identity, wall_end)?.0;
        let (link, said) = (Link::Process(process), Vec::new());
        let mut operator = Operator { number, at_ms: now_ms, state: State::Idle, link, said };
        let start = Start {
            // Another process, other random numbers: as after a real restart.
            seed: setup.operator_seed.wrapping_add(u64::from(number) << 32),
            epoch_ns: EPOCH_SECONDS * 1_000_000_000,
            now_ms,
            settings: BTreeMap::from([("identity".to_owned(), identity)]),
        };
        let began = operator.send(&ToOperator::Start(start)).and_then(|()| operator.listen(now_ms));
        match began {
            Ok(_) => Ok(operator),
            Err(failure) => Err((Box::new(failure), operator.output())),
        }
    }

    /// Starts to repeat what a process has said.
    ///
    /// # Errors
    /// It had not come up.
    pub(super) fn repeat(said: Vec<ToGrader>, number: u32, now_ms: u64) -> Result<Operator, Unborn> {
        let link = Link::Recording(said.into_iter());
        let mut operator = Operator { number, at_ms: now_ms, state: State::Idle, link, said: Vec::new() };
        operator.listen(now_ms).map_err(|failure| (Box::new(failure), String::new()))?;
        Ok(operator)
    }

    /// Lets it run up to a time, unless it asks something before. The answer names the watches that it closed.
    ///
    /// # Errors
    /// It ended, or came to no end.
    pub(super) fn run(&mut self, until_ms: u64, deliver: Vec<Delivery>) -> Result<Vec<WatchId>, Failure> {
        let run = RunUntil { until_ms, deliver };
        let message = match std::mem::replace(&mut self.state, State::Idle) {
            State::Answered(reply, delay_ms) => ToOperator::Answer(Answer { reply, delay_ms, run }),
            State::Idle => ToOperator::RunUntil(run),
            State::Asking(_) => return Err(Failure::grader_broke("an operator ran on without its answer")),
        };
        self.send(&message)?;
        self.listen(until_ms)
    }

    /// The end of what it has printed.
    pub(super) fn output(&mut self) -> String {
        match &mut self.link {
            Link::Process(process) => process.output(),
            Link::Recording(_) => String::new(),
        }
    }

    /// What it has said, to be repeated.
    pub(super) fn into_recording(self) -> Vec<ToGrader> {
        self.said
    }

    fn send(&mut self, message: &ToOperator) -> Result<(), Failure> {
        match &mut self.link {
            Link::Process(process) => process.send(message).map_err(|ended| failure(&ended)),
            Link::Recording(_) => Ok(()),
        }
    }

    fn receive(&mut self) -> Result<ToGrader, Failure> {
        let message = match &mut self.link {
            Link::Process(process) => process.receive().map_err(|ended| failure(&ended))?,
            Link::Recording(rest) => return rest.next().ok_or_else(diverged),
        };
        self.said.push(message.clone());
        Ok(message)
    }

    /// Waits until it asks something or has run up to a time.
    fn listen(&mut self, until_ms: u64) -> Result<Vec<WatchId>, Failure> {
        let mut closed = Vec::new();
        for _ in 0..CHATTER_LIMIT {
            match self.receive()? {
                ToGrader::Request(request) if (self.at_ms..=until_ms).contains(&request.now_ms) => {
                    self.at_ms = request.now_ms;
                    self.state = State::Asking(request);
                    return Ok(closed);
                }
                ToGrader::Idle { now_ms } if now_ms == until_ms => {
                    self.at_ms = now_ms;
                    self.state = State::Idle;
                    return Ok(closed);
                }
                ToGrader::StreamClosed(id) => closed.push(WatchId(id)),
                ToGrader::Exited { ok: true, .. } => {
                    return Err(crashed("the operator's `run` returned, as if its work were done".into()));
                }
                ToGrader::Exited { ok: false, message } => {
                    return Err(crashed(format!("the operator's `run` gave up: {}", harmless(&message))));
                }
                ToGrader::Panicked { message } => {
                    return Err(crashed(format!("the operator panicked: {}", harmless(&message))));
                }
                // A lab-kit of this version keeps to the protocol; somebody else speaks.
                ToGrader::Request(_) | ToGrader::Idle { .. } | ToGrader::Hello { .. } => break,
            }
        }
        match self.link {
            Link::Process(_) => Err(failure(&Ended::Junk("a message out of turn".into()))),
            Link::Recording(_) => Err(diverged()),
        }
    }
}

/// The definitions that an operator brings along, without running it.
///
/// # Errors
/// It does not come up; with what it printed.
pub(crate) fn definitions(operator: &Path, wall_end: Instant) -> Result<Vec<Value>, Unborn> {
    let (mut process, definitions) = greet(operator, Mode::Definitions, "operator-0", wall_end)?;
    let parsed: Result<Vec<Value>, _> =
        definitions.iter().map(|definition| serde_json::from_slice(definition)).collect();
    parsed.map_err(|error| {
        let failure = failure(&Ended::Junk(format!("a definition that is not JSON: {error}")));
        (Box::new(failure), process.output())
    })
}

/// Why a process did not come up, and what it printed.
pub(crate) type Unborn = (Box<Failure>, String);

type Greeted = (OperatorProcess, Vec<Vec<u8>>);

/// Starts a process and hears its greeting.
fn greet(binary: &Path, mode: Mode, identity: &str, wall_end: Instant) -> Result<Greeted, Unborn> {
    let mut process = OperatorProcess::spawn(binary, mode, identity, wall_end)
        .map_err(|ended| (Box::new(failure(&ended)), String::new()))?;
    let failure = match process.receive() {
        Ok(ToGrader::Hello { protocol: PROTOCOL, definitions }) => return Ok((process, definitions)),
        Ok(ToGrader::Hello { protocol, .. }) => Failure::grader_broke(format!(
            "the operator was built with another lab-kit (protocol {protocol}, not {PROTOCOL}): build it again"
        )),
        Ok(ToGrader::Panicked { message }) => {
            crashed(format!("the operator panicked: {}", harmless(&message)))
        }
        Ok(_) => failure(&Ended::Junk("a message before the greeting".into())),
        Err(ended) => failure(&ended),
    };
    let output = process.output();
    Err((Box::new(failure), output))
}

/// A run differs from the one that it repeats.
fn diverged() -> Failure {
    Failure::grader_broke("two runs with one seed differ: the operator draws on something that is not pinned")
}

fn crashed(seen: String) -> Failure {
    Failure { outcome: Outcome::Crashed, ..Failure::new("the operator keeps running", seen) }
}

/// What the end of a process means for the story.
fn failure(ended: &Ended) -> Failure {
    let outcome = match ended {
        Ended::Exit(_) | Ended::HungUp | Ended::Junk(_) => Outcome::Crashed,
        Ended::Stuck(_) => Outcome::TimedOut,
        Ended::NotStarted(_) | Ended::Broken(_) => Outcome::GraderBroke,
    };
    Failure { outcome, ..Failure::new("the operator keeps running", ended.to_string()) }
}
