//! Deployments: rolling from one ReplicaSet to the next (pkg/controller/deployment).

mod conditions;
mod progress;
mod recreate;
mod revisions;
mod rolling;
mod scaling;

use super::known::{DEPLOYMENTS, PODS, REPLICA_SETS};
use super::owners::{self, Key, Owned, OwnerKind};
use super::recorder::{EventType, Recorder};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, pod_control, replica_set};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const KIND: OwnerKind = OwnerKind { api_version: "apps/v1", kind: "Deployment" };

/// Runs Deployments.
///
/// # Guarantees
/// At most `maxSurge` pods more and `maxUnavailable` fewer than wanted during a rolling update; with `Recreate` no new
/// pod before the last old one is gone. Each template is a ReplicaSet with a revision number; old ones are kept for
/// going back.
#[derive(Debug)]
pub struct Deployments {
    reaction: SignedDuration,
    sets: Owned,
    /// The pods of ReplicaSets.
    pods: Owned,
    /// The Deployment of each ReplicaSet.
    deployments: BTreeMap<Key, Key>,
    queue: WorkQueue<Key>,
    recorder: Recorder,
}

/// One visit to one Deployment.
struct Visit<'v, 'a> {
    api: &'v mut Api<'a>,
    recorder: &'v mut Recorder,
    /// As it is stored, with changes that are not written yet.
    deployment: Value,
    /// Another look, if nothing changes before.
    again: Option<SignedDuration>,
}

/// The ReplicaSets of a Deployment, the oldest first among the old ones.
#[derive(Clone, Debug)]
struct Sets {
    /// The one with the wanted template.
    new: Option<Arc<Value>>,
    old: Vec<Arc<Value>>,
}

impl Deployments {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self {
            reaction,
            sets: Owned::new(KIND, REPLICA_SETS),
            pods: Owned::new(replica_set::KIND, PODS),
            deployments: BTreeMap::new(),
            queue: WorkQueue::default(),
            recorder: Recorder::new("deployment-controller"),
        }
    }

    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<Option<SignedDuration>, ApiError> {
        let Some(deployment) = api.get(&DEPLOYMENTS, Some(&key.0), &key.1) else { return Ok(None) };
        let known = self.sets.claim(api, &deployment, |_| true)?;
        let mut visit =
            Visit { api, recorder: &mut self.recorder, deployment: (*deployment).clone(), again: None };
        if object::is_deleting(&deployment) {
            let sets = revisions::find(&mut visit, known)?;
            progress::write_plain(&mut visit, &sets)?;
            return Ok(None);
        }
        progress::note_pause(&mut visit)?;
        let sets = revisions::find(&mut visit, known)?;
        if visit.is_paused() || scaling::is_needed(&visit, &sets) {
            let sets = scaling::scale(&mut visit, sets)?;
            if visit.is_paused() {
                revisions::clean_up(&mut visit, &sets)?;
            }
            progress::write_plain(&mut visit, &sets)?;
        } else if visit.is_rolling() {
            rolling::advance(&mut visit, sets)?;
        } else {
            recreate::advance(&mut visit, sets, &self.pods)?;
        }
        Ok(visit.again)
    }
}

impl Controller for Deployments {
    fn name(&self) -> &'static str {
        "deployment-controller"
    }

    fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        if change.resource == DEPLOYMENTS {
            self.sets.observe_owner(change);
            self.queue.add(owners::key(change.object()), due);
        } else if change.resource == REPLICA_SETS {
            let set = owners::key(change.object());
            match change.new.as_deref().and_then(|new| KIND.managing(new)) {
                Some(deployment) => self.deployments.insert(set, deployment),
                None => self.deployments.remove(&set),
            };
            self.queue.add_all(self.sets.observe_child(change), due);
        } else if change.resource == PODS {
            // Other changes of pods show in the status of their ReplicaSets.
            let sets = self.pods.observe_child(change);
            for set in sets.iter().filter(|_| change.new.is_none()) {
                if let Some(deployment) = self.deployments.get(set) {
                    self.queue.add(deployment.clone(), due);
                }
            }
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(key) = self.queue.pop(now) {
            match self.sync(api, &key) {
                Err(error) if pod_control::is_namespace_terminating(&error) => self.queue.forget(&key),
                visit => self.queue.finish(key, visit, now),
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

impl Visit<'_, '_> {
    fn name(&self) -> &str {
        object::name(&self.deployment)
    }

    /// The wanted number of pods.
    fn replicas(&self) -> i64 {
        replica_set::replicas(&self.deployment)
    }

    fn is_paused(&self) -> bool {
        fields::flag(&self.deployment, "/spec/paused")
    }

    fn is_rolling(&self) -> bool {
        self.deployment["spec"]["strategy"]["type"] != "Recreate"
    }

    fn progress_deadline(&self) -> Option<i64> {
        let deadline = fields::int(&self.deployment, "/spec/progressDeadlineSeconds");
        deadline.filter(|seconds| *seconds != i64::from(i32::MAX))
    }

    fn max_surge(&self) -> i64 {
        if self.is_rolling() { self.fenceposts().0 } else { 0 }
    }

    fn max_unavailable(&self) -> i64 {
        match self.replicas() {
            replicas if self.is_rolling() && replicas > 0 => self.fenceposts().1.min(replicas),
            _ => 0,
        }
    }

    fn fenceposts(&self) -> (i64, i64) {
        let limits = &self.deployment["spec"]["strategy"]["rollingUpdate"];
        let surge = share(&limits["maxSurge"], self.replicas(), true);
        let unavailable = share(&limits["maxUnavailable"], self.replicas(), false);
        // Rounding must not stop the rollout.
        if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
    }

    /// Writes status and annotations as they are here.
    fn write_status(&mut self) -> Result<(), ApiError> {
        let written = self.api.update_status(&DEPLOYMENTS, self.deployment.clone())?;
        self.deployment = (*written).clone();
        Ok(())
    }

    fn record(&mut self, kind: EventType, reason: &str, message: &str) {
        self.recorder.record(self.api, &self.deployment, kind, reason, message);
    }
}

impl Sets {
    fn all(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.old.iter().chain(&self.new)
    }

    /// The pods that all sets together shall have.
    fn wanted(&self) -> i64 {
        self.all().map(|set| replica_set::replicas(set)).sum()
    }

    /// A number of their statuses, summed up.
    fn total(&self, number: &str) -> i64 {
        self.all().map(|set| status_number(set, number)).sum()
    }
}

fn status_number(set: &Value, number: &str) -> i64 {
    set["status"][number].as_i64().unwrap_or_default()
}

/// A number, or a percentage of one.
fn share(value: &Value, of: i64, up: bool) -> i64 {
    let percent = value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse().ok());
    match percent {
        Some(percent) => {
            let hundredths = of.saturating_mul(percent);
            hundredths.saturating_add(if up { 99 } else { 0 }) / 100
        }
        None => value.as_i64().unwrap_or_default(),
    }
}
