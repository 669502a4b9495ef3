//! What workload controllers know about pods: how they are made from a template, and when they count as ready.

use super::fields;
use crate::object;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// A pod as a workload creates it (pkg/controller/controller_utils.go, GetPodFromTemplate).
pub(super) fn from_template(template: &Value, owner: &Value, reference: Value) -> Value {
    let mut metadata = Map::new();
    for key in ["labels", "annotations", "finalizers"] {
        let part = &template["metadata"][key];
        if !part.is_null() {
            metadata.insert(key.into(), part.clone());
        }
    }
    metadata.insert("generateName".into(), format!("{}-", object::name(owner)).into());
    metadata.insert("namespace".into(), object::namespace(owner).into());
    metadata.insert("ownerReferences".into(), json!([reference]));
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// Where the pod is in its life; a pod that says nothing is `Pending`.
pub(super) fn phase(pod: &Value) -> &str {
    match fields::text(pod, "/status/phase") {
        "" => "Pending",
        phase => phase,
    }
}

/// Failed or succeeded: it will not run any more.
pub(super) fn is_finished(pod: &Value) -> bool {
    matches!(phase(pod), "Failed" | "Succeeded")
}

/// Neither finished nor being deleted.
pub(super) fn is_active(pod: &Value) -> bool {
    !is_finished(pod) && !object::is_deleting(pod)
}

/// The conditions of a pod, this one in place of its like: as long as its status is the same, so is the time since when
/// it is (pkg/api/v1/pod/util.go, UpdatePodCondition).
pub(super) fn with_condition(pod: &Value, mut condition: Value) -> Value {
    condition["observedGeneration"] = pod["metadata"]["generation"].clone();
    let mut conditions = fields::items(pod, "/status/conditions").to_vec();
    match conditions.iter_mut().find(|known| known["type"] == condition["type"]) {
        Some(known) => {
            if known["status"] == condition["status"] {
                condition["lastTransitionTime"] = known["lastTransitionTime"].clone();
            }
            *known = condition;
        }
        None => conditions.push(condition),
    }
    conditions.into()
}

/// Its condition `Ready` is true.
pub(super) fn is_ready(pod: &Value) -> bool {
    fields::condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// How long a pod still has to stay ready until it is available; nothing when it is not ready at all, zero when it is
/// available (pkg/api/v1/pod/util.go, IsPodAvailable).
pub(super) fn until_available(pod: &Value, min_ready_seconds: i64, now: Timestamp) -> Option<SignedDuration> {
    let ready = fields::condition(pod, "Ready").filter(|ready| ready["status"] == "True")?;
    if min_ready_seconds == 0 {
        return Some(SignedDuration::ZERO);
    }
    let since = fields::time(ready, "/lastTransitionTime")?;
    let left = fields::seconds(min_ready_seconds) - now.duration_since(since);
    Some(left.max(SignedDuration::ZERO))
}

pub(super) fn is_available(pod: &Value, min_ready_seconds: i64, now: Timestamp) -> bool {
    until_available(pod, min_ready_seconds, now) == Some(SignedDuration::ZERO)
}

/// When the next pod that is ready but not yet available becomes available.
pub(super) fn next_available<'a>(
    pods: impl IntoIterator<Item = &'a Value>,
    min_ready_seconds: i64,
    now: Timestamp,
) -> Option<SignedDuration> {
    let waits = pods.into_iter().filter_map(|pod| until_available(pod, min_ready_seconds, now));
    waits.filter(|left| *left > SignedDuration::ZERO).min()
}
