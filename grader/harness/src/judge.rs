//! Tells the scenarios of a lab to an operator and makes the verdict.

use crate::crash_points::{NamedCrash, crash_points};
use crate::normal_form::{NormalForm, differences, normal_form};
use crate::outcome::Behaviour;
use crate::simulation::{Setup, definitions};
use crate::telling::{Telling, tell};
use crate::trace::Effect;
use crate::{Failure, Outcome, RequestRecord, Scenario, ScenarioResult, Suite};
use lab_kit_protocol::ToGrader;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// What the judge reports while it works.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// It begins; so many scenarios will be told.
    Started {
        /// Without those that were not asked for.
        scenarios: usize,
    },
    /// One scenario is decided. They come as they finish, not in the order of the suite.
    ScenarioFinished(&'a ScenarioResult),
    /// All are decided.
    Finished,
}

/// How to judge.
#[derive(Clone, Debug)]
pub struct JudgeOptions {
    /// The operator's binary.
    pub operator: PathBuf,
    /// Decides everything that the API leaves open: names, order, delays.
    pub seed: u64,
    /// Only the scenarios of these ids.
    pub only: Option<Vec<String>>,
    /// How many runs go on at the same time.
    pub workers: usize,
    /// How long one run may take on the wall clock.
    pub wall_limit: Duration,
    /// Whether to tell crash-consistent stories again with crashes.
    pub crash_points: bool,
}

impl JudgeOptions {
    /// The usual way to judge a binary: seed 1, all scenarios, one run per core, crashes included.
    pub fn new(operator: impl Into<PathBuf>) -> JudgeOptions {
        JudgeOptions {
            operator: operator.into(),
            seed: 1,
            only: None,
            workers: std::thread::available_parallelism().map_or(2, |count| count.get()),
            wall_limit: Duration::from_secs(60),
            crash_points: true,
        }
    }
}

