//! A made-up lab, its scenarios and results, for the tests of the reporters.

use std::collections::BTreeSet;

use course::{Course, Lab};
use harness::{Behaviour, Failure, Outcome, Scenario, ScenarioResult, StoryLine, Suite, World};

use crate::verdict::{Judged, Plan, Verdict};

const LIST: &str = r#"
    [[lab]]
    id = "lab-01"
    folder = "lab-01-x"
    title = "Conditions that tell the truth"
    lesson = "lessons/01-x.md"
    minutes = 90
    editable = ["src/derive.rs"]

    [[lab.exercise]]
    number = 1
    title = "A status that says something"
    points = 40
    lesson_section = "a-status"
    hints = ["Why?", "Look there.", "Like this."]

    [[lab.exercise]]
    number = 2
    title = "Ready means ready"
    points = 60
    lesson_section = "what-ready-means"
    hints = ["Why?", "Look there.", "Like this."]
"#;

pub(crate) fn lab() -> Lab {
    Course::parse(LIST).unwrap().labs.remove(0)
}

fn told(_: &mut World) -> Result<(), Failure> {
    Ok(())
}

const fn scenario(id: &'static str, title: &'static str, exercise: u8, points: u32) -> Scenario {
    Scenario {
        id,
        title,
        exercise,
        points,
        story: "A user creates a Database.",
        rule: "A condition tells what was last seen.",
        lesson: "a-status",
        crash_consistent: true,
        virtual_time_only: false,
        run: told,
    }
}

static SCENARIOS: [Scenario; 4] = [
    scenario("01.01", "A first visit says something", 1, 20),
    scenario(
        "01.02",
        "A status that somebody wiped comes back, whatever else is going on in the cluster at the time",
        1,
        20,
    ),
    scenario("01.03", "A replica is lost", 2, 30),
    scenario("01.04", "Quiet at rest", 2, 30),
];

pub(crate) const SUITE: Suite = Suite { lab: "lab-01", scenarios: &SCENARIOS };

pub(crate) fn results() -> Vec<ScenarioResult> {
    let mut results: Vec<_> = SCENARIOS.iter().map(result).collect();
    let failure = Failure {
        story: vec![
            StoryLine { at_ms: 0, text: "you create Database `photos` with 3 replicas".into() },
            StoryLine { at_ms: 12_300, text: "3 of 3 pods are ready".into() },
            StoryLine { at_ms: 60_000, text: "pod `photos-1` is lost".into() },
        ],
        ..Failure::new(
            "within 60 s, condition Ready of `photos` is False",
            "Ready is still True, with message \"3 of 3 replicas are ready\", 60 s after the pod was lost",
        )
        .means("Ready follows what the user asked for (spec.replicas), not what the StatefulSet reports")
    };
    results[2] = ScenarioResult {
        outcome: Outcome::Failed,
        earned: 0,
        message: Some(failure.message()),
        failure: Some(failure),
        ..results[2].clone()
    };
    results
}

fn result(scenario: &Scenario) -> ScenarioResult {
    ScenarioResult {
        id: scenario.id,
        title: scenario.title,
        exercise: scenario.exercise,
        outcome: Outcome::Passed,
        earned: scenario.points,
        possible: scenario.points,
        runs: 14,
        virtual_seconds: 802.0,
        requests: 114,
        trace: "5f2c".into(),
        message: None,
        failure: None,
        behaviour: Behaviour::default(),
        operator_output: String::new(),
    }
}

pub(crate) fn passed(result: ScenarioResult) -> ScenarioResult {
    ScenarioResult {
        outcome: Outcome::Passed,
        earned: result.possible,
        message: None,
        failure: None,
        ..result
    }
}

fn judged(result: ScenarioResult) -> Judged {
    let failing_seeds = if result.outcome == Outcome::Passed { BTreeSet::new() } else { BTreeSet::from([1]) };
    Judged { result, seed: 1, asked: true, distinct_traces: 1, failing_seeds }
}

pub(crate) fn crashed() -> Judged {
    let failure = Failure {
        outcome: Outcome::Crashed,
        crash_point: Some("just after write 3, PATCH databases/status default/photos".into()),
        ..Failure::new("the operator keeps running", "it panicked at src/derive.rs:12")
    };
    judged(ScenarioResult {
        outcome: Outcome::Crashed,
        earned: 0,
        message: Some(failure.message()),
        failure: Some(failure),
        operator_output:
            "starting\n\x1b[31mthread 'main' panicked at src/derive.rs:12:\x1b[0m\nindex out of bounds\n"
                .into(),
        ..results()[3].clone()
    })
}

pub(crate) fn verdict() -> Verdict {
    Verdict {
        lab: "lab-01".into(),
        source: "labs/lab-01-x".into(),
        backend: "simulated",
        plan: Plan::once(),
        build_seconds: 1.4,
        judge_seconds: 0.6104,
        scenarios: results().into_iter().map(judged).collect(),
        not_judged: None,
    }
}
