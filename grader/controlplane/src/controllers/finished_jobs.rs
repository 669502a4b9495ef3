//! Finished Jobs go after the time that they ask for (pkg/controller/ttlafterfinished).

use super::known::JOBS;
use super::owners::{self, Key};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Deletes Jobs with `ttlSecondsAfterFinished`, and what belongs to them.
#[derive(Debug)]
pub struct FinishedJobs {
    reaction: SignedDuration,
    queue: WorkQueue<Key>,
}

impl FinishedJobs {
    /// A controller that acts `reaction` after a Job's time has come.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, queue: WorkQueue::default() }
    }

    fn sync(&mut self, api: &mut Api<'_>, key: &Key, now: Timestamp) -> Result<(), ApiError> {
        let Some(job) = api.get(&JOBS, Some(&key.0), &key.1) else { return Ok(()) };
        let Some(end) = end(&job) else { return Ok(()) };
        if end > now {
            self.queue.add(key.clone(), end);
            return Ok(());
        }
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground",
            "preconditions": {"uid": object::uid(&job)},
        });
        api.delete(&JOBS, Some(&key.0), &key.1, &options).map(drop)
    }
}

impl Controller for FinishedJobs {
    fn name(&self) -> &'static str {
        "ttl-after-finished-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == JOBS
            && let Some(job) = &change.new
            && let Some(end) = end(job)
        {
            self.queue.add(owners::key(job), later(change.at, self.reaction).max(end));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(key) = self.queue.pop(now) {
            let visit = unless_gone(self.sync(api, &key, now));
            self.queue.finish(key, visit.map(|_| None), now);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

/// When the Job is to go; nothing while it runs, or when it does not say.
fn end(job: &Value) -> Option<Timestamp> {
    if object::is_deleting(job) {
        return None;
    }
    let seconds = fields::int(job, "/spec/ttlSecondsAfterFinished")?;
    let mut over = ["Complete", "Failed"].into_iter().filter_map(|kind| fields::condition(job, kind));
    let over = over.find(|condition| condition["status"] == "True")?;
    Some(later(fields::time(over, "/lastTransitionTime")?, fields::seconds(seconds)))
}
