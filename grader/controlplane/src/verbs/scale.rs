//! `/scale`: the number of replicas of anything, in one shape
//! (apiextensions-apiserver/pkg/registry/customresource/etcd.go, pkg/registry/apps).

use super::update;
use super::write::Write;
use crate::api_server::ApiServer;
use crate::apply::{self, Writer};
use crate::builtins;
use crate::conversion;
use crate::custom_resources::scale::ScalePaths;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::go_text;
use crate::object;
use crate::resources::{Nature, Resource};
use crate::selector::LabelSelector;
use crate::selector::label;
use crate::strategy;
use serde_json::{Value, json};
use std::sync::Arc;

/// Where an object keeps what its Scale shows.
fn paths(resource: &Resource) -> Option<ScalePaths> {
    match &resource.nature {
        Nature::Custom(custom) => custom.scale().cloned(),
        Nature::BuiltIn(_) => Some(ScalePaths {
            spec_replicas: ".spec.replicas".into(),
            status_replicas: ".status.replicas".into(),
            label_selector: None,
        }),
    }
}

/// The Scale of an object.
///
/// # Errors
/// 500 when the object does not say how many replicas it wants; 404 when the resource has no `/scale`.
pub(crate) fn of(resource: &Resource, object: &Value) -> Result<Value, ApiError> {
    let paths = paths(resource).ok_or_else(ApiError::unknown_resource)?;
    let broken = |text: String| ApiError::internal(&text);
    let replicas = paths.spec_replicas_of(object).map_err(broken)?;
    let Some(replicas) = replicas.or((!resource.is_custom()).then_some(0)) else {
        let path = go_text::quote(&paths.spec_replicas);
        return Err(ApiError::internal(&format!("the spec replicas field {path} does not exist")));
    };
    let mut status = json!({"replicas": paths.status_replicas_of(object).map_err(broken)?.unwrap_or(0)});
    let selector = if resource.is_custom() {
        paths.selector_of(object).map_err(broken)?
    } else {
        let selector = object.pointer("/spec/selector");
        match resource.kind.as_str() {
            "ReplicationController" => LabelSelector::from_labels(
                selector.and_then(Value::as_object).unwrap_or(&serde_json::Map::new()),
            )
            .to_string(),
            _ => label::scale_selector(selector).map_err(broken)?,
        }
    };
    if !selector.is_empty() {
        status["selector"] = selector.into();
    }
    let mut metadata = json!({});
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object["metadata"].get(key) {
            metadata[key] = value.clone();
        }
    }
    let spec = if replicas == 0 { json!({}) } else { json!({"replicas": replicas}) };
    Ok(json!({
        "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": spec, "status": status,
    }))
}

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
    let paths = paths(&resource).ok_or_else(ApiError::unknown_resource)?;
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
    let writer =
        Writer { kind: "Scale", reset_fields: &[], is_custom: false, ..write.writer("autoscaling/v1") };
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
        return Err(ApiError::conflict(&resource.id, &write.name, &why));
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
    of(&resource, &object)
}

/// A Scale leaves out the number zero.
fn set_replicas(scale: &mut Value, replicas: i64) {
    strategy::set(&mut scale["spec"], "replicas", (replicas != 0).then(|| replicas.into()));
}
