//! The checkout of the workbook that a command works on.

use std::path::{Path, PathBuf};

use course::{Course, Lab};

use crate::exit_code::Problem;

/// A checkout and the course in it.
#[derive(Debug)]
pub(crate) struct Checkout {
    pub(crate) root: PathBuf,
    pub(crate) course: Course,
}

impl Checkout {
    /// The checkout around the current folder, or else the one that this binary was built in.
    ///
    /// # Errors
    ///
    /// There is none, or its list of labs cannot be read.
    pub(crate) fn find() -> Result<Self, Problem> {
        let here = std::env::current_dir()
            .map_err(|error| Problem::machine(format!("the current folder cannot be read: {error}")))?;
        let binary = std::env::current_exe().ok();
        let root = around(&here).or_else(|| around(binary.as_deref()?)).ok_or_else(|| {
            Problem::usage(format!("{} is not inside a checkout of the workbook", here.display()))
                .next(format!("cd into the checkout, the folder that holds {}", course::list::FILE))
        })?;
        let course = Course::load(&root).map_err(|error| Problem::broken(format!("{error:#}")))?;
        Ok(Self { root, course })
    }

    /// The lab by any of its names.
    pub(crate) fn lab(&self, name: &str) -> Result<&Lab, Problem> {
        self.course.find(name).map_err(|unknown| Problem::usage(unknown.to_string()).next(command("list")))
    }

    /// `path` as people write it: relative to the checkout where it is inside.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// Whether the checkout holds the lab's solution. A handout does not.
    pub(crate) fn has_solution(&self, lab: &Lab) -> bool {
        lab.solution_path(&self.root).join("Cargo.toml").is_file()
    }
}

/// The checkout around the current folder, if there is one.
pub(crate) fn around_here() -> Option<PathBuf> {
    around(&std::env::current_dir().ok()?)
}

fn around(place: &Path) -> Option<PathBuf> {
    place.ancestors().find(|folder| folder.join(course::list::FILE).is_file()).map(Path::to_owned)
}

/// A command of the grader as this person types it: `cargo grader …` from a checkout, `grader …` when installed.
pub(crate) fn command(arguments: &str) -> String {
    let program = if std::env::var_os("CARGO_MANIFEST_DIR").is_some() { "cargo grader" } else { "grader" };
    format!("{program} {arguments}")
}
