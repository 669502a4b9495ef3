//! How long a Job waits after failures before it makes pods again (pkg/controller/job/backoff_utils.go).

use crate::controllers::{fields, owners::Key};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The pause after a failed pod; it doubles with every further one ...
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// ... up to this.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// The failures in a row of each Job, and when the last one was.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: BTreeMap<Key, (i64, Timestamp)>,
}

impl Backoff {
    /// Notes pods that have ended since the last visit; a success ends a row of failures.
    pub(super) fn note(&mut self, job: &Key, succeeded: &[Arc<Value>], failed: &[Arc<Value>]) {
        let last_success = succeeded.iter().map(|pod| end_of(pod)).max();
        let counting = failed.iter().map(|pod| end_of(pod));
        let counting: Vec<Timestamp> = counting.filter(|end| Some(*end) > last_success).collect();
        if last_success.is_some() {
            self.failures.remove(job);
        }
        if let Some(last) = counting.iter().max() {
            let failures = self.failures.entry(job.clone()).or_insert((0, *last));
            let more = i64::try_from(counting.len()).unwrap_or(i64::MAX);
            *failures = (failures.0.saturating_add(more), *last);
        }
    }

    /// The Job is over.
    pub(super) fn forget(&mut self, job: &Key) {
        self.failures.remove(job);
    }

    /// How long the Job still has to wait; nothing when it need not.
    pub(super) fn remaining(&self, job: &Key, now: Timestamp) -> Option<SignedDuration> {
        let (failures, last) = self.failures.get(job)?;
        remaining(*failures, *last, now)
    }
}

/// How long to wait after that many failures, the last one at `last`; nothing when that has passed.
pub(super) fn remaining(failures: i64, last: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let doubled = failures.saturating_sub(1).clamp(0, 10);
    let left = FIRST_PAUSE.saturating_mul(1 << doubled).min(LONGEST_PAUSE) - now.duration_since(last);
    (failures > 0 && left > SignedDuration::ZERO).then_some(left)
}

/// When a pod ended: what its containers say, else its condition `Ready`, else its deletion.
pub(super) fn end_of(pod: &Value) -> Timestamp {
    let not_ready = || {
        let ready = fields::condition(pod, "Ready").filter(|ready| ready["status"] == "False")?;
        fields::time(ready, "/lastTransitionTime")
    };
    let deleted = || {
        let grace = fields::int(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or_default();
        fields::time(pod, "/metadata/deletionTimestamp")?.checked_sub(fields::seconds(grace)).ok()
    };
    let created = || fields::time(pod, "/metadata/creationTimestamp");
    end_of_containers(pod).or_else(not_ready).or_else(deleted).or_else(created).unwrap_or(Timestamp::MIN)
}

/// When the last container ended; nothing while one runs. Sidecars count, other init containers do not.
fn end_of_containers(pod: &Value) -> Option<Timestamp> {
    let sidecars = fields::items(pod, "/spec/initContainers").iter();
    let sidecars = sidecars.filter(|container| container["restartPolicy"] == "Always");
    let names: BTreeSet<&str> = sidecars.map(|container| fields::text(container, "/name")).collect();
    let sidecars = fields::items(pod, "/status/initContainerStatuses").iter();
    let sidecars = sidecars.filter(|container| names.contains(fields::text(container, "/name")));
    let containers = fields::items(pod, "/status/containerStatuses").iter().chain(sidecars);
    let ends = containers.map(|container| fields::time(container, "/state/terminated/finishedAt"));
    ends.collect::<Option<Vec<Timestamp>>>()?.into_iter().max()
}
