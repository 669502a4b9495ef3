//! The operators that are running, so that an interrupted grader leaves none behind.

use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Starts an operator, which must get a process group of its own, and remembers it.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    // Held while the process is started, so that none is between started and known.
    let mut running = running();
    let child = command.spawn()?;
    running.insert(child.id());
    Ok(child)
}

/// Forgets an operator that has been killed and is about to be reaped: from then on its number may be another's.
pub(crate) fn forget(child: &Child) {
    running().remove(&child.id());
}

/// Kills every operator with its process group, for a grader that is about to end. No other one starts after that.
pub fn kill_all_operators() {
    let running = running();
    for id in running.iter() {
        if let Some(group) = i32::try_from(*id).ok().and_then(Pid::from_raw) {
            // An error means that it is gone already.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
    // The lock is never given back: whoever wants to start or forget an operator now waits for the end.
    std::mem::forget(running);
}

fn running() -> MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
