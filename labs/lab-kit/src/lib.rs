//! Runs a lab's operator. A lab's `main` calls [`main`] and nothing else:
//!
//! ```no_run
//! # async fn run(context: lab_kit::Context) -> anyhow::Result<()> { Ok(()) }
//! fn main() -> std::process::ExitCode {
//!     lab_kit::main(Vec::new, run)
//! }
//! ```
//!
//! There are two ways to run, and the operator cannot tell which:
//! - **Live**, the usual one: against the cluster of the current kubeconfig. `crd` as the only argument prints the
//!   operator's CustomResourceDefinitions as YAML instead.
//! - **Simulated**: a grader holds the other end of a socket and owns the API server and time.

mod context;
mod live;
mod pinned;
mod simulated;

pub use context::Context;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use lab_kit_protocol::Mode;
use std::process::ExitCode;

/// Runs an operator until it ends or is told to end.
///
/// `definitions` makes the CustomResourceDefinitions that it brings along; `run` is the operator, which is not
/// expected to return.
pub fn main<Run, Running>(definitions: impl FnOnce() -> Vec<CustomResourceDefinition>, run: Run) -> ExitCode
where
    Run: FnOnce(Context) -> Running + Send,
    Running: Future<Output = anyhow::Result<()>>,
{
    match Mode::of_environment() {
        Some(Mode::Simulated) => simulated::main(run),
        Some(Mode::Definitions) => simulated::show_definitions(&definitions()),
        None => live::main(definitions, run),
    }
}
