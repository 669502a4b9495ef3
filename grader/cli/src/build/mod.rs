//! From a lab's files to an operator's binary.
//!
//! A lab in its own folder is built where it is, as the student would build it. Everything else, submissions and
//! the operators that the grader is graded with, is put together in a [`workshop`] under the target folder: the
//! files under judgement on top of a pristine lab.

mod cargo;
pub(crate) mod mutant;
pub(crate) mod pristine;
pub(crate) mod submission;
pub(crate) mod workshop;

use std::path::PathBuf;

use course::Lab;

use crate::checkout::Checkout;
use crate::console::Console;
use crate::exit_code::Problem;

/// A built operator.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    pub(crate) executable: PathBuf,
    /// On the wall clock, 0.1 s or so when nothing had changed.
    pub(crate) seconds: f64,
    /// How many warnings the compiler had about the lab's own code.
    pub(crate) warnings: usize,
}

/// Why there is no operator.
#[derive(Debug)]
pub(crate) enum BuildError {
    /// The compiler refused the lab's code.
    Compiler {
        /// As the compiler renders them, made harmless.
        errors: Vec<String>,
        seconds: f64,
    },
    /// Something else stood in the way.
    Problem(Problem),
}

impl From<Problem> for BuildError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Builds the lab in its own folder, or its solution in its own.
pub(crate) fn in_place(
    checkout: &Checkout,
    lab: &Lab,
    package: &str,
    console: &mut Console,
) -> Result<Built, BuildError> {
    let order = cargo::Order {
        folder: &checkout.root,
        manifest: &checkout.root.join("Cargo.toml"),
        package,
        artifacts: None,
        label: &lab.id,
    };
    cargo::build(&order, console)
}
