//! `meta.k8s.io` Tables: what `kubectl get` prints
//! (apimachinery/pkg/api/meta/table, apiextensions-apiserver/pkg/registry/customresource/tableconvertor).

use crate::custom_resources::columns::Column;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::object;
use crate::printers;
use crate::resources::{Nature, Resource};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;

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

    /// What a row shows of its object.
    fn of(self, object: &Value, api_version: &str) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Object => object.clone(),
            Self::Metadata => json!({
                "kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": object["metadata"],
            }),
        }
    }
}

/// The `columnDefinitions`.
pub(crate) fn columns(resource: &Resource) -> Vec<Value> {
    match &resource.nature {
        Nature::BuiltIn(builtin) => printers::columns::of(&builtin.api_version(), builtin.plural),
        Nature::Custom(custom) => {
            let description = printers::columns::metadata_description("name");
            let name = json!({
                "name": "Name", "type": "string", "format": "name", "description": description, "priority": 0,
            });
            [name].into_iter().chain(custom.version().columns.iter().map(Column::definition)).collect()
        }
    }
}

/// Whether a resource has no columns of its own: nobody has made a list for the rows of its tables, either
/// (apiserver/pkg/registry/rest/table.go).
pub(crate) fn is_by_default(resource: &Resource) -> bool {
    !resource.is_custom() && columns(resource).iter().any(|column| column["name"] == "Created At")
}

/// The `columnDefinitions` of a scale; those of custom resources have words of their own
/// (apiextensions-apiserver/pkg/apiserver/customresource_handler.go).
pub(crate) fn scale_columns(resource: &Resource) -> Vec<Value> {
    let mut columns = printers::columns::of("autoscaling/v1", "scales");
    if resource.is_custom() {
        let own = [
            ("format", "name"),
            ("description", "Number of desired replicas"),
            ("description", "Number of actual replicas"),
            ("type", "date"),
        ];
        for (column, (key, value)) in columns.iter_mut().zip(own) {
            column[key] = value.into();
        }
    }
    columns
}

/// The one row of a scale's Table.
pub(crate) fn scale_row(scale: &Value, include: IncludeObject, api_version: &str, now: Timestamp) -> Value {
    let cells = printers::cells("autoscaling", "scales", scale, now);
    json!({"cells": cells, "object": include.of(scale, api_version)})
}

/// One row. `api_version` is that of the Table.
pub(crate) fn row(
    resource: &Resource,
    object: &Value,
    include: IncludeObject,
    api_version: &str,
    now: Timestamp,
) -> Value {
    let (cells, conditions) = match &resource.nature {
        Nature::BuiltIn(builtin) => {
            let internal = match resource.has_other_form() {
                true => Cow::Owned(resource.internal(object.clone())),
                false => Cow::Borrowed(object),
            };
            (
                printers::cells(builtin.group, builtin.plural, &internal, now),
                printers::conditions(builtin.group, builtin.plural, object),
            )
        }
        Nature::Custom(custom) => {
            let mut cells = vec![Value::from(object::name(object))];
            cells.extend(custom.version().columns.iter().map(|column| column.cell(object, now)));
            (cells.into(), Value::Null)
        }
    };
    let mut row = json!({"cells": cells, "object": include.of(object, api_version)});
    if !conditions.is_null() {
        row["conditions"] = conditions;
    }
    row
}

/// The objects of a list in the order of their rows.
pub(crate) fn ordered<'a>(resource: &Resource, objects: &'a [Arc<Value>]) -> Vec<&'a Arc<Value>> {
    let mut objects: Vec<&Arc<Value>> = objects.iter().collect();
    if let Nature::BuiltIn(builtin) = &resource.nature
        && let Some(order) = printers::order(builtin.group, builtin.plural)
    {
        objects.sort_by(|left, right| order(left, right));
    }
    objects
}
