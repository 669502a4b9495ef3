//! Making the Job that is due (pkg/controller/cronjob/cronjob_controllerv2.go, syncCronJob).

use super::{KIND, Visit};
use crate::builtins::schedule::{Schedule, time_zone};
use crate::controllers::known::JOBS;
use crate::controllers::recorder::EventType;
use crate::controllers::work_queue::later;
use crate::controllers::{fields, owners, pod_control};
use crate::error::ApiError;
use crate::go_text;
use crate::object;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

/// The annotation that names the time for which a Job was made.
const SCHEDULED_FOR: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// More missed times than these are worth a warning.
const MANY: i64 = 100;

impl Visit<'_, '_> {
    /// Makes the Job that is due; the answer is how long it is until the next.
    pub(super) fn schedule(&mut self) -> Result<Option<SignedDuration>, ApiError> {
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
