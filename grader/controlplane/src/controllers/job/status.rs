//! What a Job says about its pods, and when it is over.

use super::pods_of_job;
use crate::controllers::known::JOBS;
use crate::controllers::recorder::EventType;
use crate::controllers::{Api, fields, pods};
use crate::error::ApiError;
use crate::object;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// `status` in the making.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub(super) active: usize,
    pub(super) ready: usize,
    pub(super) terminating: usize,
    pub(super) succeeded: i64,
    pub(super) failed: i64,
    /// The indexes that have succeeded, in an Indexed Job.
    pub(super) completed: BTreeSet<i64>,
    indexed: bool,
    start: Option<Value>,
    end: Option<Value>,
    conditions: Vec<Value>,
}

impl Status {
    /// What the Job says now. A Job that is not suspended starts with its first visit.
    pub(super) fn of(job: &Value, now: Timestamp) -> Self {
        let status = &job["status"];
        let number = |key: &str| status[key].as_i64().unwrap_or_default();
        let kept = |key: &str| status.get(key).filter(|value| !value.is_null()).cloned();
        let start = kept("startTime");
        let starts = start.is_none() && !fields::flag(job, "/spec/suspend");
        Self {
            active: 0,
            ready: 0,
            terminating: 0,
            succeeded: number("succeeded"),
            failed: number("failed"),
            completed: pods_of_job::parse(fields::text(status, "/completedIndexes")),
            indexed: pods_of_job::is_indexed(job),
            start: if starts { Some(object::time(now).into()) } else { start },
            end: kept("completionTime"),
            conditions: fields::items(status, "/conditions").to_vec(),
        }
    }

    fn has(&self, kind: &str) -> bool {
        self.conditions.iter().any(|condition| condition["type"] == kind && condition["status"] == "True")
    }

    /// It has succeeded or failed, and nothing will change any more.
    pub(super) fn is_over(&self) -> bool {
        self.has("Complete") || self.has("Failed")
    }

    /// It will succeed or fail, as soon as its pods are gone.
    pub(super) fn is_decided(&self) -> bool {
        self.has("SuccessCriteriaMet") || self.has("FailureTarget")
    }

    /// How long the Job has been running.
    pub(super) fn running_for(&self, now: Timestamp) -> SignedDuration {
        let start = self.start.as_ref().and_then(Value::as_str).and_then(|time| time.parse().ok());
        start.map_or(SignedDuration::ZERO, |start: Timestamp| now.duration_since(start))
    }

    /// Counts a pod that has finished or is being deleted.
    pub(super) fn count(&mut self, pod: &Value) {
        if pods::phase(pod) != "Succeeded" {
            self.failed += 1;
        } else if !self.indexed {
            self.succeeded += 1;
        } else if let Some(index) = pods_of_job::index(pod) {
            self.completed.insert(index);
            self.succeeded = i64::try_from(self.completed.len()).unwrap_or(i64::MAX);
        }
    }

    /// How many pods should run.
    pub(super) fn wanted(&self, job: &Value, active: usize) -> usize {
        if fields::flag(job, "/spec/suspend") {
            return 0;
        }
        let parallelism = fields::int(job, "/spec/parallelism").unwrap_or(1);
        let wanted = match fields::int(job, "/spec/completions") {
            Some(completions) => parallelism.min(completions - self.succeeded),
            // The pods share one piece of work: when one has succeeded, no new one is started.
            None if self.succeeded > 0 => return active,
            None => parallelism,
        };
        usize::try_from(wanted).unwrap_or_default()
    }

    pub(super) fn fail(&mut self, reason: &str, message: &str, now: Timestamp) {
        if !self.is_decided() {
            self.set("FailureTarget", "True", reason, message, now);
        }
    }

    pub(super) fn succeed_if_complete(&mut self, job: &Value, active: usize, now: Timestamp) {
        let complete = match fields::int(job, "/spec/completions") {
            Some(completions) => self.succeeded >= completions,
            None => self.succeeded > 0 && active == 0,
        };
        if complete && !self.is_decided() {
            let message = "Reached expected number of succeeded pods";
            self.set("SuccessCriteriaMet", "True", "CompletionsReached", message, now);
        }
    }

    /// Says that the Job is suspended, or that it is resumed; the answer is the event for it, when it is news.
    pub(super) fn set_suspended(
        &mut self,
        suspended: bool,
        now: Timestamp,
    ) -> Option<(&'static str, &'static str)> {
        match (suspended, self.has("Suspended")) {
            (true, false) => {
                self.set("Suspended", "True", "JobSuspended", "Job suspended", now);
                self.start = None;
                Some(("Suspended", "Job suspended"))
            }
            (false, true) => {
                self.set("Suspended", "False", "JobResumed", "Job resumed", now);
                self.start = Some(object::time(now).into());
                Some(("Resumed", "Job resumed"))
            }
            _ => None,
        }
    }

    /// Ends the Job when that is decided and no pod runs any more; the answer is the event for it.
    pub(super) fn finish(&mut self, now: Timestamp) -> Option<(EventType, String, String)> {
        if self.active + self.terminating > 0 || self.is_over() {
            return None;
        }
        let decision = |kind: &str| {
            let mut conditions = self.conditions.iter();
            let condition = conditions.find(|condition| condition["type"] == kind)?;
            let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
            Some((text("reason"), text("message")))
        };
        if let Some((reason, message)) = decision("SuccessCriteriaMet") {
            self.set("Complete", "True", &reason, &message, now);
            self.end = Some(object::time(now).into());
            return Some((EventType::Normal, "Completed".into(), "Job completed".into()));
        }
        let (reason, message) = decision("FailureTarget")?;
        self.set("Failed", "True", &reason, &message, now);
        Some((EventType::Warning, reason, message))
    }

    fn set(&mut self, kind: &str, value: &str, reason: &str, message: &str, now: Timestamp) {
        let condition = json!({
            "type": kind, "status": value, "reason": reason, "message": message,
            "lastProbeTime": object::time(now), "lastTransitionTime": object::time(now),
        });
        match self.conditions.iter_mut().find(|condition| condition["type"] == kind) {
            Some(old) => *old = condition,
            None => self.conditions.push(condition),
        }
    }

    /// Writes the status when it says something new.
    pub(super) fn write(&self, api: &mut Api<'_>, job: &Value) -> Result<(), ApiError> {
        let status = self.to_value();
        if status == job["status"] {
            return Ok(());
        }
        let mut written = job.clone();
        written["status"] = status;
        api.update_status(&JOBS, written).map(drop)
    }

    fn to_value(&self) -> Value {
        let mut status = Map::new();
        status.insert("ready".into(), self.ready.into());
        status.insert("terminating".into(), self.terminating.into());
        status.insert("uncountedTerminatedPods".into(), json!({}));
        if self.active > 0 {
            status.insert("active".into(), self.active.into());
        }
        for (key, number) in [("succeeded", self.succeeded), ("failed", self.failed)] {
            if number > 0 {
                status.insert(key.into(), number.into());
            }
        }
        if !self.completed.is_empty() {
            status.insert("completedIndexes".into(), pods_of_job::list(&self.completed).into());
        }
        for (key, value) in [("startTime", &self.start), ("completionTime", &self.end)] {
            if let Some(value) = value {
                status.insert(key.into(), value.clone());
            }
        }
        if !self.conditions.is_empty() {
            status.insert("conditions".into(), self.conditions.clone().into());
        }
        status.into()
    }
}
