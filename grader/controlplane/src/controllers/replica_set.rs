//! ReplicaSets and ReplicationControllers: as many equal pods as wanted (pkg/controller/replicaset,
//! pkg/controller/replication).

use super::known::{PODS, REPLICA_SETS, REPLICATION_CONTROLLERS};
use super::owners::{self, Key, Owned, OwnerKind};
use super::recorder::Recorder;
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, pod_control, pods};
use crate::error::ApiError;
use crate::object;
use crate::store::{Change, ResourceId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::cmp::Reverse;
use std::sync::Arc;

pub(super) const KIND: OwnerKind = OwnerKind { api_version: "apps/v1", kind: "ReplicaSet" };
/// Pods made or deleted in one visit.
const BURST: usize = 500;

/// What the two kinds differ in.
#[derive(Debug)]
struct Flavour {
    name: &'static str,
    /// The component that its events name.
    component: &'static str,
    kind: OwnerKind,
    resource: ResourceId,
    /// Its status counts pods that are being deleted.
    counts_terminating: bool,
}

static REPLICA_SET: Flavour = Flavour {
    name: "replicaset-controller",
    component: "replicaset-controller",
    kind: KIND,
    resource: REPLICA_SETS,
    counts_terminating: true,
};

static REPLICATION_CONTROLLER: Flavour = Flavour {
    name: "replicationcontroller-controller",
    component: "replication-controller",
    kind: OwnerKind { api_version: "v1", kind: "ReplicationController" },
    resource: REPLICATION_CONTROLLERS,
    counts_terminating: false,
};

/// Runs ReplicaSets, or ReplicationControllers.
///
/// # Guarantees
/// Pods are made in growing batches, so that a failure is found out with one; surplus pods go in the order that
/// Kubernetes documents, the least useful first.
#[derive(Debug)]
pub struct ReplicaSets {
    flavour: &'static Flavour,
    reaction: SignedDuration,
    pods: Owned,
    queue: WorkQueue<Key>,
    recorder: Recorder,
}

impl ReplicaSets {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self::of(&REPLICA_SET, reaction)
    }

    /// The same for ReplicationControllers.
    pub fn of_replication_controllers(reaction: SignedDuration) -> Self {
        Self::of(&REPLICATION_CONTROLLER, reaction)
    }

    fn of(flavour: &'static Flavour, reaction: SignedDuration) -> Self {
        Self {
            flavour,
            reaction,
            pods: Owned::new(flavour.kind, PODS),
            queue: WorkQueue::default(),
            recorder: Recorder::new(flavour.component),
        }
    }

    /// The answer is when the set wants another look, if nothing changes before.
    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<Option<SignedDuration>, ApiError> {
        let Some(set) = api.get(&self.flavour.resource, Some(&key.0), &key.1) else { return Ok(None) };
        let claimed = self.pods.claim(api, &set, |_| true)?;
        let active: Vec<Arc<Value>> = claimed.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
        let is_terminating = |pod: &&Arc<Value>| object::is_deleting(pod) && !pods::is_finished(pod);
        let terminating =
            self.flavour.counts_terminating.then(|| claimed.iter().filter(is_terminating).count());
        let managed = if object::is_deleting(&set) { Ok(()) } else { self.manage(api, &set, &active) };
        let now = api.now();
        let failure = managed.as_ref().err().filter(|error| !error.is_awaiting_webhook());
        let status = status(&set, &active, terminating, failure, now);
        if status != set["status"] {
            let mut written = (*set).clone();
            written["status"] = status.clone();
            api.update_status(&self.flavour.resource, written)?;
        }
        managed?;
        let min_ready = min_ready_seconds(&set);
        if min_ready == 0 || status["readyReplicas"] == status["availableReplicas"] {
            return Ok(None);
        }
        let next = pods::next_available(active.iter().map(Arc::as_ref), min_ready, now);
        Ok(Some(next.unwrap_or(fields::seconds(min_ready))))
    }

    fn manage(&mut self, api: &mut Api<'_>, set: &Value, active: &[Arc<Value>]) -> Result<(), ApiError> {
        let wanted = usize::try_from(replicas(set)).unwrap_or_default();
        let (mut missing, mut batch) = (wanted.saturating_sub(active.len()).min(BURST), 1);
        while missing > 0 {
            batch = batch.min(missing);
            let results: Vec<_> = (0..batch).map(|_| self.create_pod(api, set)).collect();
            results.into_iter().collect::<Result<Vec<()>, _>>()?;
            missing -= batch;
            batch *= 2;
        }
        let surplus = active.len().saturating_sub(wanted).min(BURST);
        let mut outcome = Ok(());
        for pod in least_useful_first(active, api.now()).into_iter().take(surplus) {
            outcome = pod_control::delete(api, &mut self.recorder, set, pod).and(outcome);
        }
        outcome
    }

    fn create_pod(&mut self, api: &mut Api<'_>, set: &Value) -> Result<(), ApiError> {
        let pod = pods::from_template(&set["spec"]["template"], set, self.flavour.kind.reference(set));
        pod_control::create(api, &mut self.recorder, set, pod)
    }
}

