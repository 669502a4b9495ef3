//! `grader hint`: the next hint, and those that were shown before.

use clap::Args;
use course::{Exercise, Lab};

use crate::checkout::{Checkout, command};
use crate::console::{Console, Look, wrap};
use crate::exit_code::{ExitCode, Problem};
use crate::selection;
use crate::state::State;

/// Show the next hint for an exercise, and the earlier ones again
#[derive(Debug, Args)]
pub(super) struct Hint {
    /// The lab by any name
    lab: String,
    /// The exercise; without it, the first that lacks points
    exercise: Option<u8>,
    /// Show the earlier hints only
    #[arg(long)]
    again: bool,
}

impl Hint {
    pub(super) fn run(self, checkout: &Checkout, console: &mut Console) -> Result<ExitCode, Problem> {
        let lab = checkout.lab(&self.lab)?;
        let mut state = State::load(&checkout.root);
        let exercise = self.exercise(lab, &state)?;
        let shown = state.hints.entry(lab.id.clone()).or_default().entry(exercise.number).or_default();
        if !self.again || *shown == 0 {
            *shown = (*shown + 1).min(exercise.hints.len());
        }
        let text = render(console.look(), lab, exercise, *shown);
        state.save(&checkout.root);
        console.line(text);
        Ok(ExitCode::Passed)
    }

    fn exercise<'a>(&self, lab: &'a Lab, state: &State) -> Result<&'a Exercise, Problem> {
        if lab.exercises.is_empty() {
            return Err(Problem::usage(format!("{} is complete and needs no hints", lab.id))
                .next(command(&format!("check {}", lab.id))));
        }
        let number = self.exercise.or_else(|| super::next::first_open_exercise(lab, state)).unwrap_or(1);
        lab.exercise(number).ok_or_else(|| selection::no_exercise(lab, number))
    }
}

fn render(look: Look, lab: &Lab, exercise: &Exercise, shown: usize) -> String {
    let mut lines =
        vec![look.bold(&format!("Lab {:02}, exercise {}  {}", lab.number, exercise.number, exercise.title))];
    for (index, hint) in exercise.hints.iter().take(shown).enumerate() {
        lines.push(String::new());
        let label = format!("Hint {} of {}", index + 1, exercise.hints.len());
        lines.push(if index + 1 == shown { look.accent(&label) } else { look.dim(&label) });
        // The last hint shows the shape of code, whose line breaks and indentation matter.
        if index + 1 == exercise.hints.len() {
            lines.extend(hint.trim_end().lines().map(|line| format!("  {line}").trim_end().to_owned()));
        } else {
            lines.extend(wrap(hint.trim(), look.width - 2).into_iter().map(|line| format!("  {line}")));
        }
    }
    lines.push(String::new());
    lines.push(format!("  read  {}#{}", lab.lesson.display(), exercise.lesson_section));
    let check = command(&format!("check {} --exercise {}", lab.id, exercise.number));
    let more = command(&format!("hint {} {}", lab.id, exercise.number));
    lines.push(if shown < exercise.hints.len() {
        format!("  next  {check}   or   {more}")
    } else {
        format!("  next  {check}")
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn earlier_hints_are_shown_with_the_next_one() {
        let lab = example::lab();
        let text = render(Look::PLAIN, &lab, &lab.exercises[1], 2);
        insta::assert_snapshot!(text);
    }
}
