//! The clusters that run on this machine: each has a folder, named by its port, with what others need to find it.
//!
//! A cluster holds a lock on its folder for as long as it lives. So a folder whose lock is free is what a killed
//! cluster left behind, and the process id in a folder whose lock is held is that of the cluster and of nothing else.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::checkout::{self, command};
use crate::exit_code::Problem;
use crate::{files, state};

/// How long a cluster that was told to stop may take; it cuts its last clients off long before.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What is known of a running cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) port: u16,
    pub(crate) url: String,
    pub(crate) kubeconfig: PathBuf,
    process: i32,
}

/// A cluster's hold on its folder. Dropped, the folder goes.
#[derive(Debug)]
pub(crate) struct Claim {
    folder: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Claim {
    /// Takes the folder of the cluster on this port, which listens already: nobody else has that port.
    ///
    /// # Errors
    ///
    /// There is no place for it, or it cannot be written to.
    pub(crate) fn new(port: u16) -> Result<Self, Problem> {
        let folder = root()?.join(port.to_string());
        files::create_folder(&folder)?;
        let cannot = |error: &dyn std::fmt::Display| {
            Problem::machine(format!("{} cannot be locked: {error}", folder.display()))
        };
        let lock = File::create(folder.join("lock")).map_err(|error| cannot(&error))?;
        lock.try_lock().map_err(|error| cannot(&error))?;
        Ok(Self { folder, _lock: lock })
    }

    /// Where the cluster's files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lets others find the cluster.
    pub(crate) fn publish(&self, port: u16, url: String, kubeconfig: PathBuf) -> Result<(), Problem> {
        let process = rustix::process::getpid().as_raw_nonzero().get();
        let running = Running { port, url, kubeconfig, process };
        let text = serde_json::to_vec_pretty(&running).map_err(|error| Problem::broken(error.to_string()))?;
        files::write_whole(&self.folder.join(RECORD), &text)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // What cannot be removed is recognised by its free lock.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const RECORD: &str = "cluster.json";

/// Every cluster that runs, by port.
pub(crate) fn running() -> Result<Vec<Running>, Problem> {
    let Ok(entries) = std::fs::read_dir(root()?) else { return Ok(Vec::new()) };
    let mut found: Vec<Running> = entries
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            let is_running = is_locked(&folder);
            let record = std::fs::read(folder.join(RECORD)).ok()?;
            is_running.then(|| serde_json::from_slice(&record).ok())?
        })
        .collect();
    found.sort_by_key(|cluster| cluster.port);
    Ok(found)
}

/// The cluster on this port, or the only one.
pub(crate) fn one(port: Option<u16>) -> Result<Running, Problem> {
    let mut all = running()?;
    if let Some(port) = port {
        all.retain(|cluster| cluster.port == port);
    }
    match (all.len(), port) {
        (1, _) => Ok(all.remove(0)),
        (0, Some(port)) => {
            Err(Problem::usage(format!("no cluster runs on port {port}")).next(command("cluster status")))
        }
        (0, None) => Err(Problem::usage("no cluster runs").next(command("cluster up --embedded --detach"))),
        _ => {
            let ports: Vec<String> = all.iter().map(|cluster| cluster.port.to_string()).collect();
            let what = format!("several clusters run, on the ports {}", ports.join(", "));
            Err(Problem::usage(what).next("name one of them with --port"))
        }
    }
}

/// Ends a cluster and waits until it is gone.
pub(crate) fn end(cluster: &Running) -> Result<(), Problem> {
    let folder = root()?.join(cluster.port.to_string());
    let Some(process) = Pid::from_raw(cluster.process) else {
        return Err(Problem::broken(format!("{} names no process", folder.join(RECORD).display())));
    };
    for signal in [Signal::TERM, Signal::KILL] {
        if let Err(error) = kill_process(process, signal)
            && is_locked(&folder)
        {
            let what = format!("the cluster on port {} cannot be ended: {error}", cluster.port);
            return Err(Problem::machine(what));
        }
        let told = Instant::now();
        while told.elapsed() < PATIENCE {
            if !is_locked(&folder) {
                let _ = std::fs::remove_dir_all(&folder);
                return Ok(());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }
    Err(Problem::machine(format!("process {} does not end", cluster.process)))
}

fn is_locked(folder: &Path) -> bool {
    File::open(folder.join("lock"))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// In the checkout around the current folder, or else where this person's programs keep such things.
fn root() -> Result<PathBuf, Problem> {
    if let Some(checkout) = checkout::around_here() {
        return Ok(checkout.join(state::FOLDER).join("clusters"));
    }
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    base.map(|base| base.join("grader/clusters")).ok_or_else(|| {
        Problem::machine("there is no folder for the files of a cluster")
            .next("set HOME or XDG_STATE_HOME, or run the command in a checkout of the workbook")
    })
}
