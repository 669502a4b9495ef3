//! `grader diff`: a student's code beside the reference solution, or a submission beside the lab as it was given.

use std::path::PathBuf;

use clap::Args;
use course::Lab;
use similar::{ChangeTag, TextDiff};

use crate::build::pristine::{self, Files};
use crate::build::submission;
use crate::checkout::{Checkout, command};
use crate::console::{Console, Look, harmless};
use crate::exit_code::{ExitCode, Problem};
use crate::state::State;

/// Compare your code with the reference solution, once the lab has passed
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The lab by any name
    lab: String,
    /// Show the solution before the lab has passed
    #[arg(long)]
    instructor: bool,
    /// Show what this submission changed in the lab as it was given; with --instructor, how it differs from the solution
    #[arg(long, value_name = "DIR")]
    submission: Option<PathBuf>,
}

impl Diff {
    pub(super) fn run(self, checkout: &Checkout, console: &mut Console) -> Result<ExitCode, Problem> {
        let lab = checkout.lab(&self.lab)?;
        if lab.exercises.is_empty() {
            return Err(Problem::usage(format!(
                "{} is complete as it is given; there is nothing to compare",
                lab.id
            ))
            .next(command(&format!("check {}", lab.id))));
        }
        let (theirs, theirs_name) = match &self.submission {
            Some(folder) => (submission::take(lab, folder)?, folder.display().to_string()),
            None => {
                let folder = lab.path(&checkout.root);
                (submission::take(lab, &folder)?, checkout.shown(&folder))
            }
        };
        let theirs: Files = theirs.into_iter().collect();
        let against_skeleton = self.submission.is_some() && !self.instructor;
        let difference = if against_skeleton {
            let given = pristine::skeleton(checkout, lab)?;
            render(console.look(), lab, (&given, "as given"), (&theirs, &theirs_name))
        } else {
            self.may_see_solution(checkout, lab)?;
            let solution = pristine::solution(checkout, lab)?;
            let solution_name = checkout.shown(&lab.solution_path(&checkout.root));
            render(console.look(), lab, (&theirs, &theirs_name), (&solution, &solution_name))
        };
        console.line(difference.unwrap_or_else(|| "no difference in the lab's editable files".into()));
        Ok(ExitCode::Passed)
    }

    fn may_see_solution(&self, checkout: &Checkout, lab: &Lab) -> Result<(), Problem> {
        let passed =
            State::load(&checkout.root).progress.get(&lab.id).is_some_and(|progress| progress.once_passed);
        if self.instructor || passed {
            return Ok(());
        }
        Err(Problem::usage(format!(
            "{} has not passed yet, and the solution is worth more after that",
            lab.id
        ))
        .next(format!("{}, or --instructor to look anyway", command(&format!("hint {}", lab.id)))))
    }
}

/// A unified difference of the editable files, from `old` to `new`; `None` when they are the same.
fn render(
    look: Look,
    lab: &Lab,
    (old, old_name): (&Files, &str),
    (new, new_name): (&Files, &str),
) -> Option<String> {
    let mut lines = Vec::new();
    for file in &lab.editable {
        let text = |files: &Files| files.get(file).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let (before, after) = (text(old).unwrap_or_default(), text(new).unwrap_or_default());
        if before == after {
            continue;
        }
        let shown = file.display();
        lines.push(look.bold(&format!("--- {old_name}/{shown}")));
        lines.push(look.bold(&format!("+++ {new_name}/{shown}")));
        let diff = TextDiff::from_lines(&before, &after);
        for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
            lines.push(look.accent(hunk.header().to_string().trim_end()));
            for change in hunk.iter_changes() {
                let line = harmless(change.value().trim_end_matches('\n'), 2_000);
                lines.push(match change.tag() {
                    ChangeTag::Delete => look.bad(&format!("-{line}")),
                    ChangeTag::Insert => look.good(&format!("+{line}")),
                    ChangeTag::Equal => format!(" {line}"),
                });
            }
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn files_are_compared_as_unified_differences() {
        let files = |text: &str| Files::from([(PathBuf::from("src/derive.rs"), text.as_bytes().to_vec())]);
        let (old, new) = (files("a\nb\nc\n"), files("a\nx\nc\n"));
        let shown = render(Look::PLAIN, &example::lab(), (&old, "as given"), (&new, "ann")).unwrap();
        insta::assert_snapshot!(shown, @r"
        --- as given/src/derive.rs
        +++ ann/src/derive.rs
        @@ -1,3 +1,3 @@
         a
        -b
        +x
         c
        ");
        assert_eq!(render(Look::PLAIN, &example::lab(), (&old, "a"), (&old, "b")), None);
    }
}
