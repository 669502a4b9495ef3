//! Jobs: pods that run to their end, as often as wanted (pkg/controller/job).
//!
//! Not supported: podFailurePolicy, successPolicy, backoffLimitPerIndex, managedBy; such a Job is run as if it did not
//! say them.

mod pods_of_job;
mod status;

use super::known::{JOBS, PODS};
use super::owners::{self, Key, Owned, OwnerKind};
use super::recorder::{EventType, Recorder};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, pod_control, pods, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use status::Status;
use std::collections::BTreeMap;
use std::sync::Arc;

const KIND: OwnerKind = OwnerKind { api_version: "batch/v1", kind: "Job" };
/// Keeps a pod until the Job has counted it.
const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// The pause after a failed pod; it doubles with every further one ...
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// ... up to this.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// Runs Jobs.
///
/// # Guarantees
/// Every pod is counted once, as succeeded or failed, before it may go. Failed pods are replaced after a growing
/// pause.
#[derive(Debug)]
pub struct Jobs {
    reaction: SignedDuration,
    pods: Owned,
    queue: WorkQueue<Key>,
    recorder: Recorder,
    /// Failures in a row, and when the last one was.
    failures: BTreeMap<Key, (u32, Timestamp)>,
}

impl Jobs {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self {
            reaction,
            pods: Owned::new(KIND, PODS),
            queue: WorkQueue::default(),
            recorder: Recorder::new("job-controller"),
            failures: BTreeMap::new(),
        }
    }

    /// The answer is when the Job wants another look, if nothing changes before.
    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<Option<SignedDuration>, ApiError> {
        let Some(job) = api.get(&JOBS, Some(&key.0), &key.1) else {
            self.failures.remove(key);
            return release_all(api, key).map(|()| None);
        };
        let claimed = self.pods.claim(api, &job, |_| true)?;
        let mut status = Status::of(&job, api.now());
        let suspended = fields::flag(&job, "/spec/suspend");
        let failed_before = status.failed;
        for pod in &claimed {
            let finished = pods::is_finished(pod);
            if is_tracked(pod) && (finished || object::is_deleting(pod)) {
                // A suspended Job stops its pods itself: those have not failed.
                if (finished || !suspended) && !status.is_over() {
                    status.count(pod);
                }
                untrack(api, pod)?;
            }
        }
        self.note_failures(key, status.failed - failed_before, &claimed, api.now());
        if status.is_over() {
            return Ok(None);
        }
        let active: Vec<Arc<Value>> = claimed.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
        let terminating =
            claimed.iter().filter(|pod| object::is_deleting(pod) && !pods::is_finished(pod)).count();
        let left = self.manage(api, &job, key, &mut status, active)?;
        status.active = left.active.len();
        status.ready = left.active.iter().filter(|pod| pods::is_ready(pod)).count();
        status.terminating = terminating + left.deleted;
        if let Some((kind, reason, message)) = status.finish(api.now()) {
            self.recorder.record(api, &job, kind, &reason, &message);
        }
        status.write(api, &job)?;
        Ok(left.again)
    }

    /// Makes the number of running pods what it should be.
    fn manage(
        &mut self,
        api: &mut Api<'_>,
        job: &Value,
        key: &Key,
        status: &mut Status,
        active: Vec<Arc<Value>>,
    ) -> Result<Left, ApiError> {
        let mut left = Left { active, deleted: 0, again: None };
        if object::is_deleting(job) {
            return Ok(left);
        }
        let deadline = fields::int(job, "/spec/activeDeadlineSeconds").map(fields::seconds);
        let running_for = status.running_for(api.now());
        if status.failed > fields::int(job, "/spec/backoffLimit").unwrap_or(6) {
            let message = "Job has reached the specified backoff limit";
            status.fail("BackoffLimitExceeded", message, api.now());
        } else if deadline.is_some_and(|deadline| running_for >= deadline) {
            status.fail("DeadlineExceeded", "Job was active longer than specified deadline", api.now());
        }
        status.succeed_if_complete(job, left.active.len(), api.now());
        if status.is_decided() {
            self.delete(api, job, &mut left, 0)?;
            return Ok(left);
        }
        if let Some((reason, message)) = status.set_suspended(fields::flag(job, "/spec/suspend"), api.now()) {
            self.recorder.record(api, job, EventType::Normal, reason, message);
        }
        left.again = deadline.map(|deadline| deadline - running_for);
        let wanted = status.wanted(job, left.active.len());
        if left.active.len() > wanted {
            self.delete(api, job, &mut left, wanted)?;
        } else if left.active.len() < wanted {
            match self.pause(key, api.now()) {
                Some(pause) => left.again = left.again.into_iter().chain([pause]).min(),
                None => self.create(api, job, status, &mut left, wanted)?,
            }
        }
        Ok(left)
    }

    fn create(
        &mut self,
        api: &mut Api<'_>,
        job: &Value,
        status: &Status,
        left: &mut Left,
        wanted: usize,
    ) -> Result<(), ApiError> {
        let mut indexes = pods_of_job::free_indexes(job, &status.completed, &left.active);
        // The new pods count with the next visit, when they are there.
        for _ in left.active.len()..wanted {
            let pod = pods_of_job::new(job, indexes.next());
            pod_control::create(api, &mut self.recorder, job, pod)?;
        }
        Ok(())
    }

    /// Deletes running pods until `keep` are left.
    fn delete(
        &mut self,
        api: &mut Api<'_>,
        job: &Value,
        left: &mut Left,
        keep: usize,
    ) -> Result<(), ApiError> {
        // Those that are not ready yet have done the least.
        left.active.sort_by_cached_key(|pod| (!pods::is_ready(pod), object::name(pod).to_owned()));
        while left.active.len() > keep {
            let Some(pod) = left.active.pop() else { return Ok(()) };
            pod_control::delete(api, &mut self.recorder, job, &pod)?;
            left.deleted += 1;
        }
        Ok(())
    }

    /// A success ends a row of failures.
    fn note_failures(&mut self, key: &Key, failed: i64, pods: &[Arc<Value>], now: Timestamp) {
        if pods.iter().any(|pod| is_tracked(pod) && pods::phase(pod) == "Succeeded") {
            self.failures.remove(key);
        } else if failed > 0 {
            let failures = self.failures.entry(key.clone()).or_insert((0, now));
            failures.0 = failures.0.saturating_add(u32::try_from(failed).unwrap_or(u32::MAX));
            failures.1 = now;
        }
    }

    /// How long to wait with new pods because of earlier failures.
    fn pause(&self, key: &Key, now: Timestamp) -> Option<SignedDuration> {
        let (failures, last) = self.failures.get(key)?;
        let pause = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
        let left = pause - now.duration_since(*last);
        (left > SignedDuration::ZERO).then_some(left)
    }
}

