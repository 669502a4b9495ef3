//! PUT, and the second half of every PATCH (apiserver/pkg/registry/rest/update.go,
//! registry/generic/registry/store.go).

use super::create;
use super::write::{Write, sent_revision};
use crate::admission::{self, Operation};
use crate::api_server::ApiServer;
use crate::apply;
use crate::controllers::quota;
use crate::conversion;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::object;
use crate::strategy;
use serde_json::Value;
use std::sync::Arc;

/// What a write left, in the version it was made in.
#[derive(Debug)]
pub(crate) struct Updated {
    pub(crate) object: Arc<Value>,
    /// There was no such object before.
    pub(crate) created: bool,
}

/// Replaces an object, which must be decoded, unless someone changed it first.
pub(crate) fn replace(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    mut object: Value,
) -> Result<Updated, ApiError> {
    write.check_namespace(&mut object)?;
    write.drop_duplicate_owners(&mut object);
    let Some(stored) = server.store.get(&write.resource.storage, &write.namespace, &write.name) else {
        if write.subresource.is_none() && strategy::creates_on_update(&write.resource) {
            let uid = object::uid(&object);
            if !uid.is_empty() {
                return Err(uid_precondition(write, uid, ""));
            }
            write.require_right_to_create(server)?;
            let object = create::create(server, write, object)?;
            return Ok(Updated { object, created: true });
        }
        return Err(write.not_found());
    };
    let (stored, revision) = (stored.object.clone(), stored.revision);
    let old = conversion::show(server, &write.resource, &stored, revision)?;
    let uid = object::uid(&object);
    if !uid.is_empty() && uid != object::uid(&old) {
        return Err(uid_precondition(write, uid, object::uid(&old)));
    }
    write.track(Some(&old), &mut object);
    let object = commit(server, write, &old, object)?;
    Ok(Updated { object, created: false })
}

fn uid_precondition(write: &Write<'_>, sent: &str, found: &str) -> ApiError {
    let id = &write.resource.id;
    // Where etcd has it: built-in resources have no group there, save for those of the servers that others extend.
    let folder = match (id.group(), id.resource()) {
        ("", "services") => "services/specs".to_owned(),
        ("", "replicationcontrollers") => "controllers".to_owned(),
        ("", "nodes") => "minions".to_owned(),
        ("networking.k8s.io", "ingresses") => "ingress".to_owned(),
        (group @ ("apiextensions.k8s.io" | "apiregistration.k8s.io"), resource) => {
            format!("{group}/{resource}")
        }
        (group, resource) if write.resource.is_custom() => format!("{group}/{resource}"),
        (_, resource) => resource.to_owned(),
    };
    let namespace = if write.namespace.is_empty() { String::new() } else { format!("{}/", write.namespace) };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{folder}/{namespace}{}, ResourceVersion: 0, \
         AdditionalErrorMsg: Precondition failed: UID in precondition: {sent}, UID in object meta: {found}",
        write.name
    );
    ApiError::conflict(id, &write.name, &why)
}

/// Stores `new` in the place of `old`; both are in the version of the write, and managers of fields are known.
pub(crate) fn commit(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    old: &Arc<Value>,
    mut new: Value,
) -> Result<Arc<Value>, ApiError> {
    let resource = write.resource.clone();
    let internal;
    let old = if resource.has_other_form() {
        new = resource.internal(new);
        // What was shown may leave out some of what is kept.
        let kept = server.store.get(&resource.storage, &write.namespace, &write.name);
        let kept = kept.map_or_else(|| old.clone(), |stored| stored.object.clone());
        internal = Arc::new(resource.internal((*kept).clone()));
        &internal
    } else {
        old
    };
    match sent_revision(&new)? {
        0 if strategy::allows_unconditional_update(&resource) => {
            object::set_metadata(&mut new, "resourceVersion", object::resource_version(old));
        }
        0 => {
            let text = "must be specified for an update";
            let error = FieldError::invalid("metadata.resourceVersion", 0, text);
            let id = &resource.id;
            return Err(ApiError::invalid(id.group(), id.resource(), &write.name, &[error]));
        }
        sent if sent.to_string() != object::resource_version(old) => {
            return Err(ApiError::modified(&resource.id, &write.name));
        }
        _ => {}
    }
    let generation = old["metadata"].get("generation").cloned();
    strategy::set(&mut new["metadata"], "generation", generation);
    server.admit(write, &mut new, Some(old))?;
    // What a Binding makes of its pod was asked about with the Binding.
    let asks = !write.is_of_other_kind();
    if asks {
        admission::mutate(server, write, &mut new, Some(old))?;
    }
    keep_system_fields(&mut new, old);
    let errors = strategy::update(&resource, &mut new, old, write.subresource, &mut write.warnings);
    if !errors.is_empty() {
        return Err(write.invalid(&new, &errors));
    }
    // Strategies of /status have no warnings.
    if write.subresource != Some("status") {
        for text in strategy::warnings(&resource, &new, Some(old)) {
            write.warn(text);
        }
    }
    server.admit_final(write, &new, Some(old))?;
    if asks {
        admission::validate(server, write, Operation::Update { object: &new, old })?;
    }
    server.allocate(write, &mut new, Some(old))?;
    let quotas = quota::charge(server, write, &new, Some(old))?;
    object::set_metadata(&mut new, "resourceVersion", object::resource_version(old));
    apply::keep_times_if_unchanged(old, &mut new);

    if object::is_deleting(&new) && is_finalized(&new) && !object::finalizers(&new).any(|_| true) {
        // The client gets the object it made, everyone else the one that was there before.
        if !write.dry_run {
            server.store.remove(&resource.storage, &write.namespace, &write.name, write.now);
        }
        return Ok(resource.present(&Arc::new(new), server.store.revision()));
    }
    if new == **old {
        return Ok(resource.present(old, server.store.revision()));
    }
    let prepared = conversion::prepare(server, &resource, new)?;
    if write.dry_run {
        return Ok(prepared.into_shown(server, &resource));
    }
    prepared.check(&server.store)?;
    quota::settle(server, quotas, write.now);
    Ok(prepared.put(server, &resource, write.now))
}

/// Only an object whose time has run out goes with its last finalizer; a Namespace has finalizers in its spec, too.
fn is_finalized(object: &Value) -> bool {
    let grace = object::metadata_at(object, ["deletionGracePeriodSeconds"]).and_then(Value::as_i64);
    let namespace_finalizers = object::kind(object) == "Namespace"
        && object.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    grace.unwrap_or(0) == 0 && !namespace_finalizers
}

fn keep_system_fields(new: &mut Value, old: &Value) {
    let metadata = object::metadata_mut(new);
    let before = &old["metadata"];
    if metadata.get("uid").and_then(Value::as_str).unwrap_or_default().is_empty() {
        metadata.insert("uid".into(), before["uid"].clone());
    }
    for kept in ["creationTimestamp", "deletionTimestamp"] {
        if let Some(value) = before.get(kept) {
            metadata.insert(kept.into(), value.clone());
        }
    }
    if let Some(value) = before.get("deletionGracePeriodSeconds") {
        metadata.entry("deletionGracePeriodSeconds").or_insert_with(|| value.clone());
    }
    metadata.remove("selfLink");
}
