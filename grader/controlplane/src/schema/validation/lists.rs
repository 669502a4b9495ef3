//! Sets hold no value twice, list maps no key (apiextensions-apiserver/pkg/apiserver/schema/listtype/validation.go).

use super::super::{ListType, Schema};
use crate::field_error::{FieldError, FieldPath};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Checks every set and list map of an object. An update of an object that already has duplicates is not checked.
pub(super) fn validate(schema: &Schema, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check(schema, new, FieldPath::root(""), &mut errors);
    if let (false, Some(old)) = (errors.is_empty(), old) {
        let mut old_errors = Vec::new();
        check(schema, old, FieldPath::root(""), &mut old_errors);
        if !old_errors.is_empty() {
            errors.clear();
        }
    }
    errors
}

fn check(schema: &Schema, value: &Value, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(_, value)| value.is_object() || value.is_array()) {
                // Both apply to a declared field, as in Kubernetes.
                if let Some(schema) = &schema.additional_properties {
                    check(schema, value, path.key(key), errors);
                }
                if let Some(schema) = schema.properties.get(key) {
                    check(schema, value, path.child(key), errors);
                }
            }
        }
        Value::Array(items) => {
            match &schema.list_type {
                Some(ListType::Set) => {
                    let values: Vec<Value> = if items.len() > 1 { items.clone() } else { Vec::new() };
                    report_duplicates(values, path, errors);
                }
                Some(ListType::Map(keys)) => check_list_map(keys, items, path, errors),
                _ => {}
            }
            if let Some(schema) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    check(schema, item, path.index(index), errors);
                }
            }
        }
        _ => {}
    }
}

fn check_list_map(keys: &[String], items: &[Value], path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    if let Some(index) = items.iter().position(|item| !item.is_object() && !item.is_null()) {
        let detail = "must be an object for an array of list-type map";
        errors.push(FieldError::invalid(path.index(index), items[index].clone(), detail));
        return;
    }
    if items.len() > 1 {
        let key_of = |item: &Value| {
            let present = keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone())));
            Value::Object(present.collect::<Map<_, _>>())
        };
        report_duplicates(items.iter().map(key_of).collect(), path, errors);
    }
}

/// Reports the second appearance of each value; further ones would only repeat it.
fn report_duplicates(values: Vec<Value>, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for (index, value) in values.into_iter().enumerate() {
        let times = seen.entry(value.to_string()).or_default();
        *times += 1;
        if *times == 2 {
            errors.push(FieldError::duplicate(path.index(index), value));
        }
    }
}
