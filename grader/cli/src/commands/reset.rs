//! `grader reset`: back to the lab as it was given. The only command that changes a student's files.

use std::path::{Path, PathBuf};

use clap::Args;
use course::{Lab, todo};

use crate::build::pristine;
use crate::checkout::{Checkout, command};
use crate::console::Console;
use crate::exit_code::{ExitCode, Problem};
use crate::{files, selection, state};

/// Take a lab, or one exercise, back to how it was given; keeps a copy of your work and says where
#[derive(Debug, Args)]
pub(super) struct Reset {
    /// The lab by any name
    lab: String,
    /// Only the files of this exercise
    exercise: Option<u8>,
}

impl Reset {
    pub(super) fn run(self, checkout: &Checkout, console: &mut Console) -> Result<ExitCode, Problem> {
        let lab = checkout.lab(&self.lab)?;
        if lab.exercises.is_empty() {
            return Err(Problem::usage(format!("{} is complete as it is given", lab.id))
                .next("git checkout brings back a file of it that you changed"));
        }
        let given = pristine::skeleton(checkout, lab)?;
        let folder = lab.path(&checkout.root);
        let mut changed = Vec::new();
        for file in self.files(checkout, lab)? {
            let bytes = given.get(&file).ok_or_else(|| {
                Problem::broken(format!("the solution of {} has no {}", lab.id, file.display()))
            })?;
            let current = std::fs::read(folder.join(&file)).ok();
            if current.as_ref() != Some(bytes) {
                changed.push((file, current, bytes));
            }
        }
        if changed.is_empty() {
            console.line(format!("{} is as it was given", checkout.shown(&folder)));
            return Ok(ExitCode::Passed);
        }
        // Everything is kept before anything is changed.
        let copy = new_backup(&checkout.root, lab)?;
        for (file, current, _) in &changed {
            if let Some(current) = current {
                files::write_if_changed(&copy.join(file), current)?;
            }
        }
        for (file, _, bytes) in &changed {
            files::write_if_changed(&folder.join(file), bytes)?;
            console.line(format!("as given  {}", checkout.shown(&folder.join(file))));
        }
        console.line(format!("your work is in {}", checkout.shown(&copy)));
        console.line(format!("  next  {}", command(&format!("check {}", lab.id))));
        Ok(ExitCode::Passed)
    }

    /// The files to reset: all editable ones, or those in which the exercise has its TODO.
    fn files(&self, checkout: &Checkout, lab: &Lab) -> Result<Vec<PathBuf>, Problem> {
        let Some(number) = self.exercise else { return Ok(lab.editable.clone()) };
        if lab.exercise(number).is_none() {
            return Err(selection::no_exercise(lab, number));
        }
        let given = pristine::skeleton(checkout, lab)?;
        let holds = |file: &PathBuf| {
            let text = given.get(file).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
            todo::in_text(file, &text).iter().any(|todo| todo.exercise == number)
        };
        Ok(lab.editable.iter().filter(|file| holds(file)).cloned().collect())
    }
}

/// A new folder for a copy; earlier copies stay.
fn new_backup(root: &Path, lab: &Lab) -> Result<PathBuf, Problem> {
    let all = root.join(state::FOLDER).join("backups").join(&lab.id);
    files::create_folder(&all)?;
    for number in 1..10_000 {
        let folder = all.join(number.to_string());
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(Problem::machine(format!("{} cannot be created: {error}", folder.display()))
                    .next("check the permissions and the space there; nothing was reset"));
            }
        }
    }
    Err(Problem::machine(format!("{} is full of copies", all.display())).next("remove those you do not need"))
}
