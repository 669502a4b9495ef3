//! How many pods each ReplicaSet gets (pkg/controller/deployment/sync.go, scale).

use super::revisions::{self, DESIRED_REPLICAS, MAX_REPLICAS};
use super::{Sets, Visit, status_number};
use crate::controllers::known::REPLICA_SETS;
use crate::controllers::recorder::EventType;
use crate::controllers::{fields, replica_set};
use crate::error::ApiError;
use crate::object;
use serde_json::Value;
use std::cmp::Reverse;
use std::sync::Arc;

/// Whether the wanted number of pods has changed since the ReplicaSets were last scaled.
pub(super) fn is_needed(visit: &Visit<'_, '_>, sets: &Sets) -> bool {
    let desired = |set: &Value| fields::annotation(set, DESIRED_REPLICAS).parse::<i64>().ok();
    let active = sets.all().filter(|set| replica_set::replicas(set) > 0);
    active.filter_map(|set| desired(set)).any(|desired| desired != visit.replicas())
}

/// Scales the one active ReplicaSet, or all of them in proportion in the middle of a rollout.
pub(super) fn scale(visit: &mut Visit<'_, '_>, mut sets: Sets) -> Result<Sets, ApiError> {
    let wanted = visit.replicas();
    if let Some(only) = active_or_latest(&sets) {
        let scaled = set_replicas(visit, &only, wanted)?;
        replace(&mut sets, scaled);
        return Ok(sets);
    }
    if sets.new.as_ref().is_some_and(|new| is_saturated(visit, new)) {
        for index in 0..sets.old.len() {
            sets.old[index] = set_replicas(visit, &sets.old[index].clone(), 0)?;
        }
        return Ok(sets);
    }
    if !visit.is_rolling() {
        return Ok(sets);
    }
    for (set, size) in proportions(visit, &sets) {
        let scaled = write(visit, &set, size)?;
        replace(&mut sets, scaled);
    }
    Ok(sets)
}

/// Scales a ReplicaSet, if it has another size; the answer is it as it is then.
pub(super) fn set_replicas(
    visit: &mut Visit<'_, '_>,
    set: &Arc<Value>,
    replicas: i64,
) -> Result<Arc<Value>, ApiError> {
    if replica_set::replicas(set) == replicas {
        return Ok(set.clone());
    }
    write(visit, set, replicas)
}

/// The size of a new ReplicaSet that has `current` pods now: as large as the surge allows.
pub(super) fn for_new(visit: &Visit<'_, '_>, sets: &Sets, current: i64) -> i64 {
    let wanted = visit.replicas();
    if !visit.is_rolling() {
        return wanted;
    }
    let allowed = wanted + visit.max_surge() - sets.wanted();
    if allowed <= 0 { current } else { current + allowed.min(wanted - current) }
}

/// Notes on a ReplicaSet for which wanted size it was scaled.
pub(super) fn annotate(visit: &Visit<'_, '_>, set: &mut Value) {
    let wanted = visit.replicas();
    revisions::set_annotation(set, DESIRED_REPLICAS, wanted.to_string());
    revisions::set_annotation(set, MAX_REPLICAS, (wanted + visit.max_surge()).to_string());
}

pub(super) fn replace(sets: &mut Sets, changed: Arc<Value>) {
    for set in sets.old.iter_mut().chain(&mut sets.new) {
        if object::uid(set) == object::uid(&changed) {
            *set = changed.clone();
        }
    }
}

fn write(visit: &mut Visit<'_, '_>, set: &Arc<Value>, replicas: i64) -> Result<Arc<Value>, ApiError> {
    let before = replica_set::replicas(set);
    let mut scaled = (**set).clone();
    scaled["spec"]["replicas"] = replicas.into();
    annotate(visit, &mut scaled);
    if scaled == **set {
        return Ok(set.clone());
    }
    let written = visit.api.update(&REPLICA_SETS, scaled)?;
    if before != replicas {
        let direction = if before < replicas { "up" } else { "down" };
        let name = object::name(set);
        let message = format!("Scaled {direction} replica set {name} from {before} to {replicas}");
        visit.record(EventType::Normal, "ScalingReplicaSet", &message);
    }
    Ok(written)
}

/// The only ReplicaSet with pods, or the newest one when none has any.
fn active_or_latest(sets: &Sets) -> Option<Arc<Value>> {
    let mut active = sets.all().filter(|set| replica_set::replicas(set) > 0);
    match (active.next(), active.next()) {
        (Some(only), None) => Some(only.clone()),
        (None, _) => sets.new.clone().or_else(|| sets.old.last().cloned()),
        _ => None,
    }
}

fn is_saturated(visit: &Visit<'_, '_>, set: &Value) -> bool {
    let wanted = visit.replicas();
    replica_set::replicas(set) == wanted
        && fields::annotation(set, DESIRED_REPLICAS).parse() == Ok(wanted)
        && status_number(set, "availableReplicas") == wanted
}

/// New sizes of all active ReplicaSets, so that each keeps its share; what rounding leaves goes to the largest.
fn proportions(visit: &Visit<'_, '_>, sets: &Sets) -> Vec<(Arc<Value>, i64)> {
    let wanted = visit.replicas();
    let allowed = if wanted > 0 { wanted + visit.max_surge() } else { 0 };
    let mut active: Vec<Arc<Value>> =
        sets.all().filter(|set| replica_set::replicas(set) > 0).cloned().collect();
    let to_add = allowed - active.iter().map(|set| replica_set::replicas(set)).sum::<i64>();
    // Of equally large ones the newer grows first, the older shrinks first.
    active.sort_by_cached_key(|set| revisions::age(set));
    if to_add > 0 {
        active.reverse();
    }
    active.sort_by_key(|set| Reverse(replica_set::replicas(set)));
    let mut added = 0;
    let mut sizes: Vec<(Arc<Value>, i64)> = Vec::new();
    for set in active {
        let size = replica_set::replicas(&set);
        let left = to_add - added;
        let part = match (to_add, left) {
            (0, _) | (_, 0) => 0,
            _ => fraction(visit, &set).clamp(left.min(0), left.max(0)),
        };
        added += part;
        sizes.push((set, size + part));
    }
    if let Some((_, largest)) = sizes.first_mut() {
        *largest = (*largest + to_add - added).max(0);
    }
    sizes
}

/// By how much a ReplicaSet has to change to keep its share of the whole.
fn fraction(visit: &Visit<'_, '_>, set: &Value) -> i64 {
    let size = replica_set::replicas(set);
    if visit.replicas() == 0 {
        return -size;
    }
    let whole = visit.replicas() + visit.max_surge();
    let annotated: i64 = fields::annotation(set, MAX_REPLICAS).parse().unwrap_or_default();
    let before = if annotated > 0 { annotated } else { status_number(&visit.deployment, "replicas") };
    if before == 0 {
        return 0;
    }
    // Rounded to the nearest, half away from zero.
    (2 * size * whole + before) / (2 * before) - size
}
