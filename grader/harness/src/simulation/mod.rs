//! A story told in virtual time: the control plane in this process, the operator in its own, in lock step.
//!
//! Exactly one of them runs at a time. The operator's process runs until it asks something or has nothing to do
//! before a given time; that time is never later than the next thing that will happen here. So requests,
//! controllers and the user act in one order, which the seed decides and the machine does not.

mod cluster;
mod faults;
mod operator;
mod output;
mod process;
mod requests;
mod storm;
mod streams;
mod watchdog;

pub(crate) use operator::definitions;
pub(crate) use output::harmless;
pub(crate) use requests::as_user;

use crate::trace::TraceHash;
use crate::world::{Backend, Epilogue, Step};
use crate::{Actor, Failure, Fault, FaultId, Kind, Outcome, Random, RequestRecord, Target};
use cluster::Knobs;
use controlplane::store::ResourceId;
use controlplane::{ControlPlane, Options, Request, Response, Timestamp};
use faults::Faults;
use jiff::SignedDuration;
use lab_kit_protocol::ToGrader;
use operator::{Operator, State};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storm::StormGuard;
use streams::Streams;

/// What the wall clock shows when a story begins: 2026-01-01T00:00:00Z.
const EPOCH_SECONDS: i64 = 1_767_225_600;

/// How long the cluster exists before the story begins, so that what was created with it is established.
const PRELUDE_MS: u64 = 1000;

/// How long a crashed operator stays away, as a kubelet lets it.
const RESTART_MS: (u64, u64) = (1000, 4000);

/// Where an operator is to be crashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CrashPoint {
    /// The operator's request, counted from 0.
    pub(crate) request: usize,
    /// Whether the API still does what the request asks.
    pub(crate) done: bool,
}

/// What a simulation is made of.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The operator's binary.
    pub(crate) operator: PathBuf,
    /// CustomResourceDefinitions that the cluster has from the beginning.
    pub(crate) definitions: Arc<Vec<Value>>,
    /// Decides everything that the API leaves open.
    pub(crate) seed: u64,
    /// Decides everything random in the operator's process.
    pub(crate) operator_seed: u64,
    /// Where to crash the operator.
    pub(crate) crash: Option<CrashPoint>,
    /// What the operator's processes said in an earlier run with the same seeds. Up to the crash, that is repeated
    /// instead of running them again; if there is none, nothing is.
    pub(crate) recordings: Arc<Vec<Vec<ToGrader>>>,
    /// How long it may take on the wall clock.
    pub(crate) wall_limit: Duration,
}

pub(crate) struct Simulation {
    setup: Setup,
    wall_end: Instant,
    control: ControlPlane,
    knobs: Knobs,
    now_ms: u64,
    /// Processes that are up, in the order in which they were started.
    operators: Vec<Operator>,
    started: u32,
    /// When a crashed operator comes back.
    restart_at_ms: Option<u64>,
    streams: Streams,
    faults: Faults,
    storm: StormGuard,
    /// Latencies and other things that the API leaves open.
    random: Random,
    requests: Vec<RequestRecord>,
    /// How many of the requests are the operator's.
    asked: usize,
    hash: TraceHash,
    /// What processes that are gone had printed.
    printed: String,
    /// What processes that are gone had said.
    said: Vec<Vec<ToGrader>>,
    /// Whether the crash has happened.
    crashed: bool,
}

impl Simulation {
    /// A cluster with its definitions, a second after its birth.
    ///
    /// # Errors
    /// The cluster refuses the definitions.
    pub(crate) fn new(setup: Setup) -> Result<Simulation, Failure> {
        let (controllers, knobs) = cluster::controllers();
        let mut simulation = Simulation {
            wall_end: Instant::now() + setup.wall_limit,
            control: ControlPlane::new(Options {
                seed: setup.seed,
                start: timestamp(0),
                controllers,
                ..Options::default()
            }),
            knobs,
            now_ms: 0,
            operators: Vec::new(),
            started: 0,
            restart_at_ms: None,
            streams: Streams::new(Random::named(setup.seed, "watches")),
            faults: Faults::default(),
            storm: StormGuard::default(),
            random: Random::named(setup.seed, "latency"),
            requests: Vec::new(),
            asked: 0,
            hash: TraceHash::new(),
            printed: String::new(),
            said: Vec::new(),
            crashed: false,
            setup,
        };
        simulation.install_definitions()?;
        while !(simulation.step(PRELUDE_MS)? == Step::Reached && simulation.now_ms >= PRELUDE_MS) {}
        Ok(simulation)
    }