impl Controller for ReplicaSets {
    fn name(&self) -> &'static str {
        self.flavour.name
    }

    fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        if change.resource == self.flavour.resource {
            self.pods.observe_owner(change);
            self.queue.add(owners::key(change.object()), due);
        } else if change.resource == PODS {
            self.queue.add_all(self.pods.observe_child(change), due);
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

pub(super) fn replicas(set: &Value) -> i64 {
    fields::int(set, "/spec/replicas").unwrap_or(1)
}

fn min_ready_seconds(set: &Value) -> i64 {
    fields::int(set, "/spec/minReadySeconds").unwrap_or_default()
}

/// The order in which surplus pods go (pkg/controller/controller_utils.go, ActivePodsWithRanks). All pods are on one
/// node here, so that the rule about nodes has nothing to say.
fn least_useful_first(pods: &[Arc<Value>], now: Timestamp) -> Vec<&Arc<Value>> {
    let mut pods: Vec<&Arc<Value>> = pods.iter().collect();
    pods.sort_by_cached_key(|pod| {
        let phase = match pods::phase(pod) {
            "Pending" => 0,
            "Unknown" => 1,
            _ => 2,
        };
        let cost: i64 =
            fields::annotation(pod, "controller.kubernetes.io/pod-deletion-cost").parse().unwrap_or_default();
        let ready = fields::condition(pod, "Ready").filter(|ready| ready["status"] == "True");
        let ready_for = ready.and_then(|ready| fields::time(ready, "/lastTransitionTime"));
        let restarts = fields::items(pod, "/status/containerStatuses").iter();
        let restarts = restarts.filter_map(|container| container["restartCount"].as_i64()).max();
        let created = fields::time(pod, "/metadata/creationTimestamp");
        (
            !fields::text(pod, "/spec/nodeName").is_empty(),
            phase,
            ready.is_some(),
            cost,
            age_class(ready_for, now),
            Reverse(restarts.unwrap_or_default()),
            age_class(created, now),
            object::uid(pod).to_owned(),
        )
    });
    pods
}

/// Ages count by their order of magnitude only, so that which of many equal pods goes is left open.
fn age_class(since: Option<Timestamp>, now: Timestamp) -> u32 {
    let age = since.map(|since| now.duration_since(since).as_secs()).unwrap_or_default();
    u64::try_from(age).unwrap_or_default().checked_ilog2().map_or(0, |order| order + 1)
}

fn status(
    set: &Value,
    active: &[Arc<Value>],
    terminating: Option<usize>,
    failure: Option<&ApiError>,
    now: Timestamp,
) -> Value {
    let template_labels = fields::map(set, "/spec/template/metadata/labels");
    let fully_labelled = |pod: &&Arc<Value>| {
        template_labels.into_iter().flatten().all(|(key, value)| fields::label(pod, key) == value)
    };
    let count = |counts: &dyn Fn(&&Arc<Value>) -> bool| active.iter().filter(counts).count();
    let mut status = Map::new();
    status.insert("replicas".into(), active.len().into());
    if let Some(terminating) = terminating {
        status.insert("terminatingReplicas".into(), terminating.into());
    }
    for (key, number) in [
        ("observedGeneration", usize::try_from(object::generation(set)).unwrap_or_default()),
        ("fullyLabeledReplicas", count(&fully_labelled)),
        ("readyReplicas", count(&|pod| pods::is_ready(pod))),
        ("availableReplicas", count(&|pod| pods::is_available(pod, min_ready_seconds(set), now))),
    ] {
        if number != 0 {
            status.insert(key.into(), number.into());
        }
    }
    let conditions = conditions(set, active, failure, now);
    if !conditions.is_empty() {
        status.insert("conditions".into(), conditions.into());
    }
    status.into()
}

/// A condition `ReplicaFailure` while pods cannot be made or deleted; the first reason stays.
fn conditions(set: &Value, active: &[Arc<Value>], failure: Option<&ApiError>, now: Timestamp) -> Vec<Value> {
    let failed = |condition: &&Value| condition["type"] == "ReplicaFailure";
    let old = fields::items(set, "/status/conditions");
    let mut conditions: Vec<Value> = old.iter().filter(|condition| !failed(condition)).cloned().collect();
    if let Some(error) = failure {
        let wanted = usize::try_from(replicas(set)).unwrap_or_default();
        let reason = if active.len() < wanted { "FailedCreate" } else { "FailedDelete" };
        let condition = old.iter().find(failed).cloned().unwrap_or_else(|| {
            json!({
                "type": "ReplicaFailure", "status": "True", "lastTransitionTime": object::time(now),
                "reason": reason, "message": error.message(),
            })
        });
        conditions.push(condition);
    }
    conditions
}
