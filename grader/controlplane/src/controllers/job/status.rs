//! What a Job says about its pods and itself.

use super::decision::{Decision, Outcome};
use crate::controllers::known::JOBS;
use crate::controllers::recorder::EventType;
use crate::controllers::{Api, fields};
use crate::error::ApiError;
use crate::object;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// `status` in the making.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub(super) active: usize,
    pub(super) ready: usize,
    pub(super) terminating: usize,
    pub(super) succeeded: i64,
    pub(super) failed: i64,
    /// The indexes that have succeeded, as a list.
    pub(super) completed: String,
    /// The indexes that are given up, where the Job limits failures by index.
    pub(super) failed_indexes: Option<String>,
    /// Uids of pods that have ended and are counted once their finalizer is off.
    pub(super) uncounted_succeeded: Vec<String>,
    pub(super) uncounted_failed: Vec<String>,
    start: Option<Value>,
    end: Option<Value>,
    conditions: Vec<Value>,
}

/// The Job has succeeded or failed, and nothing will change any more.
pub(super) fn is_over(job: &Value) -> bool {
    let is_true = |kind| fields::condition(job, kind).is_some_and(|condition| condition["status"] == "True");
    is_true("Complete") || is_true("Failed")
}

impl Status {
    /// What the Job says now. A Job that is not suspended starts with its first visit.
    pub(super) fn of(job: &Value, now: Timestamp) -> Self {
        let status = &job["status"];
        let number = |key: &str| status[key].as_i64().unwrap_or_default();
        let kept = |key: &str| status.get(key).filter(|value| !value.is_null()).cloned();
        let uids = |key: &str| -> Vec<String> {
            let uids = fields::items(status, &format!("/uncountedTerminatedPods/{key}")).iter();
            uids.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let start = kept("startTime");
        let starts = start.is_none() && !fields::flag(job, "/spec/suspend");
        Self {
            active: 0,
            ready: 0,
            terminating: 0,
            succeeded: number("succeeded"),
            failed: number("failed"),
            completed: fields::text(status, "/completedIndexes").to_owned(),
            failed_indexes: status["failedIndexes"].as_str().map(str::to_owned),
            uncounted_succeeded: uids("succeeded"),
            uncounted_failed: uids("failed"),
            start: if starts { Some(object::time(now).into()) } else { start },
            end: kept("completionTime"),
            conditions: fields::items(status, "/conditions").to_vec(),
        }
    }

    fn has(&self, kind: &str) -> bool {
        self.conditions.iter().any(|condition| condition["type"] == kind && condition["status"] == "True")
    }

    /// Since when the Job runs.
    pub(super) fn start(&self) -> Option<Timestamp> {
        self.start.as_ref()?.as_str()?.parse().ok()
    }

    /// What an earlier visit has decided.
    pub(super) fn decision(&self) -> Option<Decision> {
        let decided = |(kind, outcome)| {
            let holds = |condition: &&Value| condition["type"] == kind && condition["status"] == "True";
            let condition = self.conditions.iter().find(holds)?;
            let (reason, message) = (fields::text(condition, "/reason"), fields::text(condition, "/message"));
            Some(Decision::new(outcome, reason, message))
        };
        [("SuccessCriteriaMet", Outcome::Success), ("FailureTarget", Outcome::Failure)]
            .into_iter()
            .find_map(decided)
    }

    /// Says what is decided, before the last pods are gone.
    pub(super) fn announce(&mut self, decision: &Decision, now: Timestamp) {
        let kind = match decision.outcome {
            Outcome::Success => "SuccessCriteriaMet",
            Outcome::Failure => "FailureTarget",
        };
        if !self.has(kind) {
            self.set(kind, "True", &decision.reason, &decision.message, now);
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

    /// Counts the pods that have ended, except for those whose finalizer is still on.
    pub(super) fn count(&mut self, is_tracked: impl Fn(&str) -> bool) {
        for (uncounted, number) in [
            (&mut self.uncounted_succeeded, &mut self.succeeded),
            (&mut self.uncounted_failed, &mut self.failed),
        ] {
            let before = uncounted.len();
            uncounted.retain(|uid| is_tracked(uid));
            *number += i64::try_from(before - uncounted.len()).unwrap_or(i64::MAX);
        }
    }

    /// Ends the Job, unless pods are still on their way out; the answer is the event for it.
    pub(super) fn finish(
        &mut self,
        decision: &Decision,
        now: Timestamp,
    ) -> Option<(EventType, String, String)> {
        let uncounted = self.uncounted_succeeded.len() + self.uncounted_failed.len();
        if self.terminating + uncounted > 0 {
            return None;
        }
        let Decision { outcome, reason, message } = decision.clone();
        match outcome {
            Outcome::Success => {
                self.set("Complete", "True", &reason, &message, now);
                self.end = Some(object::time(now).into());
                Some((EventType::Normal, "Completed".into(), "Job completed".into()))
            }
            Outcome::Failure => {
                self.set("Failed", "True", &reason, &message, now);
                Some((EventType::Warning, reason, message))
            }
        }
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

    /// Writes the status when it says something new; the answer is the Job as it is then.
    pub(super) fn write(&self, api: &mut Api<'_>, job: &Arc<Value>) -> Result<Arc<Value>, ApiError> {
        let status = self.to_value();
        if status == job["status"] {
            return Ok(job.clone());
        }
        let mut written = (**job).clone();
        written["status"] = status;
        api.update_status(&JOBS, written)
    }

    fn to_value(&self) -> Value {
        let mut status = Map::new();
        let mut uncounted = Map::new();
        for (key, uids) in [("succeeded", &self.uncounted_succeeded), ("failed", &self.uncounted_failed)] {
            if !uids.is_empty() {
                uncounted.insert(key.into(), uids.clone().into());
            }
        }
        status.insert("ready".into(), self.ready.into());
        status.insert("terminating".into(), self.terminating.into());
        status.insert("uncountedTerminatedPods".into(), uncounted.into());
        if self.active > 0 {
            status.insert("active".into(), self.active.into());
        }
        for (key, number) in [("succeeded", self.succeeded), ("failed", self.failed)] {
            if number > 0 {
                status.insert(key.into(), number.into());
            }
        }
        if !self.completed.is_empty() {
            status.insert("completedIndexes".into(), self.completed.clone().into());
        }
        if let Some(failed) = &self.failed_indexes {
            status.insert("failedIndexes".into(), failed.clone().into());
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
