//! Whether a Job has succeeded or failed, and why (pkg/controller/job/job_controller.go, syncJob;
//! success_policy.go).

use super::failure_policy::{self, Action};
use super::indexes::Indexes;
use super::progress::{Progress, is_failed};
use super::status::Status;
use crate::controllers::{fields, pods};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::Arc;

/// How a Job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    Failure,
}

/// What is decided about a Job, before its last pods are gone.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub(super) outcome: Outcome,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Decision {
    pub(super) fn new(outcome: Outcome, reason: &str, message: &str) -> Self {
        Self { outcome, reason: reason.to_owned(), message: message.to_owned() }
    }

    fn failure(reason: &str, message: &str) -> Self {
        Self::new(Outcome::Failure, reason, message)
    }
}

/// What is decided before any more pods are made. A decision of an earlier visit stays; failures come before success.
pub(super) fn decide(
    job: &Value,
    pods: &[Arc<Value>],
    status: &Status,
    progress: &Progress,
    now: Timestamp,
) -> Option<Decision> {
    status
        .decision()
        .or_else(|| failed_by_policy(job, pods))
        .or_else(|| past_backoff_limit(job, pods, progress))
        .or_else(|| past_deadline(job, status, now))
        .or_else(|| past_index_limits(job, progress))
        .or_else(|| succeeded_by_policy(job, progress))
}

/// Success because enough pods have succeeded and none is left running.
pub(super) fn complete(job: &Value, progress: &Progress, active: usize) -> Option<Decision> {
    let wanted = fields::int(job, "/spec/completions").unwrap_or(1);
    let message = "Reached expected number of succeeded pods";
    (progress.succeeded >= wanted && active == 0)
        .then(|| Decision::new(Outcome::Success, "CompletionsReached", message))
}

/// How long the Job may go on; nothing when it sets no limit, or is not running.
pub(super) fn until_deadline(job: &Value, status: &Status, now: Timestamp) -> Option<SignedDuration> {
    let limit = fields::seconds(fields::int(job, "/spec/activeDeadlineSeconds")?);
    let start = status.start().filter(|_| !fields::flag(job, "/spec/suspend"))?;
    Some(limit.saturating_sub(now.duration_since(start)))
}

fn failed_by_policy(job: &Value, pods: &[Arc<Value>]) -> Option<Decision> {
    let failed = pods.iter().filter(|pod| is_failed(job, pod));
    let message = failed.into_iter().find_map(|pod| match failure_policy::action(job, pod) {
        Action::FailJob(message) => Some(message),
        _ => None,
    })?;
    Some(Decision::failure("PodFailurePolicy", &message))
}

fn past_backoff_limit(job: &Value, pods: &[Arc<Value>], progress: &Progress) -> Option<Decision> {
    let limit = fields::int(job, "/spec/backoffLimit").unwrap_or(6);
    let restarts = restarts(job, pods);
    // Restarts of containers in place count where pods restart them; the first one is too many only for a limit of 0.
    let restarted = restarts > 0 && restarts >= limit;
    (progress.failed > limit || restarted)
        .then(|| Decision::failure("BackoffLimitExceeded", "Job has reached the specified backoff limit"))
}

fn restarts(job: &Value, pods: &[Arc<Value>]) -> i64 {
    if job["spec"]["template"]["spec"]["restartPolicy"] != "OnFailure" {
        return 0;
    }
    let running = pods.iter().filter(|pod| matches!(pods::phase(pod), "Running" | "Pending"));
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let containers = running.flat_map(|pod| lists.into_iter().flat_map(|list| fields::items(pod, list)));
    containers.filter_map(|container| fields::int(container, "/restartCount")).sum()
}

fn past_deadline(job: &Value, status: &Status, now: Timestamp) -> Option<Decision> {
    let left = until_deadline(job, status, now)?;
    (left <= SignedDuration::ZERO)
        .then(|| Decision::failure("DeadlineExceeded", "Job was active longer than specified deadline"))
}

fn past_index_limits(job: &Value, progress: &Progress) -> Option<Decision> {
    let failed = progress.failed_indexes.as_ref()?.count();
    if fields::int(job, "/spec/maxFailedIndexes").is_some_and(|most| failed > most) {
        let message = "Job has exceeded the specified maximal number of failed indexes";
        return Some(Decision::failure("MaxFailedIndexesExceeded", message));
    }
    let completions = fields::int(job, "/spec/completions")?;
    (failed > 0 && failed + progress.completed.count() >= completions)
        .then(|| Decision::failure("FailedIndexes", "Job has failed indexes"))
}

fn succeeded_by_policy(job: &Value, progress: &Progress) -> Option<Decision> {
    let completions = fields::int(job, "/spec/completions")?;
    let succeeded = progress.completed.count();
    let is_met = |rule: &&Value| {
        let count = fields::int(rule, "/succeededCount");
        match rule["succeededIndexes"].as_str() {
            Some(wanted) => {
                let wanted = Indexes::parse(wanted, completions);
                let there = wanted.overlap(&progress.completed);
                wanted.count() > 0 && (there == wanted.count() || count.is_some_and(|count| there >= count))
            }
            None => count.is_some_and(|count| succeeded >= count),
        }
    };
    let mut rules = fields::items(job, "/spec/successPolicy/rules").iter();
    let met = rules.position(|rule| succeeded > 0 && is_met(&rule))?;
    let message = format!("Matched rules at index {met}");
    Some(Decision::new(Outcome::Success, "SuccessPolicy", &message))
}
