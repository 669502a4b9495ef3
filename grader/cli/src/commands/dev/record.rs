//! `grader dev record`: records what the reference solution does in each story.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use course::Lab;
use harness::Outcome;
use scenarios::{Reference, recorded_part};

use crate::build::{self, BuildError};
use crate::checkout::{Checkout, command};
use crate::console::Console;
use crate::exit_code::{ExitCode, Problem};
use crate::verdict::{Judged, Plan, judge};
use crate::{files, selection};

/// Record the behaviour of the reference solutions, which reports compare with
#[derive(Debug, Args)]
pub(super) struct Record {
    /// The labs; all unless given
    labs: Vec<String>,
}

impl Record {
    pub(super) fn run(self, checkout: &Checkout) -> Result<ExitCode, Problem> {
        let mut console = Console::stdout();
        for lab in super::labs(checkout, &self.labs)? {
            if lab.exercises.is_empty() {
                continue;
            }
            let suite = selection::suite(lab)?;
            let built =
                build::in_place(checkout, lab, &lab.solution_package(), &mut console).map_err(|error| {
                    match error {
                        BuildError::Problem(problem) => problem,
                        BuildError::Compiler { errors, .. } => Problem::does_not_build(errors.join("\n\n")),
                    }
                })?;
            let plan = Plan::once();
            let (judged, _) = judge(suite, built.executable, &plan, |_, _| {});
            let failed: Vec<_> = judged
                .iter()
                .filter(|judged| judged.result.outcome != Outcome::Passed)
                .map(|judged| judged.result.id)
                .collect();
            if !failed.is_empty() {
                return Err(Problem::broken(format!(
                    "the solution of {} fails {}",
                    lab.id,
                    failed.join(", ")
                ))
                .next(command(&format!("check {} --solution", lab.id))));
            }
            let mut text = serde_json::to_string_pretty(&reference(*plan.seeds.start(), &judged))
                .map_err(|error| Problem::broken(error.to_string()))?;
            text.push('\n');
            let file = file(checkout, lab);
            files::write_if_changed(&file, text.as_bytes())?;
            console.line(format!("recorded  {}", checkout.shown(&file)));
        }
        Ok(ExitCode::Passed)
    }
}

/// Where a lab's recording is.
pub(super) fn file(checkout: &Checkout, lab: &Lab) -> PathBuf {
    checkout.root.join("grader/scenarios/reference").join(format!("{}.json", lab.id))
}

/// What the judged operator did, as it is recorded.
pub(super) fn reference(seed: u64, judged: &[Judged]) -> Reference {
    let scenarios: BTreeMap<_, _> = judged
        .iter()
        .map(|judged| (judged.result.id.to_owned(), recorded_part(&judged.result.behaviour)))
        .collect();
    Reference { seed, scenarios }
}