/// What a visit left.
struct Left {
    active: Vec<Arc<Value>>,
    deleted: usize,
    again: Option<SignedDuration>,
}

impl Controller for Jobs {
    fn name(&self) -> &'static str {
        "job-controller"
    }

    fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        if change.resource == JOBS {
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

fn is_tracked(pod: &Value) -> bool {
    object::finalizers(pod).any(|finalizer| finalizer == TRACKING)
}

/// The Job is gone, and nobody counts its pods any more: they must not wait for it.
fn release_all(api: &mut Api<'_>, job: &Key) -> Result<(), ApiError> {
    let of_job = |pod: &Value| match owners::controller_of(pod) {
        Some(owner) => owner["kind"] == KIND.kind && owner["name"] == *job.1,
        None => fields::label(pod, "batch.kubernetes.io/job-name") == job.1,
    };
    for pod in api.list(&PODS, Some(&job.0)) {
        if is_tracked(&pod) && of_job(&pod) {
            untrack(api, &pod)?;
        }
    }
    Ok(())
}

/// The pod is counted and may go.
fn untrack(api: &mut Api<'_>, pod: &Value) -> Result<(), ApiError> {
    let left: Vec<&str> = object::finalizers(pod).filter(|finalizer| *finalizer != TRACKING).collect();
    let patch = json!({"metadata": {"uid": object::uid(pod), "finalizers": left}});
    let namespace = owners::namespace_of(pod);
    unless_gone(api.merge_patch(&PODS, namespace, object::name(pod), None, &patch)).map(drop)
}
