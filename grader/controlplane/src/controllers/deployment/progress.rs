//! What a Deployment says about its rollout (pkg/controller/deployment/progress.go).

use super::conditions::{self, AVAILABLE, PROGRESSING, REPLICA_FAILURE};
use super::{Sets, Visit, status_number};
use crate::controllers::fields;
use crate::error::ApiError;
use crate::object;
use serde_json::{Map, Value};

const PAUSED: &str = "DeploymentPaused";
const RESUMED: &str = "DeploymentResumed";
const COMPLETE: &str = "NewReplicaSetAvailable";
const UPDATED: &str = "ReplicaSetUpdated";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";

/// Tells of a pause that begins or ends, so that the time until the deadline does not run meanwhile.
pub(super) fn note_pause(visit: &mut Visit<'_, '_>) -> Result<(), ApiError> {
    let reason = conditions::reason(&visit.deployment["status"], PROGRESSING);
    if visit.progress_deadline().is_none() || reason == TIMED_OUT {
        return Ok(());
    }
    let (reason, message) = match (visit.is_paused(), reason == PAUSED) {
        (true, false) => (PAUSED, "Deployment is paused"),
        (false, true) => (RESUMED, "Deployment is resumed"),
        _ => return Ok(()),
    };
    let condition = conditions::new(PROGRESSING, "Unknown", reason, message, visit.api.now());
    conditions::set(&mut visit.deployment["status"], condition);
    visit.write_status()
}

/// Writes the numbers and the condition `Available`.
pub(super) fn write_plain(visit: &mut Visit<'_, '_>, sets: &Sets) -> Result<(), ApiError> {
    let status = calculate(visit, sets);
    write(visit, status)
}

/// Writes the numbers and all conditions; wakes up again for the deadline.
pub(super) fn write_rollout(visit: &mut Visit<'_, '_>, sets: &Sets) -> Result<(), ApiError> {
    let mut status = calculate(visit, sets);
    match visit.progress_deadline() {
        Some(deadline) => estimate(visit, sets, &mut status, deadline),
        None => conditions::remove(&mut status, PROGRESSING),
    }
    match failure(sets) {
        Some(condition) => conditions::set(&mut status, condition),
        None => conditions::remove(&mut status, REPLICA_FAILURE),
    }
    if status == visit.deployment["status"] {
        visit.again = next_check(visit, &status);
        return Ok(());
    }
    write(visit, status)
}

/// Every wanted pod is of the new template, available, and alone.
pub(super) fn is_complete(visit: &Visit<'_, '_>, status: &Value) -> bool {
    let wanted = visit.replicas();
    let number = |key: &str| status[key].as_i64().unwrap_or_default();
    number("updatedReplicas") == wanted
        && number("replicas") == wanted
        && number("availableReplicas") == wanted
        && number("observedGeneration") >= object::generation(&visit.deployment)
}

fn write(visit: &mut Visit<'_, '_>, status: Value) -> Result<(), ApiError> {
    if status == visit.deployment["status"] {
        return Ok(());
    }
    visit.deployment["status"] = status;
    visit.write_status()
}

fn calculate(visit: &Visit<'_, '_>, sets: &Sets) -> Value {
    let old = &visit.deployment["status"];
    let available = sets.total("availableReplicas");
    let mut status = Map::new();
    for (key, number) in [
        ("observedGeneration", object::generation(&visit.deployment)),
        ("replicas", sets.total("replicas")),
        ("updatedReplicas", sets.new.as_ref().map_or(0, |set| status_number(set, "replicas"))),
        ("readyReplicas", sets.total("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (sets.wanted() - available).max(0)),
    ] {
        if number != 0 {
            status.insert(key.into(), number.into());
        }
    }
    status.insert("terminatingReplicas".into(), sets.total("terminatingReplicas").into());
    for kept in ["collisionCount", "conditions"] {
        if !old[kept].is_null() {
            status.insert(kept.into(), old[kept].clone());
        }
    }
    let mut status = Value::Object(status);
    let (value, reason, message) = if available >= visit.replicas() - visit.max_unavailable() {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    let condition = conditions::new(AVAILABLE, value, reason, message, visit.api.now());
    conditions::set(&mut status, condition);
    status
}

/// Sets `Progressing` to what the change of numbers shows.
fn estimate(visit: &Visit<'_, '_>, sets: &Sets, status: &mut Value, deadline: i64) {
    let old = &visit.deployment["status"];
    let number = |status: &Value, key: &str| status[key].as_i64().unwrap_or_default();
    let all_updated = number(status, "replicas") == number(status, "updatedReplicas");
    if all_updated && conditions::reason(old, PROGRESSING) == COMPLETE {
        return;
    }
    let now = visit.api.now();
    let subject = match &sets.new {
        Some(set) => format!("ReplicaSet {:?}", object::name(set)),
        None => format!("Deployment {:?}", visit.name()),
    };
    let grew = |key: &str| number(status, key) > number(old, key);
    let outdated = |status: &Value| number(status, "replicas") - number(status, "updatedReplicas");
    if is_complete(visit, status) {
        let message = format!("{subject} has successfully progressed.");
        conditions::set(status, conditions::new(PROGRESSING, "True", COMPLETE, &message, now));
    } else if grew("updatedReplicas")
        || outdated(status) < outdated(old)
        || grew("readyReplicas")
        || grew("availableReplicas")
    {
        let message = format!("{subject} is progressing.");
        let mut condition = conditions::new(PROGRESSING, "True", UPDATED, &message, now);
        if let Some(current) =
            conditions::find(old, PROGRESSING).filter(|current| current["status"] == "True")
        {
            condition["lastTransitionTime"] = current["lastTransitionTime"].clone();
        }
        // Also for the same reason: the time of the update is what the deadline counts from.
        conditions::remove(status, PROGRESSING);
        conditions::set(status, condition);
    } else if has_timed_out(visit, status, deadline) {
        let message = format!("{subject} has timed out progressing.");
        conditions::set(status, conditions::new(PROGRESSING, "False", TIMED_OUT, &message, now));
    }
}

fn has_timed_out(visit: &Visit<'_, '_>, status: &Value, deadline: i64) -> bool {
    let Some(condition) = conditions::find(status, PROGRESSING) else { return false };
    match conditions::reason(status, PROGRESSING) {
        COMPLETE => false,
        TIMED_OUT => true,
        _ => fields::time(condition, "/lastUpdateTime")
            .is_some_and(|since| visit.api.now().duration_since(since) > fields::seconds(deadline)),
    }
}

/// The failure of a ReplicaSet, the new one's first.
fn failure(sets: &Sets) -> Option<Value> {
    let failed = sets.new.iter().chain(&sets.old).find_map(|set| fields::condition(set, REPLICA_FAILURE))?;
    let mut condition = failed.clone();
    condition["lastUpdateTime"] = failed["lastTransitionTime"].clone();
    Some(condition)
}

fn next_check(visit: &Visit<'_, '_>, status: &Value) -> Option<jiff::SignedDuration> {
    let deadline = visit.progress_deadline()?;
    let condition = conditions::find(status, PROGRESSING)?;
    if is_complete(visit, status) || conditions::reason(status, PROGRESSING) == TIMED_OUT {
        return None;
    }
    let since = fields::time(condition, "/lastUpdateTime")?;
    let left = fields::seconds(deadline) - visit.api.now().duration_since(since);
    // One second more: the times of conditions are cut to whole seconds.
    Some(left.max(jiff::SignedDuration::ZERO) + fields::seconds(1))
}
