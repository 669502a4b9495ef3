//! `meta.k8s.io` Tables: what `kubectl get` prints
//! (apimachinery/pkg/api/meta/table, apiextensions-apiserver/pkg/registry/customresource/tableconvertor).

use crate::custom_resources::columns::Column;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::object;
use crate::resources::{Nature, Resource};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::borrow::Cow;

const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some \
    resources may allow a client to request the generation of an appropriate name automatically. Name is primarily \
    intended for creation idempotence and configuration definition. Cannot be updated. More info: \
    https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
/// What a row carries besides its cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    None,
    #[default]
    Metadata,
    Object,
}

impl IncludeObject {
    /// # Errors
    /// 400 for any other word.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "" | "Metadata" => Ok(Self::Metadata),
            "None" => Ok(Self::None),
            "Object" => Ok(Self::Object),
            other => {
                let rule = "must be 'Metadata', 'Object', 'None', or empty";
                let error = FieldError::invalid("includeObject", other, rule);
                Err(ApiError::bad_request(format!("Unable to convert to Table as requested: {error}")))
            }
        }
    }
}

/// The `columnDefinitions`.
pub(crate) fn columns(resource: &Resource) -> Vec<Value> {
    let name =
        json!({"name": "Name", "type": "string", "format": "name", "description": NAME, "priority": 0});
    [name].into_iter().chain(own_columns(resource).iter().map(Column::definition)).collect()
}

fn own_columns(resource: &Resource) -> Cow<'_, [Column]> {
    match &resource.nature {
        Nature::Custom(custom) => Cow::Borrowed(&custom.version().columns),
        Nature::BuiltIn(_) => Cow::Owned(vec![Column::age()]),
    }
}

/// One row.
pub(crate) fn row(resource: &Resource, object: &Value, include: IncludeObject, now: Timestamp) -> Value {
    let mut cells = vec![Value::from(object::name(object))];
    cells.extend(own_columns(resource).iter().map(|column| column.cell(object, now)));
    let object = match include {
        IncludeObject::None => Value::Null,
        IncludeObject::Object => object.clone(),
        IncludeObject::Metadata => json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
        }),
    };
    if object.is_null() {
        json!({"cells": cells, "object": null})
    } else {
        json!({"cells": cells, "object": object})
    }
}
