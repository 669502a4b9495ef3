//! `grader list`: labs, exercises, progress.

use clap::Args;
use course::Lab;

use crate::checkout::{Checkout, command};
use crate::console::{Console, Look, shorten};
use crate::exit_code::{ExitCode, Problem};
use crate::selection;
use crate::state::State;

/// List labs and exercises with your progress
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only this lab, with its scenarios
    lab: Option<String>,
}

impl List {
    pub(super) fn run(self, checkout: &Checkout, console: &mut Console) -> Result<ExitCode, Problem> {
        let state = State::load(&checkout.root);
        let look = console.look();
        if let Some(name) = &self.lab {
            let lab = checkout.lab(name)?;
            console.line(lab_line(look, lab, &state));
            exercises(lab, &state, console)?;
            console.line(format!("\n  next  {}", command(&format!("check {}", lab.id))));
            return Ok(ExitCode::Passed);
        }
        for lab in &checkout.course.labs {
            console.line(lab_line(look, lab, &state));
            for exercise in &lab.exercises {
                let earned = earned(&state, lab, exercise.number);
                let points = format!(
                    "{}/{}",
                    earned.map_or("–".to_owned(), |points| points.to_string()),
                    exercise.points
                );
                let title = shorten(&exercise.title, look.width.saturating_sub(30));
                console.line(format!("    {points:>7}  {}. {title}", exercise.number));
            }
        }
        console.line(format!("\n  next  {}", command("next")));
        Ok(ExitCode::Passed)
    }
}

fn exercises(lab: &Lab, state: &State, console: &mut Console) -> Result<(), Problem> {
    let look = console.look();
    let suite = selection::suite(lab)?;
    let mut heading = None;
    let mut scenarios: Vec<_> = suite.scenarios.iter().collect();
    scenarios.sort_by_key(|scenario| scenario.exercise);
    for scenario in scenarios {
        if let Some(exercise) = lab.exercise(scenario.exercise)
            && heading != Some(exercise.number)
        {
            heading = Some(exercise.number);
            let earned = earned(state, lab, exercise.number);
            let earned = earned.map_or("not judged yet".to_owned(), |points| {
                format!("{points} of {} points", exercise.points)
            });
            console
                .line(look.bold(&format!("\nExercise {}  {}  ({earned})", exercise.number, exercise.title)));
        }
        let title = shorten(scenario.title, look.width.saturating_sub(22));
        console.line(format!("  {}  {:>3}  {title}", scenario.id, scenario.points));
    }
    Ok(())
}

fn earned(state: &State, lab: &Lab, exercise: u8) -> Option<u32> {
    state.progress.get(&lab.id)?.exercises.get(&exercise).copied()
}

fn lab_line(look: Look, lab: &Lab, state: &State) -> String {
    let progress = state.progress.get(&lab.id);
    let (earned, possible) =
        progress.map_or((0, 100), |progress| (progress.earned, progress.possible.max(1)));
    let bar = bar(earned, possible);
    let points = progress
        .map_or("not judged yet".to_owned(), |progress| format!("{}/{}", progress.earned, progress.possible));
    let title = shorten(&lab.title, look.width.saturating_sub(52));
    format!(
        "{}  {bar}  {points:<14}  {title}  {}",
        look.bold(&lab.id),
        look.dim(&format!("{} min", lab.minutes))
    )
}

fn bar(earned: u32, possible: u32) -> String {
    let full = (earned.min(possible) * 10 / possible.max(1)) as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(10 - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_full_only_when_everything_is_earned() {
        assert_eq!(bar(0, 100), "░░░░░░░░░░");
        assert_eq!(bar(99, 100), "█████████░");
        assert_eq!(bar(100, 100), "██████████");
        assert_eq!(bar(500, 100), "██████████");
        assert_eq!(bar(0, 0), "░░░░░░░░░░");
    }
}
