//! `/scale`: the number of replicas of anything, in one shape
//! (apiextensions-apiserver/pkg/registry/customresource/etcd.go, pkg/registry/apps).

use super::update;
use super::write::Write;
use crate::api_server::ApiServer;
use crate::apply::{self, Writer};
use crate::builtins;
use crate::conversion;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::object;
use crate::resources::scale;
use crate::store::ResourceId;
use crate::strategy;
use serde_json::{Value, json};
use std::sync::Arc;

/// Writes the number of replicas of a Scale into its object. Answers the new Scale.
pub(crate) fn update(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    scale: &Value,
) -> Result<Value, ApiError> {
    let replicas = scale.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
    let sent =
        json!({"metadata": {"uid": object::uid(scale), "resourceVersion": object::resource_version(scale)}});
    change(server, write, &sent, |owners, writer| {
        let mut new = owners.clone();
        set_replicas(&mut new, replicas);
        apply::track_update(&builtins::schema("autoscaling", "v1", "Scale"), Some(owners), &mut new, writer);
        Ok(new)
    })
}

/// Applies a configuration of a Scale to its object. Answers the new Scale.
pub(crate) fn apply(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    configuration: &Value,
    force: bool,
) -> Result<Value, ApiError> {
    change(server, write, configuration, |owners, writer| {
        let schema = builtins::schema("autoscaling", "v1", "Scale");
        Ok(apply::server_side_apply(&schema, Some(owners), configuration, writer, force)?)
    })
}

/// Changes the replicas of an object by way of its Scale, whose fields have owners of their own. `sent` may say which
/// object and which version of it is meant.
fn change(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    sent: &Value,
    make: impl FnOnce(&Value, &Writer<'_>) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    let resource = write.resource.clone();
    let paths = scale::paths(&resource).ok_or_else(ApiError::unknown_resource)?;
    let stored = server
        .store
        .get(&resource.storage, &write.namespace, &write.name)
        .ok_or_else(|| write.not_found())?;
    let (stored, revision) = (stored.object.clone(), stored.revision);
    let old: Arc<Value> = conversion::show(server, &resource, &stored, revision)?;

    let path = paths.spec_replicas_path();
    let owners_before = old["metadata"].get("managedFields");
    let mut before = json!({
        "apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {},
        "metadata": {"name": object::name(&old), "namespace": object::namespace(&old), "uid": object::uid(&old)},
    });
    set_replicas(&mut before, paths.spec_replicas_of(&old).ok().flatten().unwrap_or(0));
    if let Some(owners) = apply::scale::to_scale(owners_before, &path).unwrap_or_default() {
        object::set_metadata(&mut before, "managedFields", owners);
    }
    let writer = Writer {
        kind: "Scale",
        reset_fields: &[],
        is_custom: false,
        versions: None,
        ..write.writer("autoscaling/v1")
    };
    let after = make(&before, &writer)?;

    let replicas = after.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
    if replicas < 0 && !resource.is_custom() {
        let error = FieldError::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(ApiError::invalid("autoscaling", "Scale", &write.name, &[error]));
    }
    let uid = object::uid(sent);
    if !uid.is_empty() && uid != object::uid(&old) {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            object::uid(&old)
        );
        let id = ResourceId::new(resource.id.group().to_owned(), format!("{}/scale", resource.id.resource()));
        return Err(ApiError::conflict(&id, &write.name, &why));
    }
    let mut new = (*old).clone();
    paths.set_spec_replicas(&mut new, replicas);
    let version = object::resource_version(sent);
    if !version.is_empty() {
        object::set_metadata(&mut new, "resourceVersion", version);
    }
    let owners_after = after["metadata"].get("managedFields");
    let owners = apply::scale::to_parent(owners_before, owners_after, &resource.api_version(), &path);
    strategy::set(&mut new["metadata"], "managedFields", owners.unwrap_or_default());
    let object = update::commit(server, write, &old, new)?;
    scale::of(&resource, &object)
}

/// A Scale leaves out the number zero.
fn set_replicas(scale: &mut Value, replicas: i64) {
    strategy::set(&mut scale["spec"], "replicas", (replicas != 0).then(|| replicas.into()));
}
