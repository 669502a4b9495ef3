//! What a set says about its pods.

use super::revisions::Revisions;
use super::{Visit, identity, min_ready_seconds, replicas};
use crate::controllers::known::STATEFUL_SETS;
use crate::controllers::{fields, pods};
use crate::error::ApiError;
use crate::object;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// `status` in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    observed_generation: i64,
    current_revision: String,
    update_revision: String,
    collision_count: i64,
    replicas: i64,
    ready: i64,
    available: i64,
    pub(super) current: i64,
    updated: i64,
}

impl Status {
    /// Counts pods that are there.
    pub(super) fn count<'p>(
        set: &Value,
        revisions: &Revisions,
        pods: impl IntoIterator<Item = &'p Value>,
        now: Timestamp,
    ) -> Self {
        let mut status = Self {
            observed_generation: object::generation(set),
            current_revision: object::name(&revisions.current).to_owned(),
            update_revision: object::name(&revisions.update).to_owned(),
            collision_count: revisions.collisions,
            replicas: 0,
            ready: 0,
            available: 0,
            current: 0,
            updated: 0,
        };
        for pod in pods {
            status.replicas += 1;
            if is_running_and_ready(pod) {
                status.ready += 1;
                status.available += i64::from(pods::is_available(pod, min_ready_seconds(set), now));
            }
            if !object::is_deleting(pod) {
                let revision = identity::revision(pod);
                status.current += i64::from(revision == status.current_revision);
                status.updated += i64::from(revision == status.update_revision);
            }
        }
        status
    }

    /// Some pods are ready, but not long enough.
    pub(super) fn awaits_availability(&self) -> bool {
        self.ready != self.available
    }

    /// Writes the status when it says something new.
    pub(super) fn write(&self, visit: &mut Visit<'_, '_>) -> Result<(), ApiError> {
        let set = visit.set;
        let mut status = self.clone();
        let wanted = replicas(set);
        let complete = status.updated == wanted && status.ready == wanted && status.replicas == wanted;
        if complete && set["spec"]["updateStrategy"]["type"] == "RollingUpdate" {
            status.current = status.updated;
            status.current_revision = status.update_revision.clone();
        }
        if status.says_the_same(set) {
            return Ok(());
        }
        let mut written = set.clone();
        written["status"] = status.to_value();
        visit.api.update_status(&STATEFUL_SETS, written).map(drop)
    }

    fn says_the_same(&self, set: &Value) -> bool {
        let number = |key: &str| set["status"][key].as_i64().unwrap_or_default();
        let text = |key: &str| set["status"][key].as_str().unwrap_or_default();
        self.observed_generation <= number("observedGeneration")
            && self.replicas == number("replicas")
            && self.current == number("currentReplicas")
            && self.ready == number("readyReplicas")
            && self.updated == number("updatedReplicas")
            && self.available == number("availableReplicas")
            && self.current_revision == text("currentRevision")
            && self.update_revision == text("updateRevision")
            && !set["status"]["collisionCount"].is_null()
    }

    /// Zeros are left out where Kubernetes leaves them out.
    fn to_value(&self) -> Value {
        let mut status = Map::new();
        for (key, number) in [
            ("observedGeneration", self.observed_generation),
            ("readyReplicas", self.ready),
            ("currentReplicas", self.current),
            ("updatedReplicas", self.updated),
        ] {
            if number != 0 {
                status.insert(key.into(), number.into());
            }
        }
        status.insert("replicas".into(), self.replicas.into());
        status.insert("availableReplicas".into(), self.available.into());
        status.insert("collisionCount".into(), self.collision_count.into());
        status.insert("currentRevision".into(), self.current_revision.as_str().into());
        status.insert("updateRevision".into(), self.update_revision.as_str().into());
        status.into()
    }
}

pub(super) fn is_running_and_ready(pod: &Value) -> bool {
    fields::text(pod, "/status/phase") == "Running" && pods::is_ready(pod)
}
