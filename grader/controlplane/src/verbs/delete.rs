//! DELETE of one object (apiserver/pkg/registry/generic/registry/store.go, registry/rest/delete.go).

use super::write::Write;
use crate::admission;
use crate::api_server::ApiServer;
use crate::conversion;
use crate::custom_resources::status::CLEANUP;
use crate::endpoint::query::DeleteOptions;
use crate::error::ApiError;
use crate::go_text;
use crate::object;
use crate::resources::{CRDS, NAMESPACES};
use crate::store::ResourceId;
use crate::strategy;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";
/// The metadata that a deletion changes.
const CHANGED: [&str; 5] =
    ["deletionTimestamp", "deletionGracePeriodSeconds", "finalizers", "generation", "resourceVersion"];
const JOBS: ResourceId = ResourceId::known("batch", "jobs");
const EVENTS: ResourceId = ResourceId::known("", "events");

/// What a delete left.
#[derive(Debug)]
pub(crate) struct Deleted {
    pub(crate) object: Arc<Value>,
    /// The object is no longer stored.
    pub(crate) gone: bool,
}

/// Removes an object as a client asks for it: those who are configured to are asked first.
pub(crate) fn delete_admitted(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    options: &DeleteOptions,
) -> Result<Deleted, ApiError> {
    warn_of_default(write, options);
    let refusal = strategy::rules(&write.resource).and_then(|rules| rules.refuses_deletion(&write.name));
    if let Some(why) = refusal {
        return Err(ApiError::forbidden(&write.resource.id, &write.name, why));
    }
    let shown = find(server, write, options)?;
    admission::check_deletion(server, write, &shown)?;
    remove(server, write, options, &shown)
}

/// Warns whoever deletes Jobs without a word about their pods, whether there are such Jobs or not
/// (pkg/registry/batch/job/storage/storage.go).
pub(super) fn warn_of_default(write: &mut Write<'_>, options: &DeleteOptions) {
    let is_silent = options.propagation.is_none() && options.orphan_dependents.is_none();
    if write.resource.storage == JOBS && is_silent {
        let text = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to \
                    remove them or set propagationPolicy=Orphan to suppress this warning";
        write.warn(text.to_owned());
    }
}

/// As [`delete_admitted`], where nobody is asked.
pub(super) fn delete_unasked(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    options: &DeleteOptions,
) -> Result<Deleted, ApiError> {
    let shown = find(server, write, options)?;
    remove(server, write, options, &shown)
}

/// The object in the version of the write, if it is the one that the options are about.
pub(super) fn find(
    server: &mut ApiServer,
    write: &Write<'_>,
    options: &DeleteOptions,
) -> Result<Arc<Value>, ApiError> {
    let stored = server.store.get(&write.resource.storage, &write.namespace, &write.name);
    let stored = stored.ok_or_else(|| write.not_found())?.clone();
    let shown = conversion::show(server, &write.resource, &stored.object, stored.revision)?;
    check_preconditions(write, options, &shown)?;
    Ok(shown)
}

/// As [`delete`], of an object that looks like `shown` in the version of the write.
pub(super) fn remove(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    options: &DeleteOptions,
    shown: &Arc<Value>,
) -> Result<Deleted, ApiError> {
    let mut deleted = delete(server, write, options)?;
    // Nothing but metadata has changed.
    if object::api_version(&deleted.object) != object::api_version(shown) {
        let mut object = (**shown).clone();
        for key in CHANGED {
            strategy::set(&mut object["metadata"], key, deleted.object["metadata"].get(key).cloned());
        }
        deleted.object = Arc::new(object);
    }
    Ok(deleted)
}

/// Removes an object, or marks it as deleting while finalizers or a grace period hold it.
pub(crate) fn delete(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    options: &DeleteOptions,
) -> Result<Deleted, ApiError> {
    let resource = write.resource.clone();
    let stored = server
        .store
        .get(&resource.storage, &write.namespace, &write.name)
        .ok_or_else(|| write.not_found())?;
    let old = stored.object.clone();
    check_preconditions(write, options, &old)?;
    if resource.storage == NAMESPACES {
        return delete_namespace(server, write, options, &old);
    }
    if resource.storage == CRDS && !object::is_deleting(&old) {
        return delete_definition(server, write, &old);
    }

    let mut new = (*old).clone();
    let graceful = match grace(write, options, &mut new) {
        Grace::Pending => return Ok(Deleted { object: old, gone: false }),
        Grace::None => false,
        Grace::Set => true,
    };
    let finalizers = finalizers(&resource.storage, options, &old, write);
    let held = !finalizers.is_empty();
    if !graceful && !held {
        let object = if write.dry_run {
            old
        } else {
            server.store.remove(&resource.storage, &write.namespace, &write.name, write.now).unwrap_or(old)
        };
        return Ok(Deleted { object, gone: true });
    }
    if finalizers.iter().map(String::as_str).ne(object::finalizers(&old)) {
        object::set_metadata(&mut new, "finalizers", finalizers);
    }
    if !graceful {
        mark_deleting(&mut new, write.now, 0);
    }
    let over = graceful && !held && grace_seconds(&new) == Some(0);
    if over {
        // Two writes: those who watch see the object end before it is gone.
        let object = if write.dry_run {
            Arc::new(new)
        } else {
            let marked = server.store.put(&resource.storage, new, write.now);
            server.store.remove(&resource.storage, &write.namespace, &write.name, write.now).unwrap_or(marked)
        };
        return Ok(Deleted { object, gone: true });
    }
    if new == *old {
        return Ok(Deleted { object: old, gone: false });
    }
    if write.dry_run {
        return Ok(Deleted { object: Arc::new(new), gone: false });
    }
    Ok(Deleted { object: server.store.put(&resource.storage, new, write.now), gone: false })
}

