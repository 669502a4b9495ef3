//! A lab judged: once as a rule, or for many seeds and repetitions, and made one answer of.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use harness::{Behaviour, Event, JudgeOptions, Outcome, ScenarioResult, Suite};

use crate::exit_code::ExitCode;

/// What to judge, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seeds: RangeInclusive<u64>,
    /// How often each seed is judged.
    pub(crate) repeat: u32,
    /// The scenarios asked for; all when `None`.
    pub(crate) only: Option<Vec<String>>,
    /// How many runs go on at once; one per core when `None`.
    pub(crate) jobs: Option<usize>,
}

impl Plan {
    /// Once, all of it, with the usual seed.
    pub(crate) fn once() -> Self {
        Self { seeds: 1..=1, repeat: 1, only: None, jobs: None }
    }

    /// Whether a scenario is asked for.
    pub(crate) fn asks_for(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|asked| asked == id))
    }

    /// How many times the lab is judged.
    pub(crate) fn rounds(&self) -> u64 {
        (self.seeds.end() - self.seeds.start() + 1) * u64::from(self.repeat)
    }
}

/// One scenario over all rounds.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// Of the first round, or of the first one that did not pass.
    pub(crate) result: ScenarioResult,
    /// The seed of that round.
    pub(crate) seed: u64,
    pub(crate) asked: bool,
    /// The most different traces that one seed gave.
    pub(crate) distinct_traces: usize,
    /// The seeds that it did not pass with.
    pub(crate) failing_seeds: BTreeSet<u64>,
}

/// A lab's verdict.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) lab: String,
    /// The folder whose editable files were judged, as people write it.
    pub(crate) source: String,
    pub(crate) backend: &'static str,
    pub(crate) plan: Plan,
    pub(crate) build_seconds: f64,
    pub(crate) judge_seconds: f64,
    /// Every scenario of the lab, in the suite's order, whatever happened.
    pub(crate) scenarios: Vec<Judged>,
    /// Why nothing could be judged, and what that makes of the exit code.
    pub(crate) not_judged: Option<(ExitCode, String)>,
}

impl Verdict {
    pub(crate) fn earned(&self) -> u32 {
        self.scenarios.iter().map(|judged| judged.result.earned).sum()
    }

    pub(crate) fn possible(&self) -> u32 {
        self.scenarios.iter().map(|judged| judged.result.possible).sum()
    }

    /// Points of the scenarios asked for.
    pub(crate) fn possible_asked(&self) -> u32 {
        self.asked().map(|judged| judged.result.possible).sum()
    }

    pub(crate) fn asked(&self) -> impl Iterator<Item = &Judged> {
        self.scenarios.iter().filter(|judged| judged.asked)
    }

    /// The first thing to look at.
    pub(crate) fn first_failure(&self) -> Option<&Judged> {
        self.asked().find(|judged| judged.result.outcome != Outcome::Passed)
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        if let Some((code, _)) = self.not_judged {
            return code;
        }
        self.asked().map(|judged| exit_code_of(judged.result.outcome)).fold(ExitCode::Passed, ExitCode::and)
    }
}

fn exit_code_of(outcome: Outcome) -> ExitCode {
    match outcome {
        Outcome::Passed => ExitCode::Passed,
        // What was asked for and could not be told is not a pass.
        Outcome::Failed | Outcome::Skipped | Outcome::Crashed | Outcome::TimedOut => ExitCode::Failed,
        Outcome::GraderBroke => ExitCode::GraderBroke,
    }
}

