//! `grader dev prose`: keeps the prose true.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use clap::Args;

use crate::checkout::Checkout;
use crate::console::Console;
use crate::exit_code::{ExitCode, Problem};

/// Check that links lead somewhere and that the commands readers are told to type work
#[derive(Debug, Args)]
pub(super) struct Prose {
    /// Type the commands as well, and compare their exit codes
    #[arg(long)]
    run: bool,
}

impl Prose {
    pub(super) fn run(self, checkout: &Checkout) -> Result<ExitCode, Problem> {
        let mut console = Console::stdout();
        let mut code = ExitCode::Passed;
        let broken = |error: anyhow::Error| Problem::broken(format!("{error:#}"));
        for dead in prose::links(&checkout.root).map_err(broken)? {
            console.line(format!(
                "{}: the link {} is dead: {}",
                dead.file.display(),
                dead.target,
                dead.reason
            ));
            code = ExitCode::Failed;
        }
        let mut typed = BTreeSet::new();
        for command in prose::commands(&checkout.root).map_err(broken)? {
            if !self.run || command.norun || !typed.insert((command.line.clone(), command.exit)) {
                continue;
            }
            let ended = in_a_shell(checkout, &command.line)?;
            let verdict = if ended == Some(command.exit) { "ok    " } else { "FAILED" };
            console.line(format!("{verdict}  {}: {}", command.file.display(), command.line));
            if ended != Some(command.exit) {
                let ended = ended.map_or("no exit code".to_owned(), |ended| format!("exit code {ended}"));
                console.line(format!("        expected exit code {}, got {ended}", command.exit));
                code = ExitCode::Failed;
            }
        }
        if code == ExitCode::Passed {
            console.line("the prose is true");
        }
        Ok(code)
    }
}

/// The exit code of a command line, typed at the root of the checkout with nobody at the keyboard.
fn in_a_shell(checkout: &Checkout, line: &str) -> Result<Option<i32>, Problem> {
    let status = Command::new("sh")
        .args(["-c", line])
        .current_dir(&checkout.root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| Problem::machine(format!("no shell can be started to type `{line}`: {error}")))?;
    Ok(status.code())
}
