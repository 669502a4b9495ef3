//! `grader dev`: for the people who write the course.

mod prose;
mod record;
mod skeleton;
mod verify;

use clap::{Args, Subcommand};

use crate::checkout::Checkout;
use crate::exit_code::{ExitCode, Problem};

/// For authors of the course: labs from solutions, and the grader graded
#[derive(Debug, Args)]
pub(super) struct Dev {
    #[command(subcommand)]
    command: DevCommand,
}

#[derive(Debug, Subcommand)]
enum DevCommand {
    Skeleton(skeleton::Skeleton),
    Verify(verify::Verify),
    Record(record::Record),
    Prose(prose::Prose),
}

impl Dev {
    pub(super) fn run(self, checkout: &Checkout) -> Result<ExitCode, Problem> {
        match self.command {
            DevCommand::Skeleton(command) => command.run(checkout),
            DevCommand::Verify(command) => command.run(checkout),
            DevCommand::Record(command) => command.run(checkout),
            DevCommand::Prose(command) => command.run(checkout),
        }
    }
}

/// The labs that are meant: those that are named, or all.
fn labs<'a>(checkout: &'a Checkout, names: &[String]) -> Result<Vec<&'a course::Lab>, Problem> {
    if names.is_empty() || names.iter().any(|name| name == "all") {
        return Ok(checkout.course.labs.iter().collect());
    }
    names.iter().map(|name| checkout.lab(name)).collect()
}
