//! `grader cluster up`: starts a cluster.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};
use controlplane::controllers::ControllerSet;
use controlplane_server::{Cluster, DataError, Limits, Settings, StartError, tokens};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::checkout::command;
use crate::clusters::Claim;
use crate::console::Console;
use crate::exit_code::{ExitCode, Problem};
use crate::{files, interrupt};

/// Start a cluster, and keep it until Ctrl-C or `cluster down`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("kind-of-cluster").required(true))]
pub(super) struct Up {
    /// The control plane that is part of this program: a Kubernetes API in milliseconds, without Docker
    #[arg(long, group = "kind-of-cluster")]
    embedded: bool,
    /// A cluster made by kind
    #[arg(long, group = "kind-of-cluster")]
    kind: bool,
    /// Where to listen on 127.0.0.1; 0 takes any free port
    #[arg(long, value_name = "PORT", default_value_t = 6443)]
    port: u16,
    /// Bearer tokens, one `token,user,uid,"group,group"` a line, as kube-apiserver reads them
    #[arg(long, value_name = "FILE")]
    token_auth_file: Option<PathBuf>,
    /// Where to write the kubeconfig; `ca.crt` is written beside it
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Whether pods are scheduled and become ready, as if there was a node
    #[arg(long, value_name = "ON|OFF", default_value = "on")]
    node_simulator: Switch,
    /// Which controllers run, in the syntax of kube-controller-manager: `*`, `NAME`, `-NAME`; empty for none
    #[arg(long, value_name = "LIST", default_value = "*", allow_hyphen_values = true)]
    controllers: String,
    /// Where the cluster is kept: what is in it survives `cluster down`, and kubeconfigs stay valid
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Return as soon as the cluster is ready; `cluster down` stops it
    #[arg(long)]
    detach: bool,
    /// This process is the one that stays
    #[arg(long, hide = true, conflicts_with = "detach")]
    detached: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Up {
    pub(super) fn run(self, console: &mut Console) -> Result<ExitCode, Problem> {
        if self.kind {
            return Err(Problem::machine(
                "`cluster up --kind` is not available in this version of the grader",
            )
            .next(command("cluster up --embedded")));
        }
        if let Some(path) = &self.kubeconfig {
            refuse_own_kubeconfig(path)?;
        }
        let settings = self.settings()?;
        if self.detach { stay_behind(console) } else { self.serve(settings, console) }
    }

    fn serve(self, settings: Settings, console: &mut Console) -> Result<ExitCode, Problem> {
        allow_many_clients();
        let cluster = Cluster::new(settings).map_err(cannot_start)?;
        let port = cluster.address().port();
        let claim = match Claim::new(port) {
            // Who says where the kubeconfig goes and stays to stop the cluster needs no folder of ours.
            Err(_) if self.kubeconfig.is_some() && !self.detached => None,
            claim => Some(claim?),
        };
        let in_folder = |name: &str| claim.as_ref().map(|claim| claim.folder().join(name));
        let kubeconfig = self.kubeconfig.or_else(|| in_folder("kubeconfig")).unwrap_or_default();
        files::write_private(&kubeconfig, cluster.kubeconfig().as_bytes())?;
        files::write_whole(&kubeconfig.with_file_name("ca.crt"), cluster.certificate().as_bytes())?;
        let kubeconfig = std::path::absolute(&kubeconfig).unwrap_or(kubeconfig);
        let stop = cluster.stopper();
        interrupt::end_orderly(move || stop.stop());
        if self.detached {
            detach(&in_folder("log").unwrap_or_default())?;
        }
        if let Some(claim) = &claim {
            claim.publish(port, cluster.url(), kubeconfig.clone())?;
        }
        console.line(format!("ready at {}  KUBECONFIG={}", cluster.url(), kubeconfig.display()));
        cluster.run().map_err(|error| Problem::machine(format!("the cluster: {}", with_causes(&error))))?;
        Ok(ExitCode::Passed)
    }

    fn settings(&self) -> Result<Settings, Problem> {
        let controllers: ControllerSet = self
            .controllers
            .parse()
            .map_err(|error| Problem::usage(format!("--controllers {}: {error}", self.controllers)))?;
        let tokens = match &self.token_auth_file {
            None => Default::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| Problem::usage(format!("{} cannot be read: {error}", path.display())))?;
                tokens::parse(&text).map_err(|error| {
                    Problem::usage(format!("{}: {error}", path.display()))
                        .next("write one `token,user,uid,\"group,group\"` on each line")
                })?
            }
        };
        Ok(Settings {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)),
            controllers: match self.node_simulator {
                Switch::On => controllers,
                Switch::Off => controllers.without("node-simulator"),
            },
            tokens,
            limits: Limits::default(),
            data: self.data.clone(),
        })
    }
}

/// As many connections as the system lets a process have at most: what it has to begin with, a few hundred on some, one
/// client could take.
fn allow_many_clients() {
    let limit = getrlimit(Resource::Nofile);
    // macOS says that there is no limit, and takes no more than this.
    let tried = [limit.maximum, Some(10_240)];
    let _ = tried.into_iter().any(|current| setrlimit(Resource::Nofile, Rlimit { current, ..limit }).is_ok());
}

/// Starts this program once more, without a terminal, and returns when that is ready.
fn stay_behind(console: &mut Console) -> Result<ExitCode, Problem> {
    let cannot = |error: std::io::Error| Problem::machine(format!("the cluster cannot be started: {error}"));
    let arguments = std::env::args_os().skip(1).map(|argument| match argument == "--detach" {
        true => "--detached".into(),
        false => argument,
    });
    let mut child = Command::new(std::env::current_exe().map_err(cannot)?)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(cannot)?;
    }
    if !line.is_empty() {
        console.line(line.trim_end());
        return Ok(ExitCode::Passed);
    }
    let mut why = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut why).map_err(cannot)?;
    }
    child.wait().map_err(cannot)?;
    let why = why.trim_end();
    Err(Problem::machine(why.strip_prefix("error: ").unwrap_or(why)))
}

/// Lets go of the terminal, and of whoever waits for the line that says ready.
fn detach(log: &Path) -> Result<(), Problem> {
    let cannot = |error: &dyn std::fmt::Display| {
        Problem::machine(format!("{} cannot be written: {error}", log.display()))
    };
    let file = std::fs::File::create(log).map_err(|error| cannot(&error))?;
    rustix::stdio::dup2_stderr(&file).map_err(|error| cannot(&error))?;
    // It fails only for a process that leads a group already, and then there is no terminal to let go of.
    let _ = rustix::process::setsid();
    Ok(())
}

fn refuse_own_kubeconfig(path: &Path) -> Result<(), Problem> {
    let own = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".kube/config"));
    let real = |path: &Path| std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).ok();
    match own {
        Some(own) if real(&own) == real(path) => Err(Problem::usage(format!(
            "{} is your own kubeconfig, which the grader never touches",
            path.display()
        ))
        .next("choose another file, and set KUBECONFIG to it")),
        _ => Ok(()),
    }
}

fn cannot_start(error: StartError) -> Problem {
    let problem = Problem::machine(with_causes(&error));
    match error {
        StartError::Listen { .. } => problem.next(format!(
            "{} shows what runs; choose another port with --port, or let --port 0 find one",
            command("cluster status")
        )),
        StartError::Data { source: DataError::InUse, .. } => problem.next(format!(
            "{} shows what runs; stop that cluster, or choose another file with --data",
            command("cluster status")
        )),
        StartError::Data { .. } => problem.next("move the file away to begin with an empty cluster"),
        StartError::Keys(_) => problem,
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
