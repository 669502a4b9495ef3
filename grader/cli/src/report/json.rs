//! The machine contract: `grader.check/1`. A field never changes its meaning; a change of meaning changes the name.

use harness::Outcome;
use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::verdict::{Judged, Verdict};

/// The name of a document about one lab.
pub(crate) const SCHEMA: &str = "grader.check/1";
/// The name of a document about several labs: a list of the former.
pub(crate) const SCHEMA_OF_SEVERAL: &str = "grader.check-several/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    lab: &'a str,
    source: &'a str,
    backend: &'static str,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    seeds: Option<[u64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat: Option<u32>,
    points: Points,
    passed: bool,
    build_seconds: f64,
    judge_seconds: f64,
    /// Why nothing was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    scenarios: Vec<Scenario<'a>>,
}

/// What was earned, and what was to be earned.
#[derive(Debug, Serialize)]
pub(crate) struct Points {
    pub(crate) earned: u32,
    pub(crate) possible: u32,
}

#[derive(Serialize)]
struct Scenario<'a> {
    id: &'a str,
    title: &'a str,
    exercise: u8,
    outcome: Outcome,
    points: Points,
    runs: u32,
    virtual_seconds: f64,
    requests: u64,
    trace: &'a str,
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    distinct_traces: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_seeds: Option<Vec<u64>>,
}

#[derive(Serialize)]
struct Several<'a> {
    schema: &'static str,
    labs: Vec<Document<'a>>,
}

/// The document about these verdicts, ending with a line feed.
pub(crate) fn render(verdicts: &[Verdict]) -> String {
    let text = match verdicts {
        [one] => serde_json::to_string_pretty(&document(one)),
        several => serde_json::to_string_pretty(&Several {
            schema: SCHEMA_OF_SEVERAL,
            labs: several.iter().map(document).collect(),
        }),
    };
    // Plain structs with string keys always serialize.
    text.unwrap_or_default() + "\n"
}

fn document(verdict: &Verdict) -> Document<'_> {
    let (first, last) = (*verdict.plan.seeds.start(), *verdict.plan.seeds.end());
    let several_seeds = first != last;
    let repeated = verdict.plan.repeat > 1;
    Document {
        schema: SCHEMA,
        lab: &verdict.lab,
        source: &verdict.source,
        backend: verdict.backend,
        seed: first,
        seeds: several_seeds.then_some([first, last]),
        repeat: repeated.then_some(verdict.plan.repeat),
        points: Points { earned: verdict.earned(), possible: verdict.possible() },
        passed: verdict.exit_code() == ExitCode::Passed,
        build_seconds: rounded(verdict.build_seconds),
        judge_seconds: rounded(verdict.judge_seconds),
        message: verdict.not_judged.as_ref().map(|(_, why)| why.as_str()),
        scenarios: verdict.scenarios.iter().map(|judged| scenario(judged, several_seeds, repeated)).collect(),
    }
}

fn scenario(judged: &Judged, several_seeds: bool, repeated: bool) -> Scenario<'_> {
    let result = &judged.result;
    Scenario {
        id: result.id,
        title: result.title,
        exercise: result.exercise,
        outcome: result.outcome,
        points: Points { earned: result.earned, possible: result.possible },
        runs: result.runs,
        virtual_seconds: rounded(result.virtual_seconds),
        requests: result.requests,
        trace: &result.trace,
        message: result.message.as_deref(),
        distinct_traces: repeated.then_some(judged.distinct_traces),
        failing_seeds: several_seeds.then(|| judged.failing_seeds.iter().copied().collect()),
    }
}

/// To milliseconds: more digits are noise.
pub(crate) fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn one_lab_is_one_document_of_the_contract() {
        insta::assert_snapshot!(render(&[example::verdict()]));
    }

    #[test]
    fn several_labs_are_a_list_of_documents() {
        let text = render(&[example::verdict(), example::verdict()]);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["schema"], SCHEMA_OF_SEVERAL);
        assert_eq!(document["labs"][1]["schema"], SCHEMA);
    }
}