/// Judges an operator. `events` sees each round's events with the number of the round, from 0.
pub(crate) fn judge(
    suite: &Suite,
    operator: PathBuf,
    plan: &Plan,
    mut events: impl FnMut(u64, Event<'_>),
) -> (Vec<Judged>, f64) {
    let started = Instant::now();
    let mut options = JudgeOptions { only: plan.only.clone(), ..JudgeOptions::new(operator) };
    if let Some(jobs) = plan.jobs {
        options.workers = jobs.max(1);
    }
    let mut rounds = Vec::new();
    for seed in plan.seeds.clone() {
        for _ in 0..plan.repeat {
            options.seed = seed;
            let number = rounds.len() as u64;
            // A panic here is the grader's own. It must not pass for a verdict, nor lose the lab's other rounds.
            let told = catch_unwind(AssertUnwindSafe(|| {
                harness::judge(suite, &options, &mut |event| events(number, event))
            }));
            let results = told.unwrap_or_else(|_| {
                let why = "the grader broke while it judged; this costs no points. Please report it";
                untold(suite, Outcome::GraderBroke, why)
            });
            rounds.push((seed, results));
        }
    }
    (merge(suite, plan, rounds), started.elapsed().as_secs_f64())
}

/// Every scenario of a lab that could not be judged at all.
pub(crate) fn not_told(suite: &Suite, plan: &Plan, why: &str) -> Vec<Judged> {
    merge(suite, plan, vec![(*plan.seeds.start(), untold(suite, Outcome::Skipped, why))])
}

fn untold(suite: &Suite, outcome: Outcome, why: &str) -> Vec<ScenarioResult> {
    let result = |scenario: &harness::Scenario| ScenarioResult {
        id: scenario.id,
        title: scenario.title,
        exercise: scenario.exercise,
        outcome,
        earned: 0,
        possible: scenario.points,
        runs: 0,
        virtual_seconds: 0.0,
        requests: 0,
        trace: String::new(),
        message: Some(why.to_owned()),
        failure: None,
        behaviour: Behaviour::default(),
        operator_output: String::new(),
    };
    suite.scenarios.iter().map(result).collect()
}

/// One answer of many rounds: a scenario passes when it passes every time.
fn merge(suite: &Suite, plan: &Plan, rounds: Vec<(u64, Vec<ScenarioResult>)>) -> Vec<Judged> {
    let mut merged: Vec<Judged> = Vec::new();
    let mut traces: Vec<BTreeMap<u64, BTreeSet<String>>> = vec![BTreeMap::new(); suite.scenarios.len()];
    for (seed, results) in rounds {
        for (index, mut result) in results.into_iter().enumerate().take(suite.scenarios.len()) {
            let asked = plan.asks_for(result.id);
            if !asked {
                result.message = Some("not asked for".into());
            }
            let passed = result.outcome == Outcome::Passed;
            traces[index].entry(seed).or_default().insert(result.trace.clone());
            if index == merged.len() {
                merged.push(Judged {
                    result,
                    seed,
                    asked,
                    distinct_traces: 0,
                    failing_seeds: BTreeSet::new(),
                });
            } else if badness(result.outcome) > badness(merged[index].result.outcome) {
                merged[index].result = result;
                merged[index].seed = seed;
            }
            if asked && !passed {
                merged[index].failing_seeds.insert(seed);
            }
        }
    }
    for (judged, traces) in merged.iter_mut().zip(traces) {
        judged.distinct_traces = traces.values().map(BTreeSet::len).max().unwrap_or(0);
    }
    merged
}

/// Which of two outcomes of one scenario is told: the first that is worse.
fn badness(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Passed => 0,
        Outcome::Skipped => 1,
        Outcome::Failed | Outcome::Crashed | Outcome::TimedOut => 2,
        Outcome::GraderBroke => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    fn plan(seeds: RangeInclusive<u64>, repeat: u32) -> Plan {
        Plan { seeds, repeat, ..Plan::once() }
    }

    #[test]
    fn one_failing_seed_fails_the_scenario_and_is_named() {
        let suite = example::SUITE;
        let passing = || example::results().into_iter().map(example::passed).collect::<Vec<_>>();
        let mut failing = passing();
        failing[1].outcome = Outcome::Failed;
        failing[1].earned = 0;
        let rounds = vec![(1, passing()), (2, failing), (3, passing())];
        let merged = merge(&suite, &plan(1..=3, 1), rounds);
        assert_eq!(merged[0].result.outcome, Outcome::Passed);
        assert_eq!(merged[1].result.outcome, Outcome::Failed);
        assert_eq!((merged[1].seed, &merged[1].failing_seeds), (2, &BTreeSet::from([2])));
    }

    #[test]
    fn traces_are_compared_within_a_seed() {
        let suite = example::SUITE;
        let traced = |trace: &str| {
            let with = |result: ScenarioResult| ScenarioResult { trace: trace.to_owned(), ..result };
            example::results().into_iter().map(with).collect::<Vec<_>>()
        };
        let same = vec![(1, traced("a")), (1, traced("a")), (2, traced("b")), (2, traced("b"))];
        assert_eq!(merge(&suite, &plan(1..=2, 2), same)[0].distinct_traces, 1);
        let different = vec![(1, traced("a")), (1, traced("c"))];
        assert_eq!(merge(&suite, &plan(1..=1, 2), different)[0].distinct_traces, 2);
    }

    #[test]
    fn what_was_not_asked_for_is_listed_and_does_not_count() {
        let suite = example::SUITE;
        let only = Plan { only: Some(vec!["01.01".into()]), ..Plan::once() };
        let scenarios = merge(&suite, &only, vec![(1, example::results())]);
        assert_eq!(scenarios.len(), suite.scenarios.len());
        assert_eq!(scenarios[1].result.message.as_deref(), Some("not asked for"));
        let verdict = Verdict { plan: only, scenarios, ..example::verdict() };
        assert_eq!(verdict.exit_code(), ExitCode::Passed);
        assert_eq!(verdict.possible(), 100);
    }

    #[test]
    fn the_exit_code_follows_from_the_worst_outcome() {
        assert_eq!(exit_code_of(Outcome::Passed), ExitCode::Passed);
        for outcome in [Outcome::Failed, Outcome::Skipped, Outcome::Crashed, Outcome::TimedOut] {
            assert_eq!(exit_code_of(outcome), ExitCode::Failed, "{outcome:?}");
        }
        assert_eq!(exit_code_of(Outcome::GraderBroke), ExitCode::GraderBroke);
    }
}
