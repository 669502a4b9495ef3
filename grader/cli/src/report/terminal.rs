//! A verdict for people: a line per scenario as it is decided, the first thing to look at, the score, what is next.

use std::fmt::Write;

use course::Lab;
use harness::{Outcome, ScenarioResult, Suite};

use crate::checkout::command;
use crate::console::{Look, harmless, plural, shorten};
use crate::exit_code::ExitCode;
use crate::verdict::{Judged, Plan, Verdict};

/// Prints the lines of scenarios exercise by exercise, although they are decided in any order.
pub(crate) struct Lines<'a> {
    look: Look,
    lab: &'a Lab,
    /// What is still to be printed, in order, and what of it is decided.
    waiting: Vec<(&'static str, Option<ScenarioResult>)>,
    exercise: Option<u8>,
}

impl<'a> Lines<'a> {
    /// The lines of the scenarios that `plan` asks for.
    pub(crate) fn new(look: Look, lab: &'a Lab, suite: &Suite, plan: &Plan) -> Self {
        let mut asked: Vec<_> =
            suite.scenarios.iter().filter(|scenario| plan.asks_for(scenario.id)).collect();
        asked.sort_by_key(|scenario| scenario.exercise);
        let waiting = asked.into_iter().rev().map(|scenario| (scenario.id, None)).collect();
        Self { look, lab, waiting, exercise: None }
    }

    /// Takes one decided scenario; returns the lines that can be printed now.
    pub(crate) fn decided(&mut self, result: &ScenarioResult) -> Vec<String> {
        if let Some((_, place)) = self.waiting.iter_mut().find(|(id, _)| *id == result.id) {
            *place = Some(result.clone());
        }
        let mut lines = Vec::new();
        while let Some((_, Some(result))) = self.waiting.pop_if(|(_, result)| result.is_some()) {
            if self.exercise != Some(result.exercise) {
                self.exercise = Some(result.exercise);
                lines.extend(self.exercise_heading(result.exercise));
            }
            lines.push(scenario_line(self.look, &result));
        }
        lines
    }

    fn exercise_heading(&self, number: u8) -> Option<String> {
        let exercise = self.lab.exercise(number)?;
        Some(self.look.bold(&format!("\nExercise {number}  {}", exercise.title)))
    }
}

/// `Lab 01  Conditions that tell the truth`.
pub(crate) fn heading(look: Look, lab: &Lab) -> String {
    look.bold(&format!("Lab {:02}  {}", lab.number, lab.title))
}

/// What was built, in one line.
pub(crate) fn built_line(look: Look, source: &str, seconds: f64, warnings: usize) -> String {
    let warned = match warnings {
        0 => String::new(),
        count => format!(", with {} from the compiler", plural(count, "warning")),
    };
    look.dim(&format!("built {source} in {seconds:.1} s{warned}"))
}

/// One scenario: sign, number, title, points, and the time lived.
pub(crate) fn scenario_line(look: Look, result: &ScenarioResult) -> String {
    let points = format!("{}/{}", result.earned, result.possible);
    let lived = match result.outcome {
        Outcome::Passed | Outcome::Failed if result.runs > 1 => {
            format!("{} in {} lives", span(result.virtual_seconds), result.runs)
        }
        Outcome::Passed | Outcome::Failed => span(result.virtual_seconds),
        other => in_words(other).to_owned(),
    };
    let sign = match result.outcome {
        Outcome::Passed => look.good("✓"),
        Outcome::Skipped => look.dim("–"),
        Outcome::GraderBroke => look.warn("!"),
        Outcome::Failed | Outcome::Crashed | Outcome::TimedOut => look.bad("✗"),
    };
    let columns = look.width.saturating_sub(2 + 1 + 1 + 5 + 2 + 2 + 7 + 2 + 24).max(20);
    let title = shorten(result.title, columns);
    format!("  {sign} {}  {title:<columns$}  {points:>7}  {}", result.id, look.dim(&lived))
}

/// An outcome as people say it.
pub(crate) fn in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Crashed => "operator crashed",
        Outcome::TimedOut => "ran out of time",
        Outcome::GraderBroke => "the grader broke",
    }
}

