//! `grader`: grades the labs of the workbook.
//!
//! Each command is a file in `commands`, all of one shape: its arguments, then `run`. What they share, in the order
//! in which a check uses it: the [`checkout`] and its course, the [`selection`] of what to judge, the [`build`] of
//! an operator, the [`verdict`] on it, and its [`report`].

mod build;
mod checkout;
mod clusters;
mod commands;
mod console;
mod exit_code;
mod files;
mod interrupt;
mod matrix;
mod report;
mod selection;
mod state;
mod verdict;

use std::panic::catch_unwind;
use std::process;

use clap::Parser;

use commands::Grader;
use console::Console;
use exit_code::ExitCode;

fn main() -> process::ExitCode {
    let grader = Grader::parse();
    interrupt::install();
    let ended = catch_unwind(|| grader.run());
    let code = match ended {
        Ok(Ok(code)) => code,
        Ok(Err(problem)) => {
            let mut console = Console::stderr();
            let look = console.look();
            console.line(format!("{} {problem}", look.bad("error:")));
            problem.exit_code
        }
        Err(_) => {
            let mut console = Console::stderr();
            let look = console.look();
            let report =
                "the grader broke. That is its own fault and costs no points; please report what is above";
            console.line(format!("{} {report}", look.bad("error:")));
            ExitCode::GraderBroke
        }
    };
    code.number().into()
}