fn check_preconditions(write: &Write<'_>, options: &DeleteOptions, object: &Value) -> Result<(), ApiError> {
    let storage = &write.resource.storage;
    if *storage == NAMESPACES || *storage == CRDS {
        return check_early_preconditions(&write.resource.id, &write.name, options, object);
    }
    // Upstream names the kind where a conflict usually names the resource.
    let kind = ResourceId::new(write.resource.id.group().to_owned(), write.resource.kind.clone());
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != object::uid(object)) {
        let found = object::uid(object);
        let why = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({found}). \
             The object might have been deleted and then recreated"
        );
        return Err(ApiError::conflict(&kind, &write.name, &why));
    }
    let found = object::resource_version(object);
    if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != found) {
        let why = format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record \
             ({found}). The object might have been modified"
        );
        return Err(ApiError::conflict(&kind, &write.name, &why));
    }
    Ok(())
}

/// Namespaces and definitions look for themselves before they are marked as terminating, in words of their own.
fn check_early_preconditions(
    id: &ResourceId,
    name: &str,
    options: &DeleteOptions,
    object: &Value,
) -> Result<(), ApiError> {
    for (what, wanted, found) in [
        ("UID", &options.uid, object::uid(object)),
        ("ResourceVersion", &options.resource_version, object::resource_version(object)),
    ] {
        if let Some(wanted) = wanted.as_deref().filter(|wanted| *wanted != found) {
            let why = format!(
                "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}"
            );
            return Err(ApiError::conflict(id, name, &why));
        }
    }
    Ok(())
}

/// The finalizers that hold the object, with those that the garbage collector is to see.
fn finalizers(
    storage: &ResourceId,
    options: &DeleteOptions,
    object: &Value,
    write: &Write<'_>,
) -> Vec<String> {
    let has = |name: &str| object::finalizers(object).any(|finalizer| finalizer == name);
    let policy = options.propagation.as_deref();
    let unsupported = *storage == EVENTS;
    let (orphan, foreground) = if unsupported {
        (false, false)
    } else if let Some(orphan) = options.orphan_dependents {
        (orphan, false)
    } else if let Some(policy) = policy {
        (policy == "Orphan", policy == "Foreground")
    } else if has(ORPHAN) {
        (true, false)
    } else if has(FOREGROUND) {
        (false, true)
    } else {
        let default = strategy::rules(&write.resource).and_then(|rules| rules.default_propagation());
        (default == Some("Orphan"), false)
    };
    let mut finalizers: Vec<String> = object::finalizers(object)
        .filter(|finalizer| *finalizer != ORPHAN && *finalizer != FOREGROUND)
        .map(str::to_owned)
        .collect();
    if orphan {
        finalizers.push(ORPHAN.to_owned());
    }
    if foreground {
        finalizers.push(FOREGROUND.to_owned());
    }
    let same = finalizers.len() == object::finalizers(object).count()
        && object::finalizers(object).all(|name| finalizers.iter().any(|finalizer| finalizer == name));
    if same { object::finalizers(object).map(str::to_owned).collect() } else { finalizers }
}

enum Grace {
    /// The kind knows no grace, or its time is over.
    None,
    /// The object has a (new) grace period now.
    Set,
    /// It is being deleted already, and this changes nothing.
    Pending,
}

fn grace_seconds(object: &Value) -> Option<i64> {
    object::metadata_at(object, ["deletionGracePeriodSeconds"]).and_then(Value::as_i64)
}

fn mark_deleting(object: &mut Value, now: Timestamp, grace: i64) {
    let first = !object::is_deleting(object);
    let generation = object::generation(object);
    let at = object::time(now.saturating_add(SignedDuration::from_secs(grace)).unwrap_or(Timestamp::MAX));
    let metadata = object::metadata_mut(object);
    if first && generation > 0 {
        metadata.insert("generation".into(), (generation + 1).into());
    }
    let later =
        metadata.get("deletionTimestamp").and_then(Value::as_str).is_some_and(|time| time > at.as_str());
    if first || later {
        metadata.insert("deletionTimestamp".into(), at.into());
    }
    metadata.insert("deletionGracePeriodSeconds".into(), grace.into());
}

