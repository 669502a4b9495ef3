//! The templates that a set has had, kept as ControllerRevisions (pkg/controller/history).

use super::{KIND, Visit, identity};
use crate::controllers::controller_revisions::{self, data_of, number};
use crate::controllers::known::CONTROLLER_REVISIONS;
use crate::controllers::{fields, hash};
use crate::error::ApiError;
use crate::object;
use serde_json::{Value, json};
use std::sync::Arc;

const HASH_LABEL: &str = "controller.kubernetes.io/hash";
/// Longer set names are cut in the names of their revisions.
const LONGEST_PREFIX: usize = 223;
/// Names that may be taken by other revisions before the controller gives up until the next visit.
const TRIES: i64 = 20;

/// The revisions of a set.
#[derive(Debug)]
pub(super) struct Revisions {
    /// What the pods had before the rollout in progress.
    pub(super) current: Arc<Value>,
    /// What all pods shall have.
    pub(super) update: Arc<Value>,
    pub(super) collisions: i64,
    /// All that were there, oldest first.
    known: Vec<Arc<Value>>,
}

/// The pod template that a revision keeps.
pub(super) fn template(revision: &Value) -> Value {
    let mut template = revision["data"]["spec"]["template"].clone();
    if let Some(members) = template.as_object_mut() {
        members.remove("$patch");
    }
    template
}

/// Finds the revision of the set's template among those `known`; makes it, or puts it on top again, where needed.
pub(super) fn settle(visit: &mut Visit<'_, '_>, mut known: Vec<Arc<Value>>) -> Result<Revisions, ApiError> {
    let set = visit.set;
    known.sort_by_cached_key(|revision| {
        let created = object::metadata_text(revision, "creationTimestamp").to_owned();
        (number(revision), created, object::name(revision).to_owned())
    });
    let mut collisions = fields::int(set, "/status/collisionCount").unwrap_or_default();
    let next = known.last().map_or(1, |newest| number(newest) + 1);
    let data = data_of(set);
    let newest_equal = known.iter().rev().find(|revision| revision["data"] == data);
    let update = match newest_equal {
        Some(equal) if known.last().is_some_and(|newest| newest["data"] == data) => {
            // The newest is the one; an older twin changes nothing.
            known.last().unwrap_or(equal).clone()
        }
        Some(equal) => {
            let mut again = (**equal).clone();
            again["revision"] = next.into();
            visit.api.update(&CONTROLLER_REVISIONS, again)?
        }
        None => create(visit, data, next, &mut collisions)?,
    };
    let name = fields::text(set, "/status/currentRevision");
    let current = known.iter().find(|revision| object::name(revision) == name);
    let current = current.unwrap_or(&update).clone();
    Ok(Revisions { current, update, collisions, known })
}

/// Deletes revisions that nobody uses, oldest first, until no more are left than the set wants kept.
pub(super) fn truncate(
    visit: &mut Visit<'_, '_>,
    revisions: &Revisions,
    pods: &[Arc<Value>],
) -> Result<(), ApiError> {
    let limit = fields::int(visit.set, "/spec/revisionHistoryLimit").unwrap_or(10);
    let used = |name: &str| {
        name == object::name(&revisions.current)
            || name == object::name(&revisions.update)
            || pods.iter().any(|pod| identity::revision(pod) == name)
    };
    let unused: Vec<&Arc<Value>> =
        revisions.known.iter().filter(|revision| !used(object::name(revision))).collect();
    let Ok(limit) = usize::try_from(limit) else { return Ok(()) };
    let surplus = unused.len().saturating_sub(limit);
    for revision in unused.into_iter().take(surplus) {
        controller_revisions::delete(visit.api, revision)?;
    }
    Ok(())
}

fn create(
    visit: &mut Visit<'_, '_>,
    data: Value,
    number: i64,
    collisions: &mut i64,
) -> Result<Arc<Value>, ApiError> {
    let set = visit.set;
    let namespace = visit.namespace().to_owned();
    let mut taken = None;
    for _ in 0..TRIES {
        let hash = hash::safe(hash::fnv1([go_json(&data).as_bytes(), collisions.to_string().as_bytes()]));
        let prefix = object::name(set);
        let prefix = prefix.get(..LONGEST_PREFIX).unwrap_or(prefix);
        let name = format!("{prefix}-{hash}");
        let mut labels = fields::map(set, "/spec/template/metadata/labels").cloned().unwrap_or_default();
        labels.insert(HASH_LABEL.into(), hash.into());
        let mut revision = json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision",
            "metadata": {
                "name": name, "namespace": namespace, "labels": labels,
                "ownerReferences": [KIND.reference(set)],
            },
            "data": data, "revision": number,
        });
        if let Some(annotations) = fields::map(set, "/metadata/annotations") {
            revision["metadata"]["annotations"] = annotations.clone().into();
        }
        match visit.api.create(&CONTROLLER_REVISIONS, Some(&namespace), revision) {
            Err(error) if error.is_already_exists() => {
                let there = visit.api.get(&CONTROLLER_REVISIONS, Some(&namespace), &name);
                if let Some(same) = there.filter(|there| there["data"] == data) {
                    return Ok(same);
                }
                *collisions += 1;
                taken = Some(error);
            }
            created => return created,
        }
    }
    Err(taken.unwrap_or_else(|| ApiError::unexpected("no name is left for a revision")))
}

/// JSON as Go writes it: safe inside HTML. Revision names are hashes of this text.
fn go_json(value: &Value) -> String {
    let escapes = [
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u{2028}", "\\u2028"),
        ("\u{2029}", "\\u2029"),
    ];
    escapes.iter().fold(value.to_string(), |text, (plain, escaped)| text.replace(plain, escaped))
}
