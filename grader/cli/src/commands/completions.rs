//! `grader completions`: for the shell.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Grader;
use crate::exit_code::{ExitCode, Problem};

/// Print completions for a shell
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell to print them for
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<ExitCode, Problem> {
        let mut script = Vec::new();
        generate(self.shell, &mut Grader::command(), "grader", &mut script);
        super::man::print(&script);
        Ok(ExitCode::Passed)
    }
}
