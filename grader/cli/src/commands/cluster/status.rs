//! `grader cluster status`: which clusters run.

use clap::Args;

use crate::checkout::command;
use crate::clusters;
use crate::console::Console;
use crate::exit_code::{ExitCode, Problem};

/// List the clusters that run
#[derive(Debug, Args)]
pub(super) struct Status {}

impl Status {
    pub(super) fn run(self, console: &mut Console) -> Result<ExitCode, Problem> {
        let running = clusters::running()?;
        for cluster in &running {
            console.line(format!("{}  KUBECONFIG={}", cluster.url, cluster.kubeconfig.display()));
        }
        if running.is_empty() {
            console.line("no cluster runs");
            console.line(format!("\n  next  {}", command("cluster up --embedded --detach")));
        }
        Ok(ExitCode::Passed)
    }
}
