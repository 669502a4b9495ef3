//! Replacing pods of older revisions, a few at a time (pkg/controller/daemon/update.go).

use super::placement::{self, Fit};
use super::{Visit, min_ready_seconds};
use crate::controllers::{fields, pods};
use crate::error::ApiError;
use crate::object;
use serde_json::Value;
use std::sync::Arc;

/// Deletes old pods, or makes new ones beside them, as far as the strategy allows it now.
pub(super) fn update(visit: &mut Visit<'_, '_>) -> Result<(), ApiError> {
    let set = visit.set;
    if set["spec"]["updateStrategy"]["type"] != "RollingUpdate" {
        return Ok(());
    }
    let desired = visit.nodes.iter().filter(|node| placement::fit(set, node) == Fit::Runs).count();
    let surge = max_surge(set, desired);
    let unavailable = scaled(&set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"], desired);
    let (needy, surplus) = if surge == 0 {
        (Vec::new(), replaceable(visit, unavailable.max(usize::from(desired > 0))))
    } else {
        (surging(visit, surge), Vec::new())
    };
    visit.change(&needy, &surplus)
}

/// How many pods may be there beside the old ones.
pub(super) fn max_surge(set: &Value, desired: usize) -> usize {
    let strategy = &set["spec"]["updateStrategy"];
    if strategy["type"] == "RollingUpdate" {
        scaled(&strategy["rollingUpdate"]["maxSurge"], desired)
    } else {
        0
    }
}

/// `3`, or `25%` of a number, rounded up.
fn scaled(value: &Value, of: usize) -> usize {
    match value {
        Value::String(text) => {
            let percent = text.strip_suffix('%').and_then(|digits| digits.parse::<usize>().ok());
            (percent.unwrap_or_default().saturating_mul(of)).div_ceil(100)
        }
        number => number.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default(),
    }
}

/// What a node has: a pod of the new revision, one of an older.
struct Pair {
    new: Option<Arc<Value>>,
    old: Option<Arc<Value>>,
}

/// Nothing when there are several of one sort, which the next visit tidies up.
fn pair(visit: &Visit<'_, '_>, on_node: &[Arc<Value>]) -> Option<Pair> {
    let mut pair = Pair { new: None, old: None };
    for pod in on_node.iter().filter(|pod| !object::is_deleting(pod)) {
        let place = if visit.is_updated(pod) { &mut pair.new } else { &mut pair.old };
        if place.replace(pod.clone()).is_some() {
            return None;
        }
    }
    Some(pair)
}

fn is_available(visit: &Visit<'_, '_>, pod: &Value) -> bool {
    pods::is_available(pod, min_ready_seconds(visit.set), visit.api.now())
}

/// The old pods that may go now: all that are not available anyway, others while few enough are missing.
fn replaceable(visit: &Visit<'_, '_>, most_unavailable: usize) -> Vec<Arc<Value>> {
    let mut unavailable = 0;
    let (mut allowed, mut candidates) = (Vec::new(), Vec::new());
    let missing = visit.nodes.iter().filter(|node| {
        placement::fit(visit.set, node) == Fit::Runs && !visit.pods.contains_key(object::name(node))
    });
    unavailable += missing.count();
    for on_node in visit.pods.values() {
        match pair(visit, on_node) {
            Some(Pair { new: Some(new), old: None }) => {
                unavailable += usize::from(!is_available(visit, &new))
            }
            Some(Pair { new: None, old: Some(old) }) if is_available(visit, &old) => candidates.push(old),
            Some(Pair { new: None, old: Some(old) }) => {
                unavailable += 1;
                allowed.push(old);
            }
            _ => unavailable += 1,
        }
    }
    candidates.truncate(most_unavailable.saturating_sub(unavailable));
    allowed.extend(candidates);
    allowed
}

/// The nodes that may get a new pod beside the old one now.
fn surging(visit: &Visit<'_, '_>, surge: usize) -> Vec<String> {
    let mut surged = 0;
    let (mut allowed, mut candidates) = (Vec::new(), Vec::new());
    for (node, on_node) in &visit.pods {
        let runs = visit
            .nodes
            .iter()
            .any(|known| object::name(known) == node && placement::fit(visit.set, known) == Fit::Runs);
        match pair(visit, on_node) {
            None => surged += 1,
            Some(Pair { new: Some(new), old: Some(_) }) => surged += usize::from(!is_available(visit, &new)),
            Some(Pair { new: None, old: Some(old) }) if runs => {
                let place = if is_available(visit, &old) { &mut candidates } else { &mut allowed };
                place.push(node.clone());
            }
            Some(_) => {}
        }
    }
    candidates.truncate(surge.saturating_sub(surged));
    allowed.extend(candidates);
    allowed
}

/// The pods of a node that are in the way of others while the set surges: one old and one new may stay, the old one
/// until the new one is available.
pub(super) fn superseded(visit: &Visit<'_, '_>, running: Vec<Arc<Value>>) -> Vec<Arc<Value>> {
    if running.len() <= 1 {
        return Vec::new();
    }
    let (new, old): (Vec<_>, Vec<_>) =
        running.into_iter().partition(|pod| fields::label(pod, super::HASH_LABEL) == visit.hash);
    let mut surplus: Vec<Arc<Value>> = new.iter().skip(1).chain(old.iter().skip(1)).cloned().collect();
    if let (Some(new), Some(old)) = (new.first(), old.first())
        && (!pods::is_ready(old) || is_available(visit, new))
    {
        surplus.push(old.clone());
    }
    surplus
}
