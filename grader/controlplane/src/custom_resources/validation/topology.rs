//! How lists and maps are merged: `x-kubernetes-list-type`, `x-kubernetes-list-map-keys`, `x-kubernetes-map-type`
//! (ValidateCustomResourceDefinitionOpenAPISchema in
//! apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go).

use super::keywords::Keywords;
use crate::field_error::{FieldError, FieldPath};
use serde_json::json;
use std::collections::BTreeSet;

/// So many errors are told that show all keys of a list.
const MOST_TOLD: usize = 100;

/// Checks what a schema says of its list or map, and of the items.
pub(super) fn validate(schema: Keywords<'_>, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    stands_right(schema, path, "x-kubernetes-map-type", "object", &["atomic", "granular"], errors);
    if stands_right(schema, path, "x-kubernetes-list-type", "array", &["atomic", "set", "map"], errors) {
        set_items(schema, path, errors);
    }
    list_map(schema, path, errors);
}

/// Checks a list or map type; answers whether it stands on the right kind of value.
fn stands_right(
    schema: Keywords<'_>,
    path: FieldPath<'_>,
    keyword: &str,
    required_type: &str,
    supported: &[&str],
    errors: &mut Vec<FieldError>,
) -> bool {
    let Some(value) = schema.text(keyword) else { return false };
    let fits = schema.type_() == required_type;
    if !fits {
        let detail = format!("must be {required_type} if {keyword} is specified");
        errors.push(match schema.type_() {
            "" => FieldError::required(path.child("type"), detail),
            type_ => FieldError::invalid(path.child("type"), type_, detail),
        });
    }
    if !supported.contains(&value) {
        errors.push(FieldError::not_supported(path.child(keyword), value, supported));
    }
    fits
}

/// Checks that the items of a set are compared as a whole.
fn set_items(schema: Keywords<'_>, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    let Some(items) = schema.schema("items").filter(|_| schema.text("x-kubernetes-list-type") == Some("set"))
    else {
        return;
    };
    let keyword = match items.type_() {
        "array" if items.text("x-kubernetes-list-type").is_some_and(|list_type| list_type != "atomic") => {
            "x-kubernetes-list-type"
        }
        "object" if items.text("x-kubernetes-map-type") != Some("atomic") => "x-kubernetes-map-type",
        _ => return,
    };
    // Kubernetes shows the list type in both cases.
    let shown = items.get("x-kubernetes-list-type").cloned().unwrap_or_default();
    let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    errors.push(FieldError::invalid(path.child("items").child(keyword), shown, detail));
}

fn list_map(schema: Keywords<'_>, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    let list_type = schema.text("x-kubernetes-list-type");
    let keys: Vec<&str> = schema.texts("x-kubernetes-list-map-keys").collect();
    let keys_path = path.child("x-kubernetes-list-map-keys");
    let items_path = path.child("items");
    let items = schema.schema("items");
    if !keys.is_empty() && list_type != Some("map") {
        let type_path = path.child("x-kubernetes-list-type");
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        errors.push(match list_type {
            None => FieldError::required(type_path, detail),
            Some(list_type) => FieldError::invalid(type_path, list_type, detail),
        });
    }
    if let (Some(items), Some("set" | "map")) = (items, list_type)
        && items.flag("nullable")
    {
        let detail =
            format!("cannot be nullable when x-kubernetes-list-type is {}", list_type.unwrap_or_default());
        errors.push(FieldError::forbidden(items_path.child("nullable"), detail));
    }
    if list_type != Some("map") {
        return;
    }
    if keys.is_empty() {
        errors.push(FieldError::required(keys_path, "must not be empty if x-kubernetes-list-type is map"));
    }
    let Some(items) = items else {
        if schema.get("items").is_none() {
            errors.push(FieldError::required(
                items_path,
                "must have a schema if x-kubernetes-list-type is map",
            ));
        }
        return;
    };
    if items.type_() != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        errors.push(FieldError::invalid(items_path.child("type"), items.type_(), detail));
        return;
    }
    map_keys(&keys, items, path, errors);
}

/// Checks the keys of a list map, which are properties of its items.
fn map_keys(keys: &[&str], items: Keywords<'_>, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    let keys_path = path.child("x-kubernetes-list-map-keys");
    let items_path = path.child("items");
    let properties = items_path.child("properties");
    let mut room = MOST_TOLD;
    let mut refuse = |errors: &mut Vec<FieldError>, detail: &str| {
        if room > 0 {
            room -= 1;
            errors.push(FieldError::invalid(keys_path, json!(keys), detail));
        }
    };
    let required: BTreeSet<&str> = items.texts("required").collect();
    let mut seen = BTreeSet::new();
    for key in keys {
        let key_path = properties.key(key);
        if !seen.insert(key) {
            refuse(errors, "must not contain duplicate entries");
        }
        let Some(property) = items.property(key) else {
            refuse(errors, "entries must all be names of item properties");
            continue;
        };
        if matches!(property.type_(), "array" | "object") {
            let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
            errors.push(FieldError::invalid(key_path.child("type"), items.type_(), detail));
        }
        let this = "this property is in x-kubernetes-list-map-keys, so it";
        if !required.contains(key) && property.get("default").is_none() {
            let detail = format!("{this} must have a default or be a required property");
            errors.push(FieldError::required(key_path.child("default"), detail));
        }
        if property.flag("nullable") {
            errors.push(FieldError::forbidden(
                key_path.child("nullable"),
                format!("{this} cannot be nullable"),
            ));
        }
    }
}