/// A span of virtual time as people say it.
pub(crate) fn span(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// The compiler's errors: the first few in full, since one mistake often causes many.
pub(crate) fn compiler_errors(look: Look, lab: &Lab, errors: &[String]) -> String {
    const SHOWN: usize = 4;
    let mut text = String::new();
    for error in errors.iter().take(SHOWN) {
        let (first, rest) = error.split_once('\n').unwrap_or((error, ""));
        let _ = writeln!(text, "{}\n{rest}\n", look.bad(first));
    }
    if errors.len() > SHOWN {
        let _ = writeln!(text, "… and {}\n", plural(errors.len() - SHOWN, "more error"));
    }
    let _ = writeln!(text, "{}", look.bold("The lab does not build, so nothing could be judged."));
    let _ = write!(
        text,
        "  next  cargo build -p {}, then {}",
        lab.package(),
        command(&format!("check {}", lab.id))
    );
    text
}

/// The score, how long it took, and what is next.
pub(crate) fn summary(
    look: Look,
    lab: &Lab,
    verdict: &Verdict,
    own_work: bool,
    next_lab: Option<&Lab>,
) -> String {
    let asked = verdict.asked().count();
    let passed = verdict.asked().filter(|judged| judged.result.outcome == Outcome::Passed).count();
    let (earned, possible) = (verdict.earned(), verdict.possible_asked());
    let mut text = String::new();
    let score = format!("{earned} of {possible} points");
    let all = verdict.exit_code() == ExitCode::Passed;
    let score = if all { look.good(&score) } else { look.bad(&score) };
    let runs: u32 = verdict.asked().map(|judged| judged.result.runs).sum();
    let lived: f64 = verdict.asked().map(|judged| judged.result.virtual_seconds).sum();
    let _ =
        writeln!(text, "{} {score}   {passed} of {} passed", look.bold("Score"), plural(asked, "scenario"));
    let lives =
        format!("{} lived in {}", span(lived), plural(runs as usize, "life").replace("lifes", "lives"));
    let seconds = verdict.judge_seconds;
    let rounds = match verdict.plan.rounds() {
        1 => String::new(),
        rounds => format!(", {rounds} rounds"),
    };
    let _ = writeln!(text, "{}", look.dim(&format!("      judged in {seconds:.2} s{rounds}: {lives}")));
    if let Some(rounds) = over_rounds(verdict) {
        let _ = writeln!(text, "      {rounds}");
    }
    let broke = verdict.asked().filter(|judged| judged.result.outcome == Outcome::GraderBroke).count();
    if broke > 0 {
        let _ = writeln!(
            text,
            "      {}",
            look.warn(&format!(
                "the grader itself broke in {}: not your fault, and worth a report",
                plural(broke, "scenario")
            ))
        );
    }
    if own_work {
        let _ = writeln!(text, "{}  {}", look.bold("Next "), next_step(lab, verdict, next_lab));
    }
    text.trim_end().to_owned()
}

fn over_rounds(verdict: &Verdict) -> Option<String> {
    if verdict.plan.rounds() == 1 {
        return None;
    }
    let unsteady: Vec<_> =
        verdict.asked().filter(|judged| judged.distinct_traces > 1).map(|judged| judged.result.id).collect();
    let mut words = Vec::new();
    if verdict.plan.repeat > 1 {
        words.push(match unsteady.as_slice() {
            [] => "every repetition gave the same trace".to_owned(),
            ids => format!("traces differ between repetitions in {}", ids.join(", ")),
        });
    }
    if verdict.plan.seeds.start() != verdict.plan.seeds.end() {
        let failing: std::collections::BTreeSet<_> =
            verdict.asked().flat_map(|judged| judged.failing_seeds.iter().copied()).collect();
        words.push(match failing.len() {
            0 => "every seed passed".to_owned(),
            count => {
                let named: Vec<_> = failing.iter().take(10).map(u64::to_string).collect();
                format!("{} failed: {}", plural(count, "seed"), named.join(", "))
            }
        });
    }
    Some(words.join("; "))
}

fn next_step(lab: &Lab, verdict: &Verdict, next_lab: Option<&Lab>) -> String {
    if let Some(first) = verdict.first_failure() {
        let exercise = first.result.exercise;
        if lab.exercise(exercise).is_some() {
            let again = command(&format!("check {} --exercise {exercise}", lab.id));
            return format!("exercise {exercise}, then {again}");
        }
        return command(&format!("check {} --scenario {}", lab.id, first.result.id));
    }
    if verdict.plan.only.is_some() {
        return command(&format!("check {}", lab.id));
    }
    let compare = if lab.exercises.is_empty() {
        String::new()
    } else {
        format!("{} compares your code with the reference; ", command(&format!("diff {}", lab.id)))
    };
    match next_lab {
        Some(next) => format!("{compare}{} begins {}", next.lesson.display(), next.id),
        None => format!("{compare}this was the last lab"),
    }
}

/// The last lines that the operator printed, when they may explain why it ended.
pub(crate) fn last_words(look: Look, judged: &Judged) -> Option<String> {
    const SHOWN: usize = 12;
    let result = &judged.result;
    if !matches!(result.outcome, Outcome::Crashed | Outcome::TimedOut) {
        return None;
    }
    let output = harmless(&result.operator_output, 20_000);
    let lines: Vec<_> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return None;
    }
    let shown = lines.iter().skip(lines.len().saturating_sub(SHOWN));
    let shown: Vec<_> =
        shown.map(|line| format!("{} {}", look.dim("│"), shorten(line, look.width - 6))).collect();
    Some(shown.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn spans_are_said_as_people_say_them() {
        let check = |seconds: f64, said: &str| assert_eq!(span(seconds), said);
        check(0.0, "0.0 s");
        check(12.34, "12.3 s");
        check(802.0, "13 min 22 s");
        check(7260.0, "2 h 1 min");
    }

    #[test]
    fn lines_come_in_order_although_scenarios_do_not() {
        let (lab, results) = (example::lab(), example::results());
        let mut lines = Lines::new(Look::PLAIN, &lab, &example::SUITE, &Plan::once());
        assert_eq!(lines.decided(&results[1]), Vec::<String>::new());
        let printed: Vec<_> =
            [0, 3, 2].into_iter().flat_map(|index| lines.decided(&results[index])).collect();
        insta::assert_snapshot!(printed.join("\n"));
    }

    #[test]
    fn lines_fit_a_narrow_terminal() {
        let look = Look { width: 70, ..Look::PLAIN };
        for result in example::results() {
            let line = scenario_line(look, &result);
            assert!(line.chars().count() <= 70, "{line}");
        }
    }

    #[test]
    fn a_summary_ends_with_the_next_step() {
        insta::assert_snapshot!(summary(Look::PLAIN, &example::lab(), &example::verdict(), true, None));
    }

    #[test]
    fn errors_of_the_compiler_are_shown_in_full_and_bounded() {
        let errors: Vec<_> =
            (1..=6).map(|n| format!("error[E0308]: number {n}\n --> src/a.rs:{n}:1")).collect();
        insta::assert_snapshot!(compiler_errors(Look::PLAIN, &example::lab(), &errors));
    }
}
