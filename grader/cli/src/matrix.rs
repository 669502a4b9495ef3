//! The grader graded: every operator with a known verdict, judged, and compared with what was known.
//!
//! The next operator is built while the last one is judged, and one that did not change since the last time is not
//! built again.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;

use course::Lab;
use harness::{Outcome, Suite};
use serde::Serialize;

use crate::build::mutant::{Mutant, MutantKind};
use crate::build::pristine::{self, Files};
use crate::build::workshop::Workshop;
use crate::build::{BuildError, Built};
use crate::checkout::Checkout;
use crate::console::Console;
use crate::exit_code::Problem;
use crate::report::json::Points;
use crate::verdict::{Judged, Plan, judge};

/// What a skeleton may earn at most: a few scenarios hold for the operator that the lab starts from, such as those
/// about what must be left alone.
const MOST_FOR_A_SKELETON: u32 = 20;

/// An operator with a known verdict.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// In plain words.
    pub(crate) mistake: String,
    pub(crate) must_be_caught_by: Vec<String>,
    files: Files,
}

/// What is known about an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The lab as it is given: it builds, and is worth next to nothing.
    Skeleton,
    /// The reference: all points.
    Solution,
    /// A mistake that people make: caught by the scenarios it names.
    Wrong,
    /// Unlike the solution and as good: all points.
    Right,
}

/// What came of one operator.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) lab: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) caught_by: Vec<String>,
    pub(crate) must_be_caught_by: Vec<String>,
    pub(crate) points: Points,
    pub(crate) as_expected: bool,
    pub(crate) mistake: String,
    /// Why it is not as expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// What was judged, for whoever wants to look closer.
    #[serde(skip)]
    pub(crate) judged: Vec<Judged>,
}

/// All operators of a lab: the lab as given, its solution, the wrong ones, the right ones.
pub(crate) fn operators(checkout: &Checkout, lab: &Lab, suite: &Suite) -> Result<Vec<Operator>, Problem> {
    let solution = pristine::solution(checkout, lab)?;
    let reference = Operator {
        name: "solution".into(),
        kind: Kind::Solution,
        mistake: "none: it is the reference".into(),
        must_be_caught_by: Vec::new(),
        files: solution.clone(),
    };
    if lab.exercises.is_empty() {
        return Ok(vec![Operator {
            name: "as given".into(),
            mistake: "none: the lab is complete".into(),
            ..reference
        }]);
    }
    let skeleton = Operator {
        name: "skeleton".into(),
        kind: Kind::Skeleton,
        mistake: "every exercise is open".into(),
        must_be_caught_by: Vec::new(),
        files: pristine::skeleton(checkout, lab)?,
    };
    let mut operators = vec![skeleton, reference];
    for mutant in Mutant::all(checkout, lab)? {
        if let Some(unknown) =
            mutant.caught_by.iter().find(|id| suite.scenarios.iter().all(|known| known.id != **id))
        {
            return Err(Problem::broken(format!(
                "`{}` names {unknown}, which is no scenario of {}",
                mutant.name, lab.id
            ))
            .next("name one that `grader list` with the lab shows"));
        }
        operators.push(Operator {
            files: mutant.apply(&solution)?,
            name: mutant.name,
            kind: match mutant.kind {
                MutantKind::Wrong => Kind::Wrong,
                MutantKind::Right => Kind::Right,
            },
            mistake: mutant.mistake,
            must_be_caught_by: mutant.caught_by,
        });
    }
    Ok(operators)
}

