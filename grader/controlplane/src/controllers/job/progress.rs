//! What the pods of a Job have come to, those included that its status has not counted yet.

use super::failure_policy::{self, Action};
use super::indexes::Indexes;
use super::pods_of_job::{index_within, is_indexed, is_tracked};
use super::status::Status;
use super::{backoff, index_failures};
use crate::controllers::{fields, pods};
use crate::object;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The progress of a Job at one visit.
pub(super) struct Progress {
    /// Pods that have ended since the last visit.
    pub(super) succeeded_now: Vec<Arc<Value>>,
    pub(super) failed_now: Vec<Arc<Value>>,
    pub(super) succeeded: i64,
    pub(super) failed: i64,
    /// The indexes that had succeeded before.
    pub(super) completed_before: Indexes,
    pub(super) completed: Indexes,
    /// The indexes that are given up, in a Job that limits failures by index.
    pub(super) failed_indexes: Option<Indexes>,
    /// By index, the failed pod that stays until its replacement has taken over its number of failures.
    pub(super) awaiting_replacement: BTreeMap<i64, Arc<Value>>,
}

impl Progress {
    pub(super) fn of(job: &Value, pods: &[Arc<Value>], status: &Status) -> Self {
        let new_of = |has_ended: &dyn Fn(&Value) -> bool, named: &[String]| -> Vec<Arc<Value>> {
            let named: BTreeSet<&str> = named.iter().map(String::as_str).collect();
            let is_new = |pod: &Value| {
                has_ended(pod) && is_tracked(pod) && has_place(job, pod) && !named.contains(object::uid(pod))
            };
            pods.iter().filter(|pod| is_new(pod)).cloned().collect()
        };
        let succeeded_now = new_of(&|pod| pods::phase(pod) == "Succeeded", &status.uncounted_succeeded);
        let failed_now = new_of(&|pod| is_failed(job, pod), &status.uncounted_failed);
        let counting = failed_now.iter().filter(|pod| failure_policy::action(job, pod) != Action::Ignore);
        let failed = status.failed + length(counting.count()) + length(status.uncounted_failed.len());
        let completions = fields::int(job, "/spec/completions").unwrap_or_default();
        let completed_before = Indexes::parse(&status.completed, completions);
        let mut progress = Self {
            succeeded: status.succeeded
                + length(succeeded_now.len())
                + length(status.uncounted_succeeded.len()),
            failed,
            completed: completed_before.clone(),
            completed_before,
            failed_indexes: None,
            awaiting_replacement: BTreeMap::new(),
            succeeded_now,
            failed_now,
        };
        if !is_indexed(job) {
            return progress;
        }
        let tracked = || pods.iter().filter(|pod| is_tracked(pod));
        let new = tracked().filter(|pod| pods::phase(pod) == "Succeeded");
        progress.completed =
            progress.completed.union(&new.filter_map(|pod| index_within(job, pod)).collect());
        progress.succeeded = progress.completed.count();
        if let Some(limit) = fields::int(job, "/spec/backoffLimitPerIndex") {
            let given_up = tracked().filter(|pod| index_failures::ends_index(job, pod, limit));
            let given_up: Indexes = given_up.filter_map(|pod| index_within(job, pod)).collect();
            let before = Indexes::parse(status.failed_indexes.as_deref().unwrap_or_default(), completions);
            progress.failed_indexes = Some(before.union(&given_up));
            progress.awaiting_replacement = progress.awaiting_replacement(job, pods);
        }
        progress
    }

    /// These indexes, and those that have succeeded or are given up.
    pub(super) fn and_over(&self, indexes: &Indexes) -> Indexes {
        let indexes = indexes.union(&self.completed);
        match &self.failed_indexes {
            Some(failed) => indexes.union(failed),
            None => indexes,
        }
    }

    fn awaiting_replacement(&self, job: &Value, pods: &[Arc<Value>]) -> BTreeMap<i64, Arc<Value>> {
        let active = pods.iter().filter(|pod| pods::is_active(pod));
        let settled = self.and_over(&active.filter_map(|pod| index_within(job, pod)).collect());
        let mut awaiting = BTreeMap::<i64, Arc<Value>>::new();
        for pod in pods.iter().filter(|pod| is_tracked(pod) && is_failed(job, pod)) {
            let Some(index) = index_within(job, pod).filter(|index| !settled.contains(*index)) else {
                continue;
            };
            let order = |pod: &Value| (index_failures::total(pod), backoff::end_of(pod));
            if awaiting.get(&index).is_none_or(|known| order(known) <= order(pod)) {
                awaiting.insert(index, pod.clone());
            }
        }
        awaiting
    }
}

/// The pod counts as failed: a pod that is deleted before it has ended does, unless the Job only replaces pods that
/// have ended.
pub(super) fn is_failed(job: &Value, pod: &Value) -> bool {
    match pods::phase(pod) {
        "Failed" => true,
        "Succeeded" => false,
        _ => object::is_deleting(pod) && !replaces_ended_pods_only(job),
    }
}

/// A pod on its way out is not replaced before it has ended.
pub(super) fn replaces_ended_pods_only(job: &Value) -> bool {
    job["spec"]["podReplacementPolicy"] == "Failed" || job["spec"]["podFailurePolicy"].is_object()
}

/// A pod of an Indexed Job only counts with an index that the Job has.
pub(super) fn has_place(job: &Value, pod: &Value) -> bool {
    !is_indexed(job) || index_within(job, pod).is_some()
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
