//! `grader dev verify`: the grader graded.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use course::{Lab, skeleton};
use harness::Suite;
use serde::Serialize;

use crate::checkout::{Checkout, command};
use crate::commands::man::print;
use crate::console::{Console, Look, harmless, shorten, wrap};
use crate::exit_code::{ExitCode, Problem};
use crate::matrix::{self, Kind, Line};
use crate::report::failure::section_heading;
use crate::report::json::rounded;
use crate::{files, selection};

/// Judge every operator with a known verdict, and check that the course is consistent
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The labs; all unless given
    labs: Vec<String>,
    /// Only operators whose name contains this
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
    /// Write the matrix as JSON, `-` for stdout
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    operators: Vec<Line>,
    /// What must hold besides the verdicts.
    checks: Vec<Consistency>,
    as_expected: usize,
    unexpected: usize,
    seconds: f64,
}

/// One thing about the course that must hold.
#[derive(Serialize)]
struct Consistency {
    lab: String,
    name: &'static str,
    as_expected: bool,
    /// What does not hold, and how to mend it.
    message: Option<String>,
}

impl Verify {
    pub(super) fn run(self, checkout: &Checkout) -> Result<ExitCode, Problem> {
        let started = Instant::now();
        let to_stdout = self.json.as_deref() == Some(Path::new("-"));
        let mut console = if to_stdout { Console::stderr() } else { Console::stdout() };
        let look = console.look();
        let (mut lines, mut checks) = (Vec::new(), Vec::new());
        for lab in super::labs(checkout, &self.labs)? {
            let suite = selection::suite(lab)?;
            console.line(look.bold(&format!("Lab {:02}  {}", lab.number, lab.title)));
            let mut operators = matrix::operators(checkout, lab, suite)?;
            if let Some(words) = &self.only {
                operators.retain(|operator| operator.name.contains(words.as_str()));
            }
            console.status(&format!("building {} …", lab.id));
            let first = lines.len();
            let total = operators.len();
            matrix::judge_all(checkout, lab, suite, &operators, |line| {
                console.line(operator_line(look, &line));
                lines.push(line);
                console.status(&format!("{} of {total} operators decided …", lines.len() - first));
            })?;
            console.clear_status();
            let of_lab = consistency(checkout, lab, suite, &lines[first..])?;
            for check in &of_lab {
                console.line(consistency_line(look, check));
            }
            if self.only.is_none()
                && let Some(note) = untested(suite, &lines[first..])
            {
                console.line(look.dim(&format!("    {note}")));
            }
            checks.extend(of_lab);
        }
        let unexpected = lines.iter().filter(|line| !line.as_expected).count()
            + checks.iter().filter(|check| !check.as_expected).count();
        let document = Document {
            schema: "grader.verify/1",
            as_expected: lines.len() + checks.len() - unexpected,
            unexpected,
            seconds: rounded(started.elapsed().as_secs_f64()),
            operators: lines,
            checks,
        };
        let sum = format!(
            "{} as expected, {unexpected} unexpected, in {:.1} s",
            document.as_expected, document.seconds
        );
        console.line(format!("\n{}", if unexpected == 0 { look.good(&sum) } else { look.bad(&sum) }));
        if let Some(file) = &self.json {
            let mut text = serde_json::to_string_pretty(&document)
                .map_err(|error| Problem::broken(error.to_string()))?;
            text.push('\n');
            if to_stdout { print(text.as_bytes()) } else { files::write_whole(file, text.as_bytes())? }
        }
        Ok(if unexpected == 0 { ExitCode::Passed } else { ExitCode::Failed })
    }
}

fn operator_line(look: Look, line: &Line) -> String {
    let sign = if line.as_expected { look.good("✓") } else { look.bad("✗") };
    let kind = match line.kind {
        Kind::Skeleton => "skeleton",
        Kind::Solution => "solution",
        Kind::Wrong => "wrong",
        Kind::Right => "right",
    };
    let points = format!("{}/{}", line.points.earned, line.points.possible);
    let caught = match (line.kind, line.caught_by.as_slice()) {
        (Kind::Wrong, [_, ..]) => format!("caught by {}", line.caught_by.join(" ")),
        _ => String::new(),
    };
    let name = shorten(&line.name, 38);
    let room = look.width.saturating_sub(2 + 2 + 10 + 40 + 9);
    let mut text =
        format!("  {sign} {kind:<8}  {name:<38}  {points:>7}  {}", look.dim(&shorten(&caught, room)));
    text.truncate(text.trim_end().len());
    if let Some(message) = &line.message {
        for message in wrap(&harmless(message, 1_500), look.width.saturating_sub(6)) {
            text.push_str(&format!("\n      {message}"));
        }
    }
    text
}

