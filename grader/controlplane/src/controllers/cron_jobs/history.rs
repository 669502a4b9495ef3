//! The Jobs of a CronJob that were made before: those that run, and those that are kept.

use super::Visit;
use crate::controllers::known::JOBS;
use crate::controllers::recorder::EventType;
use crate::controllers::{fields, owners};
use crate::error::ApiError;
use crate::object;
use serde_json::{Value, json};
use std::sync::Arc;

impl Visit<'_, '_> {
    pub(super) fn jobs(&self) -> Vec<Arc<Value>> {
        let of_this = |job: &Arc<Value>| {
            owners::controller_of(job)
                .is_some_and(|owner| fields::text(owner, "/uid") == object::uid(&self.seen))
        };
        let jobs = self.api.list(&JOBS, Some(object::namespace(&self.seen)));
        jobs.into_iter().filter(of_this).collect()
    }

    /// Keeps as many finished Jobs as the history may have.
    pub(super) fn remove_old(&mut self, jobs: &[Arc<Value>]) {
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

    pub(super) fn delete(&mut self, job: &Value) -> bool {
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

    pub(super) fn active(&self) -> Vec<Value> {
        fields::items(&self.cron_job, "/status/active").to_vec()
    }

    pub(super) fn is_active(&self, uid: &str) -> bool {
        fields::items(&self.cron_job, "/status/active").iter().any(|active| active["uid"] == uid)
    }

    fn deactivate(&mut self, uid: &str) {
        let left: Vec<Value> = self.active().into_iter().filter(|active| active["uid"] != uid).collect();
        self.set_active(left);
    }

    pub(super) fn set_active(&mut self, active: Vec<Value>) {
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
    pub(super) fn follow(&mut self, jobs: &[Arc<Value>]) -> Result<(), ApiError> {
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