    fn install_definitions(&mut self) -> Result<(), Failure> {
        let path = crate::kinds::CUSTOM_RESOURCE_DEFINITIONS.path(None);
        for definition in self.setup.definitions.clone().iter() {
            let request = requests::as_user(http::Method::POST, &path, "application/json", definition);
            let response = self.answer_at_once(&request);
            if !response.status.is_success() {
                let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
                let name = definition["metadata"]["name"].as_str().unwrap_or("without a name").to_owned();
                let expected = format!("the API accepts the CustomResourceDefinition {name}");
                return Err(Failure::new(expected, answer["message"].as_str().unwrap_or("it does not")));
            }
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        timestamp(self.now_ms)
    }

    /// Lets the control plane do what is due. False: nothing was.
    fn advance(&mut self) -> Result<bool, Failure> {
        let before = self.control.revision();
        let mut due = false;
        // Controllers that ask to be woken again at once, for ever, would be a mistake of ours.
        for _ in 0..1000 {
            self.knobs.tell_pods(&self.control, self.now());
            if self.control.next_wake().is_none_or(|wake| wake > self.now()) {
                self.collect();
                return Ok(due && self.control.revision() != before);
            }
            due = true;
            self.control.advance(self.now());
        }
        Err(Failure::grader_broke("a built-in controller does not come to rest"))
    }

    /// Sends what watches carry on its way.
    fn collect(&mut self) {
        for (id, frame) in self.control.take_frames() {
            self.streams.carry(id, Some(frame), self.now_ms);
        }
        for id in self.control.take_ended() {
            self.streams.carry(id, None, self.now_ms);
        }
    }

    /// The next time at which something happens here, or `until_ms`.
    fn horizon(&self, until_ms: u64) -> u64 {
        let wake = self.control.next_wake().map(|wake| millis_up(wake.duration_since(timestamp(0))));
        [wake, self.restart_at_ms].into_iter().flatten().fold(until_ms, u64::min).max(self.now_ms)
    }

    /// Forgets a process: kills it, if it is still there.
    fn bury(&mut self, number: u32) {
        if let Some(index) = self.operators.iter().position(|operator| operator.number == number) {
            let mut operator = self.operators.remove(index);
            self.printed.push_str(&operator.output());
            self.said.push(operator.into_recording());
            for id in self.streams.close_all(number) {
                self.control.close_watch(id);
            }
        }
    }

    /// Crashes the operator; it comes back a little later.
    fn crash(&mut self, number: u32) {
        self.bury(number);
        self.crashed = true;
        self.restart_at_ms = Some(self.now_ms + self.random.between(RESTART_MS.0, RESTART_MS.1));
    }

    fn launch(&mut self) -> Result<(), Failure> {
        self.started += 1;
        let recording = self.setup.recordings.get(self.started as usize - 1).filter(|_| !self.crashed);
        let started = match recording {
            Some(said) => Operator::repeat(said.clone(), self.started, self.now_ms),
            None => Operator::start(&self.setup, self.started, self.now_ms, self.wall_end),
        };
        match started {
            Ok(operator) => self.operators.push(operator),
            Err((failure, printed)) => {
                self.printed.push_str(&printed);
                return Err(*failure);
            }
        }
        Ok(())
    }
}

impl Backend for Simulation {
    fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn undisturbed(&self) -> bool {
        self.setup.crash.is_none()
    }

    fn crashed(&self) -> bool {
        self.crashed
    }

