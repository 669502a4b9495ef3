//! `grader dev skeleton`: makes labs from their solutions, and the quotes of lessons from the code they name.

use clap::Args;
use course::skeleton::{self, DifferenceKind};
use course::{Lab, quote};

use crate::checkout::{Checkout, command};
use crate::console::Console;
use crate::exit_code::{ExitCode, Problem};
use crate::files;

/// Make labs from their solutions
#[derive(Debug, Args)]
pub(super) struct Skeleton {
    /// The labs; all unless given
    labs: Vec<String>,
    /// Change nothing; fail when a lab is out of step with its solution
    #[arg(long)]
    check: bool,
}

impl Skeleton {
    pub(super) fn run(self, checkout: &Checkout) -> Result<ExitCode, Problem> {
        let mut console = Console::stdout();
        let mut code = ExitCode::Passed;
        for lab in super::labs(checkout, &self.labs)? {
            if !self.refresh_quotes(checkout, lab, &mut console)? {
                code = ExitCode::Failed;
            }
            if lab.exercises.is_empty() {
                continue;
            }
            let broken = |error: anyhow::Error| Problem::broken(format!("{error:#}"));
            let folder = lab.path(&checkout.root);
            let differences = skeleton::differences(&checkout.root, lab).map_err(broken)?;
            let made = skeleton::generate(&checkout.root, lab).map_err(broken)?;
            for difference in &differences {
                let file = checkout.shown(&folder.join(&difference.file));
                let fresh = made.iter().find(|(path, _)| *path == difference.file).map(|(_, bytes)| bytes);
                match (difference.kind, fresh) {
                    (DifferenceKind::Stray, _) => {
                        console.line(format!("{file} is not in the solution; remove it or add it there"));
                        code = ExitCode::Failed;
                    }
                    (DifferenceKind::Missing | DifferenceKind::Changed, Some(bytes)) if !self.check => {
                        files::write_if_changed(&folder.join(&difference.file), bytes)?;
                        console.line(format!("made  {file}"));
                    }
                    (DifferenceKind::Missing | DifferenceKind::Changed, _) => {
                        console.line(format!("{file} is not what its solution makes"));
                        code = ExitCode::Failed;
                    }
                }
            }
            if differences.is_empty() {
                console.line(format!("{} is in step with its solution", lab.id));
            }
        }
        if code == ExitCode::Failed && self.check {
            console.line(format!("  next  {}", command("dev skeleton")));
        }
        Ok(code)
    }

    /// Makes the code that the lab's lesson shows what it is where it comes from. Whether all is well then.
    fn refresh_quotes(&self, checkout: &Checkout, lab: &Lab, console: &mut Console) -> Result<bool, Problem> {
        let broken = |error: anyhow::Error| Problem::broken(format!("{error:#}"));
        if !self.check {
            let (fresh, _) = quote::refreshed(&checkout.root, &lab.lesson).map_err(broken)?;
            files::write_if_changed(&checkout.root.join(&lab.lesson), fresh.as_bytes())?;
        }
        let mistakes = quote::check(&checkout.root, &lab.lesson).map_err(broken)?;
        for mistake in &mistakes {
            console.line(format!("{}, {mistake}", lab.lesson.display()));
        }
        Ok(mistakes.is_empty())
    }
}