/// Builds and judges operators in their order; `line` sees each as soon as it is decided.
pub(crate) fn judge_all(
    checkout: &Checkout,
    lab: &Lab,
    suite: &Suite,
    operators: &[Operator],
    mut line: impl FnMut(Line),
) -> Result<(), Problem> {
    let mut workshop = Workshop::open(checkout, lab)?;
    let inputs = Workshop::inputs(checkout)?;
    // One finished binary waits while another is judged and a third is built: enough to keep both sides busy.
    let (finished, built) = sync_channel::<(&Operator, Result<PathBuf, BuildError>)>(1);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut console = Console::silent();
            for operator in operators {
                let executable = executable(&mut workshop, lab, inputs, operator, &mut console);
                if finished.send((operator, executable)).is_err() {
                    return;
                }
            }
            let used = operators.iter().map(|operator| Workshop::key(inputs, &operator.files));
            workshop.forget_all_but(&used.collect());
        });
        for (operator, executable) in built {
            line(decide(lab, suite, operator, executable));
        }
    });
    Ok(())
}

fn executable(
    workshop: &mut Workshop,
    lab: &Lab,
    inputs: u64,
    operator: &Operator,
    console: &mut Console,
) -> Result<PathBuf, BuildError> {
    let key = Workshop::key(inputs, &operator.files);
    if let Some(kept) = workshop.kept(&key) {
        return Ok(kept);
    }
    let Built { executable, .. } = workshop.build(lab, &operator.files, &operator.name, console)?;
    Ok(workshop.keep(&key, &executable)?)
}

fn decide(lab: &Lab, suite: &Suite, operator: &Operator, executable: Result<PathBuf, BuildError>) -> Line {
    let mut line = Line {
        lab: lab.id.clone(),
        name: operator.name.clone(),
        kind: operator.kind,
        caught_by: Vec::new(),
        must_be_caught_by: operator.must_be_caught_by.clone(),
        points: Points { earned: 0, possible: suite.points() },
        as_expected: false,
        mistake: operator.mistake.clone(),
        message: None,
        judged: Vec::new(),
    };
    let executable = match executable {
        Ok(executable) => executable,
        Err(BuildError::Compiler { errors, .. }) => {
            line.message = Some(format!("it does not build: {}", errors.first().map_or("", String::as_str)));
            return line;
        }
        Err(BuildError::Problem(problem)) => {
            line.message = Some(problem.to_string());
            return line;
        }
    };
    let (judged, _) = judge(suite, executable, &Plan::once(), |_, _| {});
    line.points.earned = judged.iter().map(|judged| judged.result.earned).sum();
    let not_passed = judged.iter().filter(|judged| judged.result.outcome != Outcome::Passed);
    line.caught_by = not_passed.map(|judged| judged.result.id.to_owned()).collect();
    line.message = unexpected(operator, &line, &judged);
    line.as_expected = line.message.is_none();
    line.judged = judged;
    line
}

/// Why a verdict is not the known one.
fn unexpected(operator: &Operator, line: &Line, judged: &[Judged]) -> Option<String> {
    let broke: Vec<_> = judged
        .iter()
        .filter(|judged| judged.result.outcome == Outcome::GraderBroke)
        .map(|judged| judged.result.id)
        .collect();
    if !broke.is_empty() {
        return Some(format!("the grader broke in {}", broke.join(", ")));
    }
    match operator.kind {
        Kind::Skeleton if line.points.earned > MOST_FOR_A_SKELETON => {
            Some(format!("an empty lab earns {} points, more than {MOST_FOR_A_SKELETON}", line.points.earned))
        }
        Kind::Solution | Kind::Right if line.points.earned < line.points.possible => {
            let why = judged.iter().find_map(|judged| judged.result.message.clone()).unwrap_or_default();
            Some(format!("it fails {}: {why}", line.caught_by.join(", ")))
        }
        Kind::Wrong => {
            let caught: BTreeSet<_> = line.caught_by.iter().collect();
            let missed: Vec<_> = operator
                .must_be_caught_by
                .iter()
                .filter(|id| !caught.contains(id))
                .map(String::as_str)
                .collect();
            (!missed.is_empty()).then(|| format!("not caught by {}", missed.join(", ")))
        }
        _ => None,
    }
}
