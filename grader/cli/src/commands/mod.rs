//! The commands, one file each.

mod check;
mod cluster;
mod completions;
mod dev;
mod diff;
mod doctor;
mod explain;
mod hint;
mod list;
mod man;
mod next;
mod reset;

use clap::{Parser, Subcommand};

use crate::checkout::Checkout;
use crate::console::Console;
use crate::exit_code::{ExitCode, Problem};

/// Grades the labs of the operator workbook: builds your operator, lives through stories with it that it has never
/// seen, and says what went wrong in which story, and where to read on.
#[derive(Debug, Parser)]
#[command(name = "grader", bin_name = "grader", version, after_help = exit_codes(), disable_help_subcommand = true)]
pub(crate) struct Grader {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    List(list::List),
    Next(next::Next),
    Hint(hint::Hint),
    Explain(explain::Explain),
    Diff(diff::Diff),
    Reset(reset::Reset),
    Cluster(cluster::Cluster),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(man::Man),
    Dev(dev::Dev),
}

impl Grader {
    pub(crate) fn run(self) -> Result<ExitCode, Problem> {
        match self.command {
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(),
            Command::Doctor(command) => command.run(&mut Console::stdout()),
            Command::Cluster(command) => command.run(&mut Console::stdout()),
            Command::Check(command) => command.run(&Checkout::find()?),
            Command::List(command) => command.run(&Checkout::find()?, &mut Console::stdout()),
            Command::Next(command) => command.run(&Checkout::find()?, &mut Console::stdout()),
            Command::Hint(command) => command.run(&Checkout::find()?, &mut Console::stdout()),
            Command::Explain(command) => command.run(&Checkout::find()?, &mut Console::stdout()),
            Command::Diff(command) => command.run(&Checkout::find()?, &mut Console::stdout()),
            Command::Reset(command) => command.run(&Checkout::find()?, &mut Console::stdout()),
            Command::Dev(command) => command.run(&Checkout::find()?),
        }
    }
}

fn exit_codes() -> String {
    let lines = ExitCode::TABLE.iter().map(|(code, meaning)| format!("\n  {}  {meaning}", code.number()));
    format!("Exit codes:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Grader as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn the_help_ends_with_the_exit_codes() {
        insta::assert_snapshot!(exit_codes(), @r"
        Exit codes:
          0  everything asked for passed
          1  something failed
          2  wrong usage
          3  the lab does not build
          4  this machine lacks something; the message says how to get it
          5  the grader itself broke; that costs nobody points
        ");
    }
}
