//! Jobs: pods that run to their end, as often as wanted (pkg/controller/job).

mod backoff;
mod decision;
mod failure_policy;
mod index_failures;
mod indexes;
mod pods_of_job;
mod progress;
mod status;
mod visit;

use super::known::{JOBS, PODS};
use super::owners::{self, Key, Owned, OwnerKind};
use super::recorder::Recorder;
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields};
use crate::error::ApiError;
use crate::store::Change;
use backoff::Backoff;
use jiff::{SignedDuration, Timestamp};
use pods_of_job::{is_tracked, untrack};
use serde_json::Value;
use visit::Visit;

const KIND: OwnerKind = OwnerKind { api_version: "batch/v1", kind: "Job" };
/// Keeps a pod until the Job has counted it.
const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// What `spec.managedBy` names this controller.
const THIS_CONTROLLER: &str = "kubernetes.io/job-controller";

/// Runs Jobs.
///
/// # Guarantees
/// Every pod is counted once, as succeeded or failed, before it may go. Failed pods are replaced after a growing
/// pause. A Job that says it is managed by another controller is left alone.
#[derive(Debug)]
pub struct Jobs {
    reaction: SignedDuration,
    pods: Owned,
    queue: WorkQueue<Key>,
    recorder: Recorder,
    backoff: Backoff,
}

impl Jobs {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self {
            reaction,
            pods: Owned::new(KIND, PODS),
            queue: WorkQueue::default(),
            recorder: Recorder::new("job-controller"),
            backoff: Backoff::default(),
        }
    }

    /// The answer is when the Job wants another look, if nothing changes before.
    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<Option<SignedDuration>, ApiError> {
        let Some(job) = api.get(&JOBS, Some(&key.0), &key.1) else {
            self.backoff.forget(key);
            return release_all(api, key).map(|()| None);
        };
        if is_managed_elsewhere(&job) {
            return Ok(None);
        }
        let pods = self.pods.claim(api, &job, |_| true)?;
        if status::is_over(&job) {
            self.backoff.forget(key);
            for pod in pods.iter().filter(|pod| is_tracked(pod)) {
                untrack(api, pod)?;
            }
            return Ok(None);
        }
        let visit = Visit::new(api, &mut self.recorder, job, pods);
        self.backoff.note(key, &visit.progress.succeeded_now, &visit.progress.failed_now);
        let pause = self.backoff.remaining(key, visit.now);
        visit.pay(pause)
    }
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

fn is_managed_elsewhere(job: &Value) -> bool {
    job["spec"]["managedBy"].as_str().is_some_and(|controller| controller != THIS_CONTROLLER)
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
