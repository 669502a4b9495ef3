//! `grader cluster down`: stops a cluster.

use clap::Args;

use crate::clusters;
use crate::console::Console;
use crate::exit_code::{ExitCode, Problem};

/// Stop a cluster
#[derive(Debug, Args)]
pub(super) struct Down {
    /// The port of the cluster; needed when several run
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

impl Down {
    pub(super) fn run(self, console: &mut Console) -> Result<ExitCode, Problem> {
        let cluster = clusters::one(self.port)?;
        clusters::end(&cluster)?;
        console.line(format!("the cluster at {} is stopped", cluster.url));
        Ok(ExitCode::Passed)
    }
}
