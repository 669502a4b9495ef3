//! `grader next`: the next thing to do.

use std::path::Path;

use clap::Args;
use course::{Lab, todo};

use crate::checkout::{Checkout, command};
use crate::console::{Console, wrap};
use crate::exit_code::{ExitCode, Problem};
use crate::state::State;

/// Say the next thing to do
#[derive(Debug, Args)]
pub(super) struct Next {}

impl Next {
    pub(super) fn run(self, checkout: &Checkout, console: &mut Console) -> Result<ExitCode, Problem> {
        let look = console.look();
        let state = State::load(&checkout.root);
        let Some(lab) = first_open(checkout, &state) else {
            console.line("Every lab has passed. Well done.");
            return Ok(ExitCode::Passed);
        };
        console.line(look.bold(&format!("Lab {:02}  {}", lab.number, lab.title)));
        let Some(exercise) = first_open_exercise(lab, &state).and_then(|number| lab.exercise(number)) else {
            console.line(format!("  read  {}", lab.lesson.display()));
            console.line(format!("  next  {}", command(&format!("check {}", lab.id))));
            return Ok(ExitCode::Passed);
        };
        console
            .line(format!("Exercise {}  {}  ({} points)", exercise.number, exercise.title, exercise.points));
        let folder = lab.path(&checkout.root);
        let open =
            todo::positions(&folder, &lab.editable).into_iter().find(|todo| todo.exercise == exercise.number);
        if let Some(todo) = open {
            let file = checkout.shown(&folder.join(&todo.file));
            console.line(format!("  at    {}", look.accent(&format!("{file}:{}", todo.line))));
            for line in wrap(&todo.text, look.width - 8) {
                console.line(format!("        {line}"));
            }
        }
        console.line(format!("  read  {}#{}", lab.lesson.display(), exercise.lesson_section));
        let check = command(&format!("check {} --exercise {}", lab.id, exercise.number));
        let hint = command(&format!("hint {} {}", lab.id, exercise.number));
        console.line(format!("  next  {check}   or   {hint}"));
        Ok(ExitCode::Passed)
    }
}

/// The lab that is meant when none is named: the one around the current folder, or else the first that is open.
pub(super) fn current(checkout: &Checkout) -> Result<&Lab, Problem> {
    let here = std::env::current_dir().unwrap_or_default();
    let inside = |folder: &Path| here.starts_with(folder);
    if let Some(lab) = checkout.course.labs.iter().find(|lab| inside(&lab.path(&checkout.root))) {
        return Ok(lab);
    }
    let state = State::load(&checkout.root);
    first_open(checkout, &state).or(checkout.course.labs.last()).ok_or_else(|| {
        Problem::broken("the course has no labs").next("git status: labs/labs.toml lists them")
    })
}

fn first_open<'a>(checkout: &'a Checkout, state: &State) -> Option<&'a Lab> {
    let done = |lab: &Lab| {
        state
            .progress
            .get(&lab.id)
            .is_some_and(|progress| progress.possible > 0 && progress.earned >= progress.possible)
    };
    checkout.course.labs.iter().find(|lab| !done(lab))
}

/// The first exercise that lacks points.
pub(super) fn first_open_exercise(lab: &Lab, state: &State) -> Option<u8> {
    let earned = |number: u8| {
        state.progress.get(&lab.id).and_then(|progress| progress.exercises.get(&number)).copied().unwrap_or(0)
    };
    lab.exercises
        .iter()
        .find(|exercise| earned(exercise.number) < exercise.points)
        .map(|exercise| exercise.number)
}
