//! `grader cluster kubeconfig`: how a client reaches a cluster.

use clap::Args;

use crate::clusters;
use crate::console::Console;
use crate::exit_code::{ExitCode, Problem};

/// Print the kubeconfig of a cluster
#[derive(Debug, Args)]
pub(super) struct Kubeconfig {
    /// The port of the cluster; needed when several run
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Print where the file is instead of what it holds
    #[arg(long)]
    path: bool,
}

impl Kubeconfig {
    pub(super) fn run(self, console: &mut Console) -> Result<ExitCode, Problem> {
        let cluster = clusters::one(self.port)?;
        if self.path {
            console.line(cluster.kubeconfig.display().to_string());
            return Ok(ExitCode::Passed);
        }
        let text = std::fs::read_to_string(&cluster.kubeconfig).map_err(|error| {
            Problem::machine(format!("{} cannot be read: {error}", cluster.kubeconfig.display()))
                .next("stop the cluster and start it again")
        })?;
        console.line(text.trim_end());
        Ok(ExitCode::Passed)
    }
}
