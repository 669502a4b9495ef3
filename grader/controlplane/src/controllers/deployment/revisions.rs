//! Which ReplicaSet has the wanted template, and how revisions are numbered (pkg/controller/deployment/sync.go).

use super::conditions::{self, PROGRESSING};
use super::{KIND, Sets, Visit, scaling};
use crate::controllers::known::{DEPLOYMENTS, REPLICA_SETS};
use crate::controllers::owners;
use crate::controllers::recorder::EventType;
use crate::controllers::{fields, hash, replica_set};
use crate::controllers::{pod_control, unless_gone};
use crate::error::ApiError;
use crate::object;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(super) const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const ROLLBACK_TO: &str = "deprecated.deployment.rollback.to";
const HASH_LABEL: &str = "pod-template-hash";
/// The longest text of earlier revisions on one ReplicaSet.
const LONGEST_HISTORY: usize = 2000;

/// Sorts the ReplicaSets, and brings revisions and annotations of the new one up to date if it is there.
pub(super) fn find(visit: &mut Visit<'_, '_>, mut known: Vec<Arc<Value>>) -> Result<Sets, ApiError> {
    known.sort_by_cached_key(|set| age(set));
    let template = &visit.deployment["spec"]["template"];
    let position = known.iter().position(|set| same_template(&set["spec"]["template"], template));
    let new = position.map(|position| known.remove(position));
    let mut sets = Sets { new, old: known };
    if let Some(new) = sets.new.clone() {
        sets.new = Some(keep_up(visit, &sets, new)?);
    }
    Ok(sets)
}

/// Order of creation, then of names.
pub(super) fn age(set: &Value) -> (String, String) {
    (object::metadata_text(set, "creationTimestamp").to_owned(), object::name(set).to_owned())
}

/// The sets with the new one, which is made if it is not there.
pub(super) fn with_new(visit: &mut Visit<'_, '_>, mut sets: Sets) -> Result<Sets, ApiError> {
    if sets.new.is_none() {
        sets.new = Some(create(visit, &sets)?);
    }
    Ok(sets)
}

/// Deletes old ReplicaSets beyond the wanted history, the lowest revision first, unless they still have pods.
pub(super) fn clean_up(visit: &mut Visit<'_, '_>, sets: &Sets) -> Result<(), ApiError> {
    let limit = fields::int(&visit.deployment, "/spec/revisionHistoryLimit").unwrap_or(10);
    let mut alive: Vec<&Arc<Value>> = sets.old.iter().filter(|set| !object::is_deleting(set)).collect();
    alive.sort_by_cached_key(|set| (revision(set), age(set)));
    let surplus = alive.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
    for set in alive.into_iter().take(surplus) {
        let observed = fields::int(set, "/status/observedGeneration").unwrap_or_default();
        let empty = replica_set::replicas(set) == 0 && super::status_number(set, "replicas") == 0;
        if !empty || object::generation(set) > observed {
            continue;
        }
        let namespace = object::namespace(set);
        unless_gone(visit.api.delete(&REPLICA_SETS, Some(namespace), object::name(set), &Value::Null))?;
    }
    Ok(())
}

fn same_template(left: &Value, right: &Value) -> bool {
    let bare = |template: &Value| {
        let mut template = template.clone();
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove(HASH_LABEL);
        }
        template
    };
    bare(left) == bare(right)
}

fn revision(set: &Value) -> i64 {
    fields::annotation(set, REVISION).parse().unwrap_or_default()
}

fn next_revision(sets: &Sets) -> i64 {
    sets.old.iter().map(|set| revision(set)).max().unwrap_or_default() + 1
}

/// The new ReplicaSet is there: its revision is the highest, its annotations are those of the Deployment.
fn keep_up(visit: &mut Visit<'_, '_>, sets: &Sets, new: Arc<Value>) -> Result<Arc<Value>, ApiError> {
    let mut kept = (*new).clone();
    annotate(visit, &mut kept, next_revision(sets));
    let min_ready = &visit.deployment["spec"]["minReadySeconds"];
    if min_ready.as_i64().unwrap_or_default() != kept["spec"]["minReadySeconds"].as_i64().unwrap_or_default()
    {
        kept["spec"]["minReadySeconds"] = min_ready.clone();
    }
    if kept != *new {
        return visit.api.update(&REPLICA_SETS, kept);
    }
    let mut changed = set_revision(visit, fields::annotation(&kept, REVISION));
    if visit.progress_deadline().is_some()
        && conditions::find(&visit.deployment["status"], PROGRESSING).is_none()
    {
        let message = format!("Found new replica set {:?}", object::name(&new));
        let condition = conditions::new(PROGRESSING, "True", "FoundNewReplicaSet", &message, visit.api.now());
        conditions::set(&mut visit.deployment["status"], condition);
        changed = true;
    }
    if changed {
        visit.write_status()?;
    }
    Ok(new)
}

/// The Deployment's own revision is that of its new ReplicaSet.
fn set_revision(visit: &mut Visit<'_, '_>, revision: &str) -> bool {
    if fields::annotation(&visit.deployment, REVISION) == revision {
        return false;
    }
    set_annotation(&mut visit.deployment, REVISION, revision);
    true
}

pub(super) fn set_annotation(object: &mut Value, key: &str, value: impl Into<Value>) {
    let annotations = object::metadata_mut(object).entry("annotations").or_insert_with(|| json!({}));
    if !annotations.is_object() {
        *annotations = json!({});
    }
    annotations[key] = value.into();
}

