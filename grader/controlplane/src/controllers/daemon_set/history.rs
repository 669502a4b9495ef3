//! The templates that a set has had, kept as ControllerRevisions (pkg/controller/daemon/update.go).

use super::{HASH_LABEL, KIND};
use crate::controllers::controller_revisions::{self, data_of, number};
use crate::controllers::known::{CONTROLLER_REVISIONS, DAEMON_SETS};
use crate::controllers::{Api, fields, hash};
use crate::error::ApiError;
use crate::object;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The revisions of a set.
pub(super) struct History {
    pub(super) current: Arc<Value>,
    /// Oldest first.
    old: Vec<Arc<Value>>,
}

/// Finds the revision of the set's template among those `known`; makes it, or puts it on top again, where needed.
pub(super) fn settle(api: &mut Api<'_>, set: &Value, known: Vec<Arc<Value>>) -> Result<History, ApiError> {
    let data = data_of(set);
    let (mut same, mut old): (Vec<_>, Vec<_>) =
        known.into_iter().partition(|revision| revision["data"] == data);
    old.sort_by_key(|revision| number(revision));
    same.sort_by_key(|revision| number(revision));
    let next = old.last().map_or(1, |newest| number(newest) + 1);
    let current = match same.pop() {
        None => create(api, set, data, next)?,
        Some(current) if number(&current) < next => {
            let mut again = (*current).clone();
            again["revision"] = next.into();
            api.update(&CONTROLLER_REVISIONS, again)?
        }
        Some(current) => current,
    };
    for twin in same {
        controller_revisions::delete(api, &twin)?;
    }
    Ok(History { current, old })
}

/// Deletes old revisions that no pod has, oldest first, until no more are left than the set wants kept.
pub(super) fn truncate(
    api: &mut Api<'_>,
    set: &Value,
    history: &History,
    pods: &BTreeMap<String, Vec<Arc<Value>>>,
) -> Result<(), ApiError> {
    let limit = fields::int(set, "/spec/revisionHistoryLimit").unwrap_or(10);
    let surplus = history.old.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
    let live: BTreeSet<&str> = pods.values().flatten().map(|pod| fields::label(pod, HASH_LABEL)).collect();
    let dead = history.old.iter().filter(|revision| !live.contains(fields::label(revision, HASH_LABEL)));
    dead.take(surplus).try_for_each(|revision| controller_revisions::delete(api, revision))
}

fn create(api: &mut Api<'_>, set: &Value, data: Value, number: i64) -> Result<Arc<Value>, ApiError> {
    let namespace = object::namespace(set);
    let collisions = fields::int(set, "/status/collisionCount");
    let bytes = collisions.map(i64::to_le_bytes);
    let text = set["spec"]["template"].to_string();
    // The real controller hashes its memory representation; any stable hash does.
    let hash = hash::safe(hash::fnv1([text.as_bytes(), bytes.as_ref().map_or(&[][..], |bytes| bytes)]));
    let name = format!("{}-{hash}", object::name(set));
    let mut labels = fields::map(set, "/spec/template/metadata/labels").cloned().unwrap_or_default();
    labels.insert(HASH_LABEL.into(), hash.into());
    let mut revision = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {
            "name": name, "namespace": namespace, "labels": labels, "ownerReferences": [KIND.reference(set)],
        },
        "data": data, "revision": number,
    });
    if let Some(annotations) = fields::map(set, "/metadata/annotations") {
        revision["metadata"]["annotations"] = annotations.clone().into();
    }
    match api.create(&CONTROLLER_REVISIONS, Some(namespace), revision) {
        Err(error) if error.is_already_exists() => {
            let there = api.get(&CONTROLLER_REVISIONS, Some(namespace), &name);
            if let Some(same) = there.filter(|there| there["data"] == data) {
                return Ok(same);
            }
            let patch = json!({"status": {"collisionCount": collisions.unwrap_or_default() + 1}});
            api.merge_patch(&DAEMON_SETS, Some(namespace), object::name(set), Some("status"), &patch)?;
            Err(error)
        }
        created => created,
    }
}
