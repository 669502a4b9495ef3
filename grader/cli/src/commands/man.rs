//! `grader man`: the manual page.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;

use super::Grader;
use crate::exit_code::{ExitCode, Problem};

/// Print the manual page, for `man -l -`
#[derive(Debug, Args)]
pub(super) struct Man {}

impl Man {
    pub(super) fn run(self) -> Result<ExitCode, Problem> {
        let mut page = Vec::new();
        Page::new(Grader::command())
            .render(&mut page)
            .map_err(|error| Problem::broken(format!("the manual page cannot be rendered: {error}")))?;
        print(&page);
        Ok(ExitCode::Passed)
    }
}

/// Writes a generated document to stdout; a reader who went away needs no more of it.
pub(super) fn print(document: &[u8]) {
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(document).and_then(|()| stdout.flush());
}
