//! CronJobs: Jobs at the times of a schedule (pkg/controller/cronjob).

mod history;
mod start;
mod times;

use super::known::{CRON_JOBS, JOBS};
use super::owners::{self, Key, OwnerKind};
use super::recorder::{EventType, Recorder};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller};
use crate::error::ApiError;
use crate::store::Change;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::Arc;

const KIND: OwnerKind = OwnerKind { api_version: "batch/v1", kind: "CronJob" };

/// Runs CronJobs.
///
/// # Guarantees
/// A Job is named after the minute it was made for, so that no time is served twice. Of several missed times only the
/// latest is made up for.
#[derive(Debug)]
pub struct CronJobs {
    reaction: SignedDuration,
    queue: WorkQueue<Key>,
    recorder: Recorder,
}

/// One look at one CronJob.
struct Visit<'a, 'b> {
    api: &'a mut Api<'b>,
    recorder: &'a mut Recorder,
    /// As it is stored.
    seen: Arc<Value>,
    /// With the status in the making.
    cron_job: Value,
    zone: TimeZone,
}

impl CronJobs {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, queue: WorkQueue::default(), recorder: Recorder::new("cronjob-controller") }
    }

    /// The answer is when the CronJob wants another look, if nothing changes before.
    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<Option<SignedDuration>, ApiError> {
        let Some(seen) = api.get(&CRON_JOBS, Some(&key.0), &key.1) else { return Ok(None) };
        let mut visit =
            Visit { api, recorder: &mut self.recorder, cron_job: (*seen).clone(), seen, zone: TimeZone::UTC };
        let jobs = visit.jobs();
        visit.remove_old(&jobs);
        let outcome = visit.follow(&jobs).and_then(|()| visit.schedule());
        if visit.cron_job["status"] != visit.seen["status"] {
            visit.api.update_status(&CRON_JOBS, visit.cron_job)?;
        }
        outcome
    }
}

impl Visit<'_, '_> {
    fn event(&mut self, kind: EventType, reason: &str, message: &str) {
        self.recorder.record(self.api, &self.seen, kind, reason, message);
    }
}

impl Controller for CronJobs {
    fn name(&self) -> &'static str {
        "cronjob-controller"
    }

    fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        if change.resource == CRON_JOBS {
            self.queue.add(owners::key(change.object()), due);
        } else if change.resource == JOBS {
            let jobs = change.old.iter().chain(&change.new);
            self.queue.add_all(jobs.filter_map(|job| KIND.managing(job)), due);
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