/// Gives a new ReplicaSet the Deployment's annotations and at least this revision; one that it had goes into its
/// history.
fn annotate(visit: &Visit<'_, '_>, set: &mut Value, revision: i64) {
    let own = [LAST_APPLIED, REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS, ROLLBACK_TO];
    for (key, value) in fields::map(&visit.deployment, "/metadata/annotations").into_iter().flatten() {
        if !own.contains(&key.as_str()) {
            set_annotation(set, key, value.clone());
        }
    }
    let before = fields::annotation(set, REVISION).to_owned();
    let Ok(number) = (if before.is_empty() { Ok(0) } else { before.parse::<i64>() }) else { return };
    if number >= revision {
        return;
    }
    set_annotation(set, REVISION, revision.to_string());
    if before.is_empty() {
        return;
    }
    let mut history: Vec<&str> = fields::annotation(set, REVISION_HISTORY).split(',').collect();
    history.retain(|revision| !revision.is_empty());
    history.push(&before);
    while history.join(",").len() > LONGEST_HISTORY {
        history.remove(0);
    }
    let history = history.join(",");
    set_annotation(set, REVISION_HISTORY, history);
}

/// Makes the ReplicaSet of the wanted template.
fn create(visit: &mut Visit<'_, '_>, sets: &Sets) -> Result<Arc<Value>, ApiError> {
    let set = new_set(visit, sets);
    let name = object::name(&set).to_owned();
    let namespace = object::namespace(&set).to_owned();
    let revision = fields::annotation(&set, REVISION).to_owned();
    let replicas = replica_set::replicas(&set);
    let mut exists = false;
    let created = match visit.api.create(&REPLICA_SETS, Some(&namespace), set) {
        Ok(created) => created,
        Err(error) if error.is_already_exists() => {
            exists = true;
            ours(visit, &namespace, &name, error)?
        }
        Err(error) => {
            if !pod_control::is_namespace_terminating(&error) && !error.is_awaiting_webhook() {
                tell_failure(visit, &name, &error);
            }
            return Err(error);
        }
    };
    if !exists && replicas > 0 {
        let message = format!("Scaled up replica set {name} from 0 to {replicas}");
        visit.record(EventType::Normal, "ScalingReplicaSet", &message);
    }
    let mut changed = set_revision(visit, &revision);
    if !exists && visit.progress_deadline().is_some() {
        let message = format!("Created new replica set {name:?}");
        let condition =
            conditions::new(PROGRESSING, "True", "NewReplicaSetCreated", &message, visit.api.now());
        conditions::set(&mut visit.deployment["status"], condition);
        changed = true;
    }
    if changed {
        visit.write_status()?;
    }
    Ok(created)
}

fn new_set(visit: &Visit<'_, '_>, sets: &Sets) -> Value {
    let deployment = &visit.deployment;
    let mut template = deployment["spec"]["template"].clone();
    let collisions = fields::int(deployment, "/status/collisionCount");
    let collisions = collisions.map(i64::to_le_bytes);
    let text = template.to_string();
    // The real controller hashes its memory representation; any stable hash does.
    let hash = hash::safe(hash::fnv1([text.as_bytes(), collisions.as_ref().map_or(&[][..], |bytes| bytes)]));
    template["metadata"]["labels"][HASH_LABEL] = hash.clone().into();
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][HASH_LABEL] = hash.clone().into();
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", object::name(deployment)),
            "namespace": object::namespace(deployment),
            "labels": template["metadata"]["labels"],
            "ownerReferences": [KIND.reference(deployment)],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    });
    if let Some(seconds) = fields::int(deployment, "/spec/minReadySeconds").filter(|seconds| *seconds != 0) {
        set["spec"]["minReadySeconds"] = seconds.into();
    }
    set["spec"]["replicas"] = scaling::for_new(visit, sets, 0).into();
    annotate(visit, &mut set, next_revision(sets));
    scaling::annotate(visit, &mut set);
    set
}

/// A ReplicaSet of that name may be the one we want; else the name is taken, and the next try takes another.
fn ours(
    visit: &mut Visit<'_, '_>,
    namespace: &str,
    name: &str,
    error: ApiError,
) -> Result<Arc<Value>, ApiError> {
    let Some(there) = visit.api.get(&REPLICA_SETS, Some(namespace), name) else { return Err(error) };
    let controller = owners::controller_of(&there);
    let is_ours = controller.is_some_and(|owner| owner["uid"] == object::uid(&visit.deployment));
    if is_ours && same_template(&there["spec"]["template"], &visit.deployment["spec"]["template"]) {
        return Ok(there);
    }
    let collisions = fields::int(&visit.deployment, "/status/collisionCount").unwrap_or_default();
    let patch = json!({"status": {"collisionCount": collisions + 1}});
    let deployment = visit.name().to_owned();
    visit.api.merge_patch(&DEPLOYMENTS, Some(namespace), &deployment, Some("status"), &patch)?;
    Err(error)
}

fn tell_failure(visit: &mut Visit<'_, '_>, name: &str, error: &ApiError) {
    let reason = "ReplicaSetCreateError";
    let message = format!("Failed to create new replica set {name:?}: {error}");
    if visit.progress_deadline().is_some() {
        let condition = conditions::new(PROGRESSING, "False", reason, &message, visit.api.now());
        conditions::set(&mut visit.deployment["status"], condition);
        // The creation's failure is what counts.
        let _ = visit.write_status();
    }
    visit.record(EventType::Warning, reason, &message);
}
