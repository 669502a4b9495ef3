//! One visit to one Job (pkg/controller/job/job_controller.go, syncJob).

use super::decision::{self, Decision, Outcome};
use super::failure_policy::{self, Action};
use super::pods_of_job::{self, index_within, is_indexed, is_tracked, untrack};
use super::progress::{Progress, has_place, is_failed, replaces_ended_pods_only};
use super::status::Status;
use super::{backoff, index_failures};
use crate::controllers::recorder::{EventType, Recorder};
use crate::controllers::{Api, fields, pod_control, pods};
use crate::error::ApiError;
use crate::object;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Pods made or deleted in one visit.
const BURST: usize = 500;
/// Pods that a status may name as not counted yet.
const MOST_UNCOUNTED: usize = 500;

pub(super) struct Visit<'v, 'a> {
    api: &'v mut Api<'a>,
    recorder: &'v mut Recorder,
    job: Arc<Value>,
    /// The pods as they were when the visit began.
    pods: Vec<Arc<Value>>,
    active: Vec<Arc<Value>>,
    status: Status,
    pub(super) progress: Progress,
    pub(super) now: Timestamp,
    again: Option<SignedDuration>,
}

impl<'v, 'a> Visit<'v, 'a> {
    pub(super) fn new(
        api: &'v mut Api<'a>,
        recorder: &'v mut Recorder,
        job: Arc<Value>,
        pods: Vec<Arc<Value>>,
    ) -> Self {
        let now = api.now();
        let mut status = Status::of(&job, now);
        let progress = Progress::of(&job, &pods, &status);
        let active: Vec<Arc<Value>> = pods.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
        let is_terminating = |pod: &&Arc<Value>| object::is_deleting(pod) && !pods::is_finished(pod);
        status.active = active.len();
        status.ready = active.iter().filter(|pod| pods::is_ready(pod)).count();
        status.terminating = pods.iter().filter(is_terminating).count();
        Self { api, recorder, job, pods, active, status, progress, now, again: None }
    }

    /// Does what there is to do; new pods have to wait for `pause`. The answer is when the Job wants another look, if
    /// nothing changes before.
    pub(super) fn pay(mut self, pause: Option<SignedDuration>) -> Result<Option<SignedDuration>, ApiError> {
        let decided = decision::decide(&self.job, &self.pods, &self.status, &self.progress, self.now);
        let (decided, managed) = match decided {
            Some(decided) => {
                let stopped = self.stop_all();
                // While a pod still runs, the Job is not over.
                (Some(decided).filter(|_| stopped.is_ok()), stopped)
            }
            None => {
                self.again = decision::until_deadline(&self.job, &self.status, self.now);
                self.go_on(pause)
            }
        };
        self.settle(decided)?;
        managed?;
        Ok(self.again)
    }

    fn is_suspended(&self) -> bool {
        fields::flag(&self.job, "/spec/suspend")
    }

    /// Deletes what still runs; these pods are counted.
    fn stop_all(&mut self) -> Result<(), ApiError> {
        for pod in std::mem::take(&mut self.active) {
            pod_control::delete(self.api, self.recorder, &self.job, &pod)?;
            self.note_stopped(&pod);
        }
        Ok(())
    }

    fn note_stopped(&mut self, pod: &Value) {
        self.status.active -= 1;
        self.status.ready -= usize::from(pods::is_ready(pod));
        self.status.terminating += 1;
    }

    /// Makes the number of running pods what it should be, then looks whether that is all.
    fn go_on(&mut self, pause: Option<SignedDuration>) -> (Option<Decision>, Result<(), ApiError>) {
        let is_managed = !object::is_deleting(&self.job);
        let managed = if is_managed { self.manage(pause) } else { Ok(()) };
        let complete = decision::complete(&self.job, &self.progress, self.status.active);
        if is_managed
            && complete.is_none()
            && let Some((reason, message)) = self.status.set_suspended(self.is_suspended(), self.now)
        {
            self.recorder.record(self.api, &self.job, EventType::Normal, reason, message);
        }
        (complete, managed)
    }

    fn manage(&mut self, pause: Option<SignedDuration>) -> Result<(), ApiError> {
        let active = self.active.len();
        let wanted = self.wanted();
        let surplus = pods_of_job::surplus(&self.job, &self.active, active.saturating_sub(wanted));
        if self.is_suspended() || !surplus.is_empty() {
            return surplus.iter().take(BURST).try_for_each(|pod| self.take_back(pod));
        }
        let leaving = if replaces_ended_pods_only(&self.job) { self.status.terminating } else { 0 };
        let missing = wanted.saturating_sub(leaving + active).min(BURST);
        if missing == 0 { Ok(()) } else { self.create(missing, pause) }
    }

    /// How many pods should run.
    fn wanted(&self) -> usize {
        if self.is_suspended() {
            return 0;
        }
        let parallelism = fields::int(&self.job, "/spec/parallelism").unwrap_or(1);
        let succeeded = self.progress.succeeded;
        let wanted = match fields::int(&self.job, "/spec/completions") {
            Some(completions) => parallelism.min(completions - succeeded),
            // The pods share one piece of work: when one has succeeded, no new one is started.
            None if succeeded > 0 => return self.active.len(),
            None => parallelism,
        };
        usize::try_from(wanted).unwrap_or_default()
    }

    /// Deletes a pod that is not counted.
    fn take_back(&mut self, pod: &Value) -> Result<(), ApiError> {
        untrack(self.api, pod)?;
        pod_control::delete(self.api, self.recorder, &self.job, pod)?;
        self.note_stopped(pod);
        Ok(())
    }

