//! Ctrl-C and its relatives: nothing is left running.
//!
//! A terminal sends Ctrl-C to the whole foreground group, but a script sends it to the grader alone, and operators
//! run in process groups of their own. So the grader keeps a list of what it started and ends it itself.
//! Nothing is left half-written either way: every file is written beside its place and renamed into it.

use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

static BUILDS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// What to do at the first interrupt instead of ending at once.
static ORDERLY: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// Ends a build when the grader is interrupted. Dropped when the build has ended.
#[derive(Debug)]
pub(crate) struct BuildGuard(Option<Pid>);

/// Remembers the build with this process id.
pub(crate) fn watch_build(id: u32) -> BuildGuard {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    BUILDS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(pid);
    BuildGuard(pid)
}

impl Drop for BuildGuard {
    fn drop(&mut self) {
        BUILDS
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .retain(|running| Some(*running) != self.0);
    }
}

/// The next interrupt calls `end`, which makes the running command come to its end; the one after that ends at once.
pub(crate) fn end_orderly(end: impl FnOnce() + Send + 'static) {
    *ORDERLY.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Box::new(end));
}

/// From now on an interrupt ends what was started, then this process with 128 plus the signal's number, as shells
/// expect it.
pub(crate) fn install() {
    // Without signals the grader still works; only Ctrl-C is then as rough as the system makes it.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let orderly = ORDERLY.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
            if let Some(end) = orderly {
                end();
                continue;
            }
            for build in BUILDS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).iter() {
                // Cargo ends its compilers on the same signal.
                let _ = kill_process(*build, Signal::TERM);
            }
            harness::kill_all_operators();
            eprintln!("\ninterrupted; nothing is left running");
            #[expect(clippy::exit, reason = "the other threads wait for builds and operators that are gone")]
            std::process::exit(128 + signal);
        }
    });
}
