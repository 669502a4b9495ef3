//! StatefulSets: pods with a stable name and storage, made, changed and removed in order
//! (pkg/controller/statefulset).

mod claims;
mod identity;
mod revisions;
mod rollout;
mod status;

use super::known::{CONTROLLER_REVISIONS, PODS, STATEFUL_SETS};
use super::owners::{Key, Owned, OwnerKind};
use super::recorder::{EventType, Recorder};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, owners, pods};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::Arc;

const KIND: OwnerKind = OwnerKind { api_version: "apps/v1", kind: "StatefulSet" };

/// Runs StatefulSets.
///
/// # Guarantees
/// `OrderedReady` sets make pod n+1 only after pod n is available, and remove the highest first; `Parallel` sets do
/// not wait. `status` tells of the pods as they were when `observedGeneration` was looked at.
#[derive(Debug)]
pub struct StatefulSets {
    reaction: SignedDuration,
    pods: Owned,
    revisions: Owned,
    queue: WorkQueue<Key>,
    recorder: Recorder,
}

/// One visit to one set.
struct Visit<'v, 'a> {
    api: &'v mut Api<'a>,
    recorder: &'v mut Recorder,
    set: &'v Value,
}

impl StatefulSets {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self {
            reaction,
            pods: Owned::new(KIND, PODS),
            revisions: Owned::new(KIND, CONTROLLER_REVISIONS),
            queue: WorkQueue::default(),
            recorder: Recorder::new("statefulset-controller"),
        }
    }

    /// The answer is when the set wants another look, if nothing changes before.
    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<Option<SignedDuration>, ApiError> {
        let Some(set) = api.get(&STATEFUL_SETS, Some(&key.0), &key.1) else { return Ok(None) };
        let known = self.revisions.claim(api, &set, |_| true)?;
        let pods = self.pods.claim(api, &set, |pod| identity::is_member(&set, pod))?;
        let mut visit = Visit { api, recorder: &mut self.recorder, set: &set };
        let revisions = revisions::settle(&mut visit, known)?;
        let (status, done) = rollout::advance(&mut visit, &revisions, &pods);
        status.write(&mut visit)?;
        done?;
        revisions::truncate(&mut visit, &revisions, &pods)?;
        let min_ready = min_ready_seconds(&set);
        if min_ready == 0 || !status.awaits_availability() {
            return Ok(None);
        }
        let next = pods::next_available(pods.iter().map(Arc::as_ref), min_ready, visit.api.now());
        Ok(Some(next.unwrap_or(fields::seconds(min_ready))))
    }
}

impl Controller for StatefulSets {
    fn name(&self) -> &'static str {
        "statefulset-controller"
    }

    fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        if change.resource == STATEFUL_SETS {
            self.pods.observe_owner(change);
            self.revisions.observe_owner(change);
            self.queue.add(owners::key(change.object()), due);
        } else if change.resource == PODS {
            self.queue.add_all(self.pods.observe_child(change), due);
        } else if change.resource == CONTROLLER_REVISIONS {
            // Upstream does not wake up for revisions either: they are looked at with the next visit.
            self.revisions.observe_child(change);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(key) = self.queue.pop(now) {
            let visit = self.sync(api, &key);
            self.queue.finish(key, visit, now);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

impl Visit<'_, '_> {
    fn namespace(&self) -> &str {
        object::namespace(self.set)
    }

    /// Records what became of an action on a pod.
    fn record_pod(&mut self, verb: &str, pod: &str, outcome: Result<(), &ApiError>) {
        let set = object::name(self.set);
        match outcome {
            Ok(()) => self.record(
                EventType::Normal,
                &format!("Successful{verb}"),
                &format!("{verb} Pod {pod} in StatefulSet {set} successful"),
            ),
            // The next visit goes on with it.
            Err(error) if error.is_awaiting_webhook() => {}
            Err(error) => self.record(
                EventType::Warning,
                &format!("Failed{verb}"),
                &format!("{verb} Pod {pod} in StatefulSet {set} failed error: {error}"),
            ),
        }
    }

    fn record(&mut self, kind: EventType, reason: &str, message: &str) {
        self.recorder.record(self.api, self.set, kind, reason, message);
    }
}

fn replicas(set: &Value) -> i64 {
    fields::int(set, "/spec/replicas").unwrap_or(1)
}

fn min_ready_seconds(set: &Value) -> i64 {
    fields::int(set, "/spec/minReadySeconds").unwrap_or_default()
}
