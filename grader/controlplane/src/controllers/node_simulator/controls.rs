//! The knobs: what a story about pods turns.

use crate::controllers::owners::Key;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The exit code of SIGKILL.
pub(super) const KILLED: i32 = 137;

/// What the node does when nobody says otherwise; all times are those of the control plane.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    /// From the creation of a pod until it is scheduled.
    pub schedule_after: SignedDuration,
    /// From then until its containers are being created.
    pub create_after: SignedDuration,
    /// From then until it is Running and Ready.
    pub ready_after: SignedDuration,
    /// From the request to delete a pod until it is gone; its grace period when that is shorter.
    pub stop_after: SignedDuration,
    /// From the creation of a claim until it is bound.
    pub bind_after: SignedDuration,
    /// From the start of a Job's pod until it succeeds; `None`: it runs until somebody ends it.
    pub jobs_end_after: Option<SignedDuration>,
}

impl Default for NodeSettings {
    /// Scheduled after 10 ms, ready about 1 s later, gone 1 s after its deletion.
    fn default() -> Self {
        Self {
            schedule_after: SignedDuration::from_millis(10),
            create_after: SignedDuration::from_millis(10),
            ready_after: SignedDuration::from_secs(1),
            stop_after: SignedDuration::from_secs(1),
            bind_after: SignedDuration::from_millis(10),
            jobs_end_after: Some(SignedDuration::from_secs(1)),
        }
    }
}

/// Turns what a [`NodeSimulator`](super::NodeSimulator) does; clones turn the same one.
///
/// # Guarantees
/// What is said about a pod's name holds for its successors of that name, too. `now` is when it happens: the control
/// plane wakes up for it. A name that no pod has is no error; the word waits for it.
#[derive(Clone, Debug)]
pub struct NodeControls {
    plan: Arc<Mutex<Plan>>,
}

impl NodeControls {
    pub(super) fn new(plan: Arc<Mutex<Plan>>) -> Self {
        Self { plan }
    }

    /// From now on, pods become ready this long after their containers began to be created.
    pub fn ready_after(&self, duration: SignedDuration) {
        self.plan().ready_after = duration;
    }

    /// The pod will run, but not become ready. One that is ready stays so; see [`fail`](Self::fail).
    pub fn hold(&self, namespace: &str, name: &str) {
        self.plan().verdicts.insert(key(namespace, name), Verdict::Held);
    }

    /// Pods like these will run, but not become ready, unless one of them is released by name.
    pub fn hold_all(&self, matching: impl Fn(&Value) -> bool + Send + 'static) {
        self.plan().held.push(Box::new(matching));
    }

    /// The pod becomes ready: at once when it runs already, else when it would have been.
    pub fn release(&self, namespace: &str, name: &str, now: Timestamp) {
        let mut plan = self.plan();
        plan.verdicts.insert(key(namespace, name), Verdict::Free);
        plan.commands.push((now, Command::Probe(key(namespace, name))));
    }

    /// Nothing is held any more.
    pub fn release_all(&self, now: Timestamp) {
        let mut plan = self.plan();
        plan.held.clear();
        plan.verdicts.clear();
        plan.commands.push((now, Command::ProbeAll));
    }

    /// The pod fails its readiness probe until it is released.
    pub fn fail(&self, namespace: &str, name: &str, now: Timestamp) {
        let mut plan = self.plan();
        plan.verdicts.insert(key(namespace, name), Verdict::Held);
        plan.commands.push((now, Command::Probe(key(namespace, name))));
    }

    /// The pod's containers are killed; they start again as the restart policy says, or the pod has failed.
    pub fn kill(&self, namespace: &str, name: &str, now: Timestamp) {
        self.end(namespace, name, KILLED, now);
    }

    /// The pod's containers exit with this code.
    pub fn end(&self, namespace: &str, name: &str, exit_code: i32, now: Timestamp) {
        self.plan().commands.push((now, Command::End(key(namespace, name), exit_code)));
    }

    /// Nothing happens to pods any more: they stay as they are, new ones Pending, deleted ones Terminating.
    pub fn off(&self) {
        self.plan().on = false;
    }

    /// The node works again, also on what happened meanwhile.
    pub fn on(&self, now: Timestamp) {
        let mut plan = self.plan();
        if !plan.on {
            plan.on = true;
            plan.commands.push((now, Command::CatchUp));
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(namespace: &str, name: &str) -> Key {
    (namespace.to_owned(), name.to_owned())
}

/// Chooses pods by what they look like.
type Predicate = Box<dyn Fn(&Value) -> bool + Send>;

/// What the knobs say at the moment.
pub(super) struct Plan {
    pub(super) on: bool,
    pub(super) ready_after: SignedDuration,
    verdicts: BTreeMap<Key, Verdict>,
    held: Vec<Predicate>,
    commands: Vec<(Timestamp, Command)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Held,
    Free,
}

/// Something that happens once.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// Whether the pod is ready may have changed.
    Probe(Key),
    ProbeAll,
    /// The pod's containers exit.
    End(Key, i32),
    /// The node was off and is on again.
    CatchUp,
}

impl Plan {
    pub(super) fn new(settings: &NodeSettings) -> Self {
        Self {
            on: true,
            ready_after: settings.ready_after,
            verdicts: BTreeMap::new(),
            held: Vec::new(),
            commands: Vec::new(),
        }
    }

    pub(super) fn lets_be_ready(&self, key: &Key, pod: &Value) -> bool {
        match self.verdicts.get(key) {
            Some(verdict) => *verdict == Verdict::Free,
            None => !self.held.iter().any(|matching| matching(pod)),
        }
    }

    pub(super) fn next_command(&self) -> Option<Timestamp> {
        self.commands.iter().map(|(at, _)| *at).min()
    }

    pub(super) fn take_commands(&mut self, now: Timestamp) -> Vec<Command> {
        let due = self.commands.extract_if(.., |(at, _)| *at <= now);
        due.map(|(_, command)| command).collect()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("on", &self.on)
            .field("ready_after", &self.ready_after)
            .field("verdicts", &self.verdicts)
            .field("held", &self.held.len())
            .field("commands", &self.commands)
            .finish()
    }
}