    fn step(&mut self, until_ms: u64) -> Result<Step, Failure> {
        loop {
            if Instant::now() >= self.wall_end {
                let seen = "the run took longer on the wall clock than a run may";
                let outcome = Outcome::TimedOut;
                return Err(Failure { outcome, ..Failure::new("the story comes to its end", seen) });
            }
            if self.advance()? {
                return Ok(Step::Happened);
            }
            if self.restart_at_ms.is_some_and(|at| at <= self.now_ms) {
                self.restart_at_ms = None;
                self.launch()?;
                return Ok(Step::Happened);
            }
            let horizon = self.horizon(until_ms);
            let waiting = |operator: &&Operator| matches!(operator.state, State::Asking(_));
            let first = self.operators.iter().filter(waiting).map(|o| (o.at_ms, o.number)).min();
            // Nobody may run past a request of another process that is already there.
            let limit = first.map_or(horizon, |(at, _)| horizon.min(at));
            let runnable = |o: &&mut Operator| !matches!(o.state, State::Asking(_)) && o.at_ms < limit;
            if let Some(operator) = self.operators.iter_mut().filter(runnable).min_by_key(|o| o.at_ms) {
                let deliver = self.streams.take(operator.number);
                let closed = operator.run(limit, deliver)?;
                for id in closed {
                    self.streams.close(id);
                    self.control.close_watch(id);
                }
                continue;
            }
            if let Some((at_ms, number)) = first.filter(|(at, _)| *at <= horizon) {
                self.now_ms = self.now_ms.max(at_ms);
                self.serve(number)?;
                return Ok(Step::Happened);
            }
            if horizon > self.now_ms {
                self.now_ms = horizon;
            } else if self.now_ms >= until_ms {
                return Ok(Step::Reached);
            }
        }
    }

    fn request(&mut self, actor: Actor, request: Request) -> Response {
        let before = self.control.revision();
        let response = self.answer_at_once(&request);
        self.record(actor, &request, "kubernetes", before, response.status.as_u16());
        response
    }

    fn get(&self, target: &Target) -> Option<Arc<Value>> {
        let resource = ResourceId::known(target.kind.group, target.kind.plural);
        self.control.get(&resource, &target.namespace, &target.name)
    }

    fn list(&self, kind: Kind, namespace: Option<&str>) -> Vec<Arc<Value>> {
        self.control.list(&ResourceId::known(kind.group, kind.plural), namespace)
    }

    fn requests(&self) -> &[RequestRecord] {
        &self.requests
    }

    fn start_operator(&mut self) -> Result<(), Failure> {
        self.restart_at_ms = None;
        self.launch()
    }

    fn kill_operators(&mut self) {
        self.restart_at_ms = None;
        while let Some(operator) = self.operators.first() {
            self.bury(operator.number);
        }
    }

    fn operator_is_up(&self) -> bool {
        !self.operators.is_empty()
    }

    fn inject(&mut self, fault: Fault) -> FaultId {
        self.faults.inject(fault)
    }

    fn lift(&mut self, fault: FaultId) {
        self.faults.lift(fault);
    }

    fn hold_watches(&mut self, kind: Kind, hold: bool) {
        self.streams.hold(kind, hold, self.now_ms);
    }

    fn delay_watches(&mut self, kind: Kind, ms: u64) {
        self.streams.delay(kind, ms);
    }

    fn end_watches(&mut self, kind: Kind, expired: bool) {
        for id in self.streams.end(kind, expired, self.now_ms) {
            self.control.close_watch(id);
        }
    }

    fn ready_pods_at_most(&mut self, namespace: &str, pods: Option<u32>) {
        self.knobs.limit(namespace, pods, self.now());
    }

    fn delay_controller(&mut self, controller: &str, ms: u64) {
        self.knobs.delay(controller, ms);
    }

    fn wall_clock(&self) -> Timestamp {
        self.now()
    }

    fn end(mut self: Box<Self>) -> Epilogue {
        self.kill_operators();
        let control = &self.control;
        let objects = control.resources().into_iter().map(|resource| {
            let list = control.list(&resource, None);
            (resource, list)
        });
        Epilogue {
            objects: objects.collect(),
            now_ms: self.now_ms,
            trace: self.hash.text(),
            requests: std::mem::take(&mut self.requests),
            operator_output: std::mem::take(&mut self.printed),
            recordings: std::mem::take(&mut self.said),
        }
    }
}

/// A virtual time on the wall clock.
fn timestamp(now_ms: u64) -> Timestamp {
    let ms = i64::try_from(now_ms).unwrap_or(i64::MAX / 4);
    Timestamp::from_millisecond(EPOCH_SECONDS * 1000 + ms).unwrap_or(Timestamp::MAX)
}

/// A duration in milliseconds, rounded up; 0 for what is over.
fn millis_up(duration: SignedDuration) -> u64 {
    u64::try_from((duration.as_nanos() + 999_999).div_euclid(1_000_000)).unwrap_or(0)
}