/// A graceful deletion waits for someone else, a Pod's node for example, to finish the object first.
fn grace(write: &Write<'_>, options: &DeleteOptions, object: &mut Value) -> Grace {
    let Some(rules) = strategy::rules(&write.resource) else { return Grace::None };
    let asked = options.grace_period_seconds.map(|seconds| if seconds < 0 { 1 } else { seconds });
    if object::is_deleting(object) {
        let Some(left) = grace_seconds(object).filter(|seconds| *seconds != 0) else { return Grace::None };
        let Some(asked) = asked.filter(|asked| *asked < left) else { return Grace::Pending };
        let time =
            object::metadata_text(object, "deletionTimestamp").parse::<Timestamp>().unwrap_or(write.now);
        let sooner = SignedDuration::from_secs(left - asked);
        let moved = time.saturating_sub(sooner).unwrap_or(Timestamp::MIN);
        let (at, seconds) = match asked {
            0 if moved < write.now => (write.now, 0),
            _ if moved < write.now => (write.now, 1),
            asked => (moved, asked),
        };
        object::set_metadata(object, "deletionTimestamp", object::time(at));
        object::set_metadata(object, "deletionGracePeriodSeconds", seconds);
        return Grace::Set;
    }
    match rules.grace_seconds(object, asked) {
        None => Grace::None,
        Some(seconds) => {
            mark_deleting(object, write.now, seconds);
            Grace::Set
        }
    }
}

/// A Namespace goes in two steps: Terminating first, gone when its finalizers are
/// (pkg/registry/core/namespace/storage/storage.go).
fn delete_namespace(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    options: &DeleteOptions,
    old: &Arc<Value>,
) -> Result<Deleted, ApiError> {
    const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];
    if IMMORTAL.contains(&write.name.as_str()) {
        return Err(ApiError::forbidden(&NAMESPACES, &write.name, "this namespace may not be deleted"));
    }
    if object::is_deleting(old) {
        let spec_finalizers = old.pointer("/spec/finalizers").and_then(Value::as_array);
        if spec_finalizers.is_some_and(|list| !list.is_empty()) {
            return Ok(Deleted { object: old.clone(), gone: false });
        }
        if object::finalizers(old).next().is_some() {
            let why = format!(
                "The system is ensuring all content is removed from this namespace.  Upon completion, this \
                 namespace will automatically be purged by the system. ({})",
                go_text::quote(&write.name)
            );
            return Err(ApiError::conflict(&NAMESPACES, &write.name, &why));
        }
        let gone = server.store.remove(&NAMESPACES, "", &write.name, write.now);
        return Ok(Deleted { object: gone.unwrap_or_else(|| old.clone()), gone: true });
    }
    let mut new = (**old).clone();
    object::set_metadata(&mut new, "deletionTimestamp", object::time(write.now));
    new["status"]["phase"] = "Terminating".into();
    let finalizers = finalizers(&NAMESPACES, options, old, write);
    if finalizers.iter().map(String::as_str).ne(object::finalizers(old)) {
        object::set_metadata(&mut new, "finalizers", finalizers);
    }
    if write.dry_run {
        return Ok(Deleted { object: Arc::new(new), gone: false });
    }
    Ok(Deleted { object: server.store.put(&NAMESPACES, new, write.now), gone: false })
}

/// A CustomResourceDefinition waits for its objects
/// (apiextensions-apiserver/pkg/registry/customresourcedefinition/etcd.go).
fn delete_definition(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    old: &Arc<Value>,
) -> Result<Deleted, ApiError> {
    let mut new = (**old).clone();
    let mut finalizers: Vec<String> = object::finalizers(old).map(str::to_owned).collect();
    if !finalizers.iter().any(|finalizer| finalizer == CLEANUP) {
        finalizers.push(CLEANUP.to_owned());
    }
    let metadata = object::metadata_mut(&mut new);
    metadata.insert("deletionTimestamp".into(), object::time(write.now).into());
    metadata.insert("finalizers".into(), finalizers.into());
    let pending = json!({
        "type": "Terminating", "status": "True", "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        "lastTransitionTime": object::time(write.now),
    });
    if let Some(conditions) = new.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
        conditions.retain(|condition| condition["type"] != "Terminating");
        conditions.push(pending);
    }
    if write.dry_run {
        return Ok(Deleted { object: Arc::new(new), gone: false });
    }
    Ok(Deleted { object: server.store.put(&CRDS, new, write.now), gone: false })
}
