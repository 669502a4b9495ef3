//! CronJobs: Jobs at the times of a schedule (pkg/controller/cronjob).

use super::known::{CRON_JOBS, JOBS};
use super::owners::{self, Key, OwnerKind};
use super::recorder::{EventType, Recorder};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, pod_control};
use crate::builtins::schedule::{Schedule, time_zone};
use crate::error::ApiError;
use crate::go_text;
use crate::object;
use crate::store::Change;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

const KIND: OwnerKind = OwnerKind { api_version: "batch/v1", kind: "CronJob" };
/// The annotation that names the time for which a Job was made.
const SCHEDULED_FOR: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// The controller looks again this long after the next time, in case clocks differ.
const PADDING: SignedDuration = SignedDuration::from_millis(100);
/// More missed times than these are worth a warning.
const MANY: i64 = 100;

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
    fn jobs(&self) -> Vec<Arc<Value>> {
        let of_this = |job: &Arc<Value>| {
            owners::controller_of(job)
                .is_some_and(|owner| fields::text(owner, "/uid") == object::uid(&self.seen))
        };
        let jobs = self.api.list(&JOBS, Some(object::namespace(&self.seen)));
        jobs.into_iter().filter(of_this).collect()
    }

    fn event(&mut self, kind: EventType, reason: &str, message: &str) {
        self.recorder.record(self.api, &self.seen, kind, reason, message);
    }

    /// Keeps as many finished Jobs as the history may have.
    fn remove_old(&mut self, jobs: &[Arc<Value>]) {
        for (condition, limit) in
            [("Complete", "/spec/successfulJobsHistoryLimit"), ("Failed", "/spec/failedJobsHistoryLimit")]
        {
            let Some(limit) = fields::int(&self.seen, limit) else { continue };
            let mut finished: Vec<&Arc<Value>> =
                jobs.iter().filter(|job| finished_as(job) == Some(condition)).collect();
            finished.sort_by_key(|job| {
                let start = fields::time(job, "/status/startTime");
                (start.is_none(), start, object::name(job).to_owned())
            });
            let surplus = finished.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
            for job in finished.into_iter().take(surplus) {
                self.delete(job);
            }
        }
    }

    fn delete(&mut self, job: &Value) -> bool {
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
        let name = object::name(job);
        if let Err(error) = self.api.delete(&JOBS, Some(object::namespace(job)), name, &options) {
            self.event(EventType::Warning, "FailedDelete", &format!("Deleted job: {error}"));
            return false;
        }
        self.deactivate(object::uid(job));
        self.event(EventType::Normal, "SuccessfulDelete", &format!("Deleted job {name}"));
        true
    }

    fn active(&self) -> Vec<Value> {
        fields::items(&self.cron_job, "/status/active").to_vec()
    }

    fn is_active(&self, uid: &str) -> bool {
        fields::items(&self.cron_job, "/status/active").iter().any(|active| active["uid"] == uid)
    }

    fn deactivate(&mut self, uid: &str) {
        let left: Vec<Value> = self.active().into_iter().filter(|active| active["uid"] != uid).collect();
        self.set_active(left);
    }

    fn set_active(&mut self, active: Vec<Value>) {
        let Some(status) = self.cron_job["status"].as_object_mut() else {
            self.cron_job["status"] = json!({"active": active});
            return;
        };
        if active.is_empty() {
            status.remove("active");
        } else {
            status.insert("active".into(), active.into());
        }
    }

    /// Takes note of what has become of the Jobs.
    fn follow(&mut self, jobs: &[Arc<Value>]) -> Result<(), ApiError> {
        for job in jobs {
            let (uid, name) = (object::uid(job), object::name(job));
            let Some(condition) = finished_as(job) else {
                if !self.is_active(uid) {
                    let message = format!("Saw a job that the controller did not create or forgot: {name}");
                    self.event(EventType::Warning, "UnexpectedJob", &message);
                }
                continue;
            };
            if self.is_active(uid) {
                self.deactivate(uid);
                let message = format!("Saw completed job: {name}, condition: {condition}");
                self.event(EventType::Normal, "SawCompletedJob", &message);
            }
            let completed = fields::time(job, "/status/completionTime");
            let latest = fields::time(&self.cron_job, "/status/lastSuccessfulTime");
            if condition == "Complete" && completed > latest {
                self.cron_job["status"]["lastSuccessfulTime"] = job["status"]["completionTime"].clone();
            }
        }
        for active in self.active() {
            let (uid, name) = (fields::text(&active, "/uid"), fields::text(&active, "/name"));
            if jobs.iter().any(|job| object::uid(job) == uid) {
                continue;
            }
            if self.api.get(&JOBS, Some(object::namespace(&self.seen)), name).is_none() {
                self.event(EventType::Normal, "MissingJob", &format!("Active job went missing: {name}"));
                self.deactivate(uid);
            }
        }
        Ok(())
    }

    /// Makes the Job that is due; the answer is how long it is until the next.
    fn schedule(&mut self) -> Result<Option<SignedDuration>, ApiError> {
        if object::is_deleting(&self.seen) {
            return Ok(None);
        }
        let seen = self.seen.clone();
        if let Some(name) = seen["spec"]["timeZone"].as_str() {
            let Some(zone) = time_zone(name) else {
                let quoted = go_text::quote(name);
                let message = format!("invalid timeZone: {quoted}: unknown time zone {name}");
                self.event(EventType::Warning, "UnknownTimeZone", &message);
                return Ok(None);
            };
            self.zone = zone;
        }
        if fields::flag(&seen, "/spec/suspend") {
            return Ok(None);
        }
        let text = fields::text(&seen, "/spec/schedule");
        let schedule = match Schedule::parse(text) {
            Ok(schedule) => schedule,
            Err(error) => {
                let message = format!("unparseable schedule: {} : {error}", go_text::quote(text));
                self.event(EventType::Warning, "UnparseableSchedule", &message);
                return Ok(None);
            }
        };
        let now = self.api.now();
        let Ok(missed) = self.missed(&schedule, self.deadline(now)) else {
            let why = "time difference between two schedules is less than 1 second";
            self.event(EventType::Warning, "InvalidSchedule", &format!("invalid schedule: {text} : {why}"));
            return Ok(None);
        };
        if missed.count > MANY {
            let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check \
                           clock skew";
            self.event(EventType::Warning, "TooManyMissedTimes", message);
        }
        if let Some(due) = missed.latest {
            self.start(due)?;
        }
        Ok(self.until_next(&schedule))
    }

    /// Times before this one are not made up for.
    fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let seconds = fields::int(&self.seen, "/spec/startingDeadlineSeconds")?;
        now.checked_sub(fields::seconds(seconds)).ok()
    }

    fn until_next(&self, schedule: &Schedule) -> Option<SignedDuration> {
        let now = self.api.now();
        let since = match self.missed(schedule, None) {
            Ok(Missed { latest: Some(latest), .. }) => latest,
            Ok(Missed { since, count: 0, .. }) => since,
            _ => now,
        };
        let next = schedule.next(since, &self.zone)?;
        Some(later(next, PADDING).duration_since(now))
    }

    /// The times since the last one that was served.
    fn missed(&self, schedule: &Schedule, not_before: Option<Timestamp>) -> Result<Missed, Senseless> {
        let now = self.api.now();
        let last = fields::time(&self.cron_job, "/status/lastScheduleTime");
        let created = fields::time(&self.seen, "/metadata/creationTimestamp").unwrap_or(now);
        let since = last.unwrap_or(created).max(not_before.unwrap_or(Timestamp::MIN));
        let nothing = Missed { since, latest: None, count: 0 };
        let next = |after| schedule.next(after, &self.zone);
        // A schedule that never comes is one that comes again and again at the beginning of time upstream.
        let first = next(since).ok_or(Senseless)?;
        if now < first {
            return Ok(nothing);
        }
        let second = next(first).ok_or(Senseless)?;
        if now < second {
            return Ok(Missed { latest: Some(first), ..nothing });
        }
        let step = second.duration_since(first).as_secs();
        if step < 1 {
            return Err(Senseless);
        }
        let count = now.duration_since(first).as_secs() / step + 1;
        let mut latest = None;
        let from = first.checked_add(fields::seconds(count.saturating_sub(2).saturating_mul(step)));
        let mut time = from.ok().and_then(next);
        while let Some(at) = time.filter(|at| *at <= now) {
            latest = Some(at);
            time = next(at);
        }
        Ok(Missed { since, latest, count })
    }

    /// Makes the Job for one time, unless it is too late, done already, or another one forbids it.
    fn start(&mut self, due: Timestamp) -> Result<(), ApiError> {
        let seen = self.seen.clone();
        let now = self.api.now();
        let deadline = fields::int(&seen, "/spec/startingDeadlineSeconds").map(fields::seconds);
        if deadline.is_some_and(|deadline| later(due, deadline) < now) {
            let time = due.strftime("%a, %d %b %Y %H:%M:%S UTC");
            let message = format!("Missed scheduled time to start a job: {time}");
            self.event(EventType::Warning, "MissSchedule", &message);
            return Ok(());
        }
        let name = format!("{}-{}", object::name(&seen), due.as_second() / 60);
        let done = fields::time(&self.cron_job, "/status/lastScheduleTime") == Some(due);
        if done || self.active().iter().any(|active| active["name"] == *name) {
            return Ok(());
        }
        match fields::text(&seen, "/spec/concurrencyPolicy") {
            "Forbid" if !self.active().is_empty() => {
                let message =
                    "Not starting job because prior execution is running and concurrency policy is Forbid";
                self.event(EventType::Normal, "JobAlreadyActive", message);
                return Ok(());
            }
            "Replace" => self.replace_active()?,
            _ => {}
        }
        if let Some(job) = self.create(&name, due)? {
            let mut active = self.active();
            active.push(json!({
                "apiVersion": "batch/v1", "kind": "Job", "name": object::name(&job),
                "namespace": object::namespace(&job), "uid": object::uid(&job),
                "resourceVersion": object::resource_version(&job),
            }));
            self.set_active(active);
            self.cron_job["status"]["lastScheduleTime"] = object::time(due).into();
        }
        Ok(())
    }

    fn replace_active(&mut self) -> Result<(), ApiError> {
        let namespace = object::namespace(&self.seen).to_owned();
        for active in self.active() {
            let name = fields::text(&active, "/name");
            let Some(job) = self.api.get(&JOBS, Some(&namespace), name) else {
                let error = ApiError::not_found(&JOBS, name);
                self.event(EventType::Warning, "FailedGet", &format!("Get job: {error}"));
                return Err(error);
            };
            if !self.delete(&job) {
                return Err(ApiError::unexpected(format!("could not replace job {namespace}/{name}")));
            }
        }
        Ok(())
    }

    /// The new Job; nothing when somebody else has made one of that name.
    fn create(&mut self, name: &str, due: Timestamp) -> Result<Option<Arc<Value>>, ApiError> {
        let seen = self.seen.clone();
        let namespace = object::namespace(&seen);
        let template = &seen["spec"]["jobTemplate"];
        let mut annotations = template["metadata"]["annotations"].clone();
        if !annotations.is_object() {
            annotations = json!({});
        }
        let scheduled = due.to_zoned(self.zone.clone());
        let offset =
            if scheduled.offset().is_zero() { "Z".to_owned() } else { scheduled.strftime("%:z").to_string() };
        annotations[SCHEDULED_FOR] = format!("{}{offset}", scheduled.strftime("%Y-%m-%dT%H:%M:%S")).into();
        let mut metadata = json!({
            "name": name, "namespace": namespace, "annotations": annotations,
            "ownerReferences": [KIND.reference(&seen)],
        });
        if template["metadata"]["labels"].is_object() {
            metadata["labels"] = template["metadata"]["labels"].clone();
        }
        let job =
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]});
        match self.api.create(&JOBS, Some(namespace), job) {
            Ok(job) => {
                let message = format!("Created job {}", object::name(&job));
                self.event(EventType::Normal, "SuccessfulCreate", &message);
                Ok(Some(job))
            }
            Err(error) if error.is_already_exists() => {
                let ours = |job: &Arc<Value>| {
                    owners::controller_of(job).is_some_and(|owner| owner["uid"] == object::uid(&seen))
                };
                let there = self.api.get(&JOBS, Some(namespace), name).filter(ours);
                Ok(there.filter(|job| !self.is_active(object::uid(job))))
            }
            Err(error) => {
                let is_failure = !pod_control::is_namespace_terminating(&error);
                if is_failure && !error.is_awaiting_webhook() {
                    self.event(EventType::Warning, "FailedCreate", &format!("Error creating job: {error}"));
                }
                Err(error)
            }
        }
    }
}

/// What has not been served.
struct Missed {
    /// The last served time, or what counts as such.
    since: Timestamp,
    latest: Option<Timestamp>,
    count: i64,
}

/// The schedule can be read, but never comes.
#[derive(Debug)]
struct Senseless;

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

/// `Complete` or `Failed`, when the Job is over.
fn finished_as(job: &Value) -> Option<&str> {
    let over = |condition: &&Value| {
        (condition["type"] == "Complete" || condition["type"] == "Failed") && condition["status"] == "True"
    };
    fields::items(job, "/status/conditions")
        .iter()
        .find(over)
        .and_then(|condition| condition["type"].as_str())
}