    fn create(&mut self, missing: usize, pause: Option<SignedDuration>) -> Result<(), ApiError> {
        let by_index = self.progress.failed_indexes.is_some();
        if let Some(pause) = pause.filter(|_| !by_index) {
            self.look_again(pause);
            return Ok(());
        }
        if !is_indexed(&self.job) {
            return (0..missing).try_for_each(|_| self.create_pod(None));
        }
        let indexes = pods_of_job::pending_indexes(&self.job, &self.pods, &self.progress, missing);
        let (waiting, due): (Vec<_>, Vec<_>) =
            indexes.into_iter().map(|index| (index, self.pause_of(index))).partition(|(_, p)| p.is_some());
        if due.is_empty()
            && let Some(shortest) = waiting.into_iter().filter_map(|(_, pause)| pause).min()
        {
            self.look_again(shortest);
        }
        due.into_iter().try_for_each(|(index, _)| self.create_pod(Some(index)))
    }

    /// How long an index still has to wait because of its own failures.
    fn pause_of(&self, index: i64) -> Option<SignedDuration> {
        let failed = self.progress.awaiting_replacement.get(&index)?;
        backoff::remaining(index_failures::total(failed) + 1, backoff::end_of(failed), self.now)
    }

    fn look_again(&mut self, pause: SignedDuration) {
        self.again = self.again.into_iter().chain([pause]).min();
    }

    fn create_pod(&mut self, index: Option<i64>) -> Result<(), ApiError> {
        let replaced = index.and_then(|index| self.progress.awaiting_replacement.get(&index));
        let pod = pods_of_job::new(&self.job, index, replaced.map(Arc::as_ref));
        pod_control::create(self.api, self.recorder, &self.job, pod)?;
        self.status.active += 1;
        Ok(())
    }

    /// Counts the pods that have ended and lets them go, then ends the Job when that is decided.
    ///
    /// The status names the pods before their finalizers are off, so that none is counted twice or forgotten.
    fn settle(&mut self, decided: Option<Decision>) -> Result<(), ApiError> {
        let tracked = |pod: &&Arc<Value>| is_tracked(pod);
        let uids: BTreeSet<&str> = self.pods.iter().filter(tracked).map(|pod| object::uid(pod)).collect();
        self.status.count(|uid| uids.contains(uid));
        let (released, is_all) = self.take_down(decided.as_ref());
        if let Some(decided) = &decided {
            self.status.announce(decided, self.now);
        }
        let (api, job) = (&mut *self.api, &self.job);
        let job = self.status.write(api, job)?;
        for pod in &released {
            untrack(api, pod)?;
        }
        let uids: BTreeSet<&str> = released.iter().map(|pod| object::uid(pod)).collect();
        self.status.count(|uid| !uids.contains(uid));
        let ended = decided.filter(|_| is_all).and_then(|decided| self.status.finish(&decided, self.now));
        let job = self.status.write(api, &job)?;
        if let Some((kind, reason, message)) = ended {
            self.recorder.record(api, &job, kind, &reason, &message);
        }
        Ok(())
    }

    /// Notes the pods to be counted. The answer is which ones may go, and whether that is all of them.
    fn take_down(&mut self, decided: Option<&Decision>) -> (Vec<Arc<Value>>, bool) {
        let fails = decided.is_some_and(|decided| decided.outcome == Outcome::Failure);
        let mut completed = Vec::new();
        let mut released = Vec::new();
        let mut is_all = true;
        for pod in self.pods.iter().filter(|pod| is_tracked(pod)) {
            let failed = is_failed(&self.job, pod);
            if !self.may_go(pod, failed, decided.is_some()) {
                continue;
            }
            released.push(pod.clone());
            let uid = object::uid(pod).to_owned();
            let status = &mut self.status;
            if pods::phase(pod) == "Succeeded" && !status.uncounted_failed.contains(&uid) {
                if is_indexed(&self.job) {
                    completed.extend(index_within(&self.job, pod));
                } else if !status.uncounted_succeeded.contains(&uid) {
                    status.uncounted_succeeded.push(uid);
                }
            } else if (failed || fails)
                && !status.uncounted_failed.contains(&uid)
                && has_place(&self.job, pod)
                && failure_policy::action(&self.job, pod) != Action::Ignore
            {
                status.uncounted_failed.push(uid);
            }
            let uncounted = status.uncounted_succeeded.len() + status.uncounted_failed.len();
            if completed.len() + uncounted >= MOST_UNCOUNTED {
                is_all = false;
                break;
            }
        }
        if is_indexed(&self.job) {
            let succeeded = self.progress.completed_before.union(&completed.into_iter().collect());
            self.status.succeeded = succeeded.count();
            self.status.completed = succeeded.to_string();
            self.status.failed_indexes = self.progress.failed_indexes.as_ref().map(ToString::to_string);
        }
        (released, is_all)
    }

    fn may_go(&self, pod: &Value, failed: bool, is_decided: bool) -> bool {
        let awaits_replacement = || {
            let index = index_within(&self.job, pod);
            let awaiting = index.and_then(|index| self.progress.awaiting_replacement.get(&index));
            awaiting.is_some_and(|awaiting| object::uid(awaiting) == object::uid(pod))
        };
        object::is_deleting(&self.job)
            || is_decided
            || pods::phase(pod) == "Succeeded"
            || (failed && !awaits_replacement())
    }
}
