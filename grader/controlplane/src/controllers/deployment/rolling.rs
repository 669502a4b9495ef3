//! Rolling updates (pkg/controller/deployment/rolling.go).

use super::{Sets, Visit, progress, revisions, scaling, status_number};
use crate::controllers::replica_set;
use crate::error::ApiError;
use serde_json::Value;
use std::sync::Arc;

/// One step: first grow the new ReplicaSet, then shrink the old ones, each as far as the limits allow.
pub(super) fn advance(visit: &mut Visit<'_, '_>, sets: Sets) -> Result<(), ApiError> {
    let mut sets = revisions::with_new(visit, sets)?;
    let Some(new) = sets.new.clone() else { return Ok(()) };
    let size = replica_set::replicas(&new);
    let target =
        if size > visit.replicas() { visit.replicas() } else { scaling::for_new(visit, &sets, size) };
    if target != size {
        let scaled = scaling::set_replicas(visit, &new, target)?;
        scaling::replace(&mut sets, scaled);
        return progress::write_rollout(visit, &sets);
    }
    if shrink_old(visit, &mut sets, &new)? {
        return progress::write_rollout(visit, &sets);
    }
    if progress::is_complete(visit, &visit.deployment["status"]) {
        revisions::clean_up(visit, &sets)?;
    }
    progress::write_rollout(visit, &sets)
}

/// The answer is whether anything shrank.
fn shrink_old(visit: &mut Visit<'_, '_>, sets: &mut Sets, new: &Value) -> Result<bool, ApiError> {
    let needed = visit.replicas() - visit.max_unavailable();
    let unavailable_new = replica_set::replicas(new) - status_number(new, "availableReplicas");
    let room = sets.wanted() - needed - unavailable_new;
    if room <= 0 || sets.old.iter().all(|set| replica_set::replicas(set) == 0) {
        return Ok(false);
    }
    // Pods that do not work anyway go first: they must not hold up the rollout.
    let broken = |set: &Value| replica_set::replicas(set) - status_number(set, "availableReplicas");
    let cleaned = shrink(visit, sets, room, broken)?;
    let surplus = sets.total("availableReplicas") - needed;
    let shrunk = shrink(visit, sets, surplus, replica_set::replicas)?;
    Ok(cleaned + shrunk > 0)
}

/// Takes up to `room` pods from the old ReplicaSets, the oldest first, of each at most what `limit` says.
fn shrink(
    visit: &mut Visit<'_, '_>,
    sets: &mut Sets,
    room: i64,
    limit: impl Fn(&Value) -> i64,
) -> Result<i64, ApiError> {
    let mut taken = 0;
    for index in 0..sets.old.len() {
        let set: Arc<Value> = sets.old[index].clone();
        let size = replica_set::replicas(&set);
        let part = limit(&set).min(room - taken).min(size);
        if part <= 0 {
            continue;
        }
        sets.old[index] = scaling::set_replicas(visit, &set, size - part)?;
        taken += part;
    }
    Ok(taken)
}