fn consistency_line(look: Look, check: &Consistency) -> String {
    let sign = if check.as_expected { look.good("✓") } else { look.bad("✗") };
    let mut text = format!("  {sign} {:<8}  {}", "course", check.name);
    for message in check.message.iter().flat_map(|message| wrap(message, look.width.saturating_sub(6))) {
        text.push_str(&format!("\n      {message}"));
    }
    text
}

/// Scenarios that no wrong operator names: nothing shows that they catch anything.
fn untested(suite: &Suite, lines: &[Line]) -> Option<String> {
    let named: BTreeSet<_> =
        lines.iter().flat_map(|line| &line.must_be_caught_by).map(String::as_str).collect();
    if named.is_empty() {
        return None;
    }
    let untested: Vec<_> =
        suite.scenarios.iter().map(|known| known.id).filter(|id| !named.contains(id)).collect();
    (!untested.is_empty()).then(|| format!("no wrong operator names {}", untested.join(", ")))
}

/// What must hold of a lab besides its verdicts.
fn consistency(
    checkout: &Checkout,
    lab: &Lab,
    suite: &Suite,
    lines: &[Line],
) -> Result<Vec<Consistency>, Problem> {
    let check = |name, message: Option<String>| Consistency {
        lab: lab.id.clone(),
        name,
        as_expected: message.is_none(),
        message,
    };
    let mut checks = vec![check("points of exercises and scenarios agree", points(lab, suite))];
    checks.push(check("the lesson has the sections that are named", sections(checkout, lab, suite)));
    if lab.exercises.is_empty() {
        return Ok(checks);
    }
    let differences = skeleton::differences(&checkout.root, lab)
        .map_err(|error| Problem::broken(format!("{error:#}")))?
        .into_iter()
        .map(|difference| difference.file.display().to_string())
        .collect::<Vec<_>>();
    let out_of_step =
        format!("out of step: {}; {} makes the lab again", differences.join(", "), command("dev skeleton"));
    checks
        .push(check("the lab is what its solution makes", (!differences.is_empty()).then_some(out_of_step)));
    // Only a solution that passes is worth recording; one that does not is reported as such already.
    let solution = lines.iter().find(|line| line.kind == Kind::Solution && line.as_expected);
    if let Some(solution) = solution {
        let known = scenarios::reference(&lab.id);
        let now = known.as_ref().map(|known| super::record::reference(known.seed, &solution.judged));
        let stale = (known.is_none() || known != now)
            .then(|| format!("stale; {} records it again", command("dev record")));
        checks.push(check("the recorded reference behaviour is fresh", stale));
    }
    Ok(checks)
}

fn points(lab: &Lab, suite: &Suite) -> Option<String> {
    let sum = |exercise: u8| -> u32 {
        suite.scenarios.iter().filter(|known| known.exercise == exercise).map(|known| known.points).sum()
    };
    let mut wrong: Vec<_> = lab
        .exercises
        .iter()
        .filter(|exercise| exercise.points != sum(exercise.number))
        .map(|exercise| {
            let sum = sum(exercise.number);
            format!(
                "exercise {} is listed with {} points, its scenarios sum to {sum}",
                exercise.number, exercise.points
            )
        })
        .collect();
    if suite.points() != 100 {
        wrong.push(format!("the scenarios sum to {} points, not to 100", suite.points()));
    }
    (!wrong.is_empty()).then(|| wrong.join("; "))
}

fn sections(checkout: &Checkout, lab: &Lab, suite: &Suite) -> Option<String> {
    let lesson = checkout.root.join(&lab.lesson);
    let of_exercises = lab.exercises.iter().map(|exercise| exercise.lesson_section.as_str());
    let of_scenarios = suite.scenarios.iter().map(|known| known.lesson).filter(|anchor| !anchor.is_empty());
    let named: BTreeSet<_> =
        of_exercises.chain(of_scenarios).map(|anchor| anchor.trim_start_matches('#')).collect();
    let missing: Vec<_> =
        named.into_iter().filter(|anchor| section_heading(&lesson, anchor).is_none()).collect();
    (!missing.is_empty()).then(|| format!("{} has no section {}", lab.lesson.display(), missing.join(", ")))
}
