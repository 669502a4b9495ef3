//! The Scale of an object: how many replicas it wants and has, in one shape for all kinds.

use super::{Nature, Resource};
use crate::custom_resources::scale::ScalePaths;
use crate::error::ApiError;
use crate::go_text;
use crate::selector::{LabelSelector, label};
use serde_json::{Value, json};

/// Where an object keeps what its Scale shows.
pub(crate) fn paths(resource: &Resource) -> Option<ScalePaths> {
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
