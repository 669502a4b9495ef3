//! `grader cluster`: a Kubernetes API for kubectl and for operators.

mod down;
mod kubeconfig;
mod status;
mod up;

use clap::{Args, Subcommand};

use crate::console::Console;
use crate::exit_code::{ExitCode, Problem};

/// Start, find and stop a Kubernetes API for kubectl
#[derive(Debug, Args)]
pub(super) struct Cluster {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::Up),
    Down(down::Down),
    Status(status::Status),
    Kubeconfig(kubeconfig::Kubeconfig),
}

impl Cluster {
    pub(super) fn run(self, console: &mut Console) -> Result<ExitCode, Problem> {
        match self.command {
            Command::Up(command) => command.run(console),
            Command::Down(command) => command.run(console),
            Command::Status(command) => command.run(console),
            Command::Kubeconfig(command) => command.run(console),
        }
    }
}