/// Tells every scenario of `suite` that was asked for.
///
/// # Guarantees
/// The results are in the order of the suite and list every scenario; one that was not asked for is
/// [`Outcome::Skipped`]. The same binary, seed and suite give the same results and traces, whatever the machine's
/// speed and however many workers there are. No operator process is left when this returns.
pub fn judge(
    suite: &Suite,
    options: &JudgeOptions,
    events: &mut dyn FnMut(Event<'_>),
) -> Vec<ScenarioResult> {
    let mut trials: Vec<Trial> =
        suite.scenarios.iter().map(|scenario| Trial::new(scenario, options)).collect();
    events(Event::Started { scenarios: trials.iter().filter(|trial| trial.asked_for).count() });
    match definitions(&options.operator, Instant::now() + options.wall_limit) {
        Ok(definitions) => {
            let setup = Setup {
                operator: options.operator.clone(),
                definitions: Arc::new(definitions),
                seed: options.seed,
                operator_seed: options.seed,
                crash: None,
                recordings: Arc::default(),
                wall_limit: options.wall_limit,
            };
            run_all(&mut trials, &setup, options, events);
        }
        Err((failure, output)) => {
            for trial in trials.iter_mut().filter(|trial| trial.asked_for) {
                trial.failure = Some((*failure).clone());
                trial.output.clone_from(&output);
                events(Event::ScenarioFinished(&trial.result()));
            }
        }
    }
    events(Event::Finished);
    trials.iter().map(Trial::result).collect()
}

/// One run to do: which scenario, and the crash, if any, by its place in the list of the trial.
#[derive(Clone, Copy)]
struct Job {
    trial: usize,
    crash: Option<usize>,
}

/// Everything about one scenario while it is judged.
struct Trial {
    scenario: &'static Scenario,
    asked_for: bool,
    pending: usize,
    runs: u32,
    virtual_ms: u64,
    requests: u64,
    trace: String,
    crashes: Vec<NamedCrash>,
    /// What the operator said in the undisturbed run, for those with a crash.
    recordings: Arc<Vec<Vec<ToGrader>>>,
    /// The first crash, in the order of the list, with which the story failed.
    failed_crash: Option<usize>,
    failure: Option<Failure>,
    behaviour: Behaviour,
    output: String,
}

/// Lets workers do the runs, and the caller's thread make the verdicts.
fn run_all(trials: &mut [Trial], setup: &Setup, options: &JudgeOptions, events: &mut dyn FnMut(Event<'_>)) {
    let (jobs, waiting) = mpsc::channel::<(Job, &'static Scenario, Setup)>();
    let waiting = Mutex::new(waiting);
    std::thread::scope(|scope| {
        let (done, results) = mpsc::channel::<(Job, Telling)>();
        for _ in 0..options.workers.max(1) {
            let (done, waiting) = (done.clone(), &waiting);
            scope.spawn(move || {
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((job, scenario, setup)) = next else { return };
                    if done.send((job, tell(scenario, setup))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let mut pending = 0;
        for (index, trial) in trials.iter_mut().enumerate().filter(|(_, trial)| trial.asked_for) {
            trial.pending = 1;
            pending += 1;
            let _ = jobs.send((Job { trial: index, crash: None }, trial.scenario, setup.clone()));
        }
        while pending > 0 {
            let Ok((job, telling)) = results.recv() else { break };
            pending -= 1;
            let trial = &mut trials[job.trial];
            trial.take(job, telling, options);
            if job.crash.is_none() {
                let recordings = std::mem::take(&mut trial.recordings);
                for (index, crash) in trial.crashes.iter().enumerate() {
                    let recordings = recordings.clone();
                    let setup = Setup { crash: Some(crash.point), recordings, ..setup.clone() };
                    let _ = jobs.send((Job { trial: job.trial, crash: Some(index) }, trial.scenario, setup));
                }
                trial.pending += trial.crashes.len();
                pending += trial.crashes.len();
            }
            trial.pending -= 1;
            if trial.pending == 0 {
                events(Event::ScenarioFinished(&trial.result()));
            }
        }
        drop(jobs);
    });
}

impl Trial {
    fn new(scenario: &'static Scenario, options: &JudgeOptions) -> Trial {
        let asked_for = options.only.as_ref().is_none_or(|only| only.iter().any(|id| id == scenario.id));
        Trial {
            scenario,
            asked_for,
            pending: 0,
            runs: 0,
            virtual_ms: 0,
            requests: 0,
            trace: String::new(),
            crashes: Vec::new(),
            recordings: Arc::default(),
            failed_crash: None,
            failure: None,
            behaviour: Behaviour::default(),
            output: String::new(),
        }
    }

    /// Takes in what came of one run.
    fn take(&mut self, job: Job, telling: Telling, options: &JudgeOptions) {
        self.runs += 1;
        self.virtual_ms += telling.epilogue.now_ms;
        let objects = normal_form(&telling.epilogue.objects);
        match job.crash {
            None => {
                if self.scenario.crash_consistent && options.crash_points && telling.result.is_ok() {
                    self.crashes = crash_points(telling.requests());
                    self.recordings = Arc::new(telling.epilogue.recordings.clone());
                }
                self.requests = telling.requests().count() as u64;
                self.behaviour = behaviour(&telling, objects);
                self.trace = telling.epilogue.trace;
                self.failure = telling.result.err();
                self.output = telling.epilogue.operator_output;
            }
            Some(index) => {
                let result = telling.result.and_then(|()| same_end(&self.behaviour.objects, &objects));
                if let Err(mut failure) = result
                    && self.failed_crash.is_none_or(|first| index < first)
                {
                    failure.crash_point = self.crashes.get(index).map(|crash| crash.name.clone());
                    self.failed_crash = Some(index);
                    self.failure = Some(failure);
                    self.output = telling.epilogue.operator_output;
                }
            }
        }
    }

    fn result(&self) -> ScenarioResult {
        let outcome = match (&self.failure, self.asked_for) {
            (_, false) => Outcome::Skipped,
            (Some(failure), true) => failure.outcome,
            (None, true) => Outcome::Passed,
        };
        ScenarioResult {
            id: self.scenario.id,
            title: self.scenario.title,
            exercise: self.scenario.exercise,
            outcome,
            earned: if outcome == Outcome::Passed { self.scenario.points } else { 0 },
            possible: self.scenario.points,
            runs: self.runs,
            virtual_seconds: self.virtual_ms as f64 / 1000.0,
            requests: self.requests,
            trace: self.trace.clone(),
            message: self.failure.as_ref().map(Failure::message),
            failure: self.failure.clone(),
            behaviour: self.behaviour.clone(),
            operator_output: self.output.clone(),
        }
    }
}

/// The end after a crash is the end without.
fn same_end(undisturbed: &NormalForm, crashed: &NormalForm) -> Result<(), Failure> {
    match differences(undisturbed, crashed) {
        found if found.is_empty() => Ok(()),
        found => Err(Failure::new("the world ends as it does without a crash", found.join("; "))
            .means("after its restart the operator does not finish, or repeats, what it had begun")),
    }
}

fn behaviour(telling: &Telling, objects: NormalForm) -> Behaviour {
    let mut behaviour = Behaviour { objects, ..Behaviour::default() };
    for record in telling.requests() {
        let what = name_of(record);
        *behaviour.counts.entry(what.clone()).or_default() += 1;
        if record.is_write() {
            let note = match record.effect {
                Effect::NoOp => " (no-op)".to_owned(),
                Effect::Refused => format!(" ({})", record.status),
                Effect::Changed | Effect::Read => String::new(),
            };
            behaviour.writes.push(format!("{} {}{note}", record.verb.as_str(), record.address));
        }
    }
    behaviour
}

/// `verb resource[/subresource]`.
fn name_of(record: &RequestRecord) -> String {
    let address = &record.address;
    match address.subresource.as_str() {
        "" => format!("{} {}", record.verb.as_str(), address.resource),
        subresource => format!("{} {}/{subresource}", record.verb.as_str(), address.resource),
    }
}
