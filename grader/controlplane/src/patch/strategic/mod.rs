//! Strategic merge patch (apimachinery/pkg/util/strategicpatch).
//!
//! Like a merge patch, but lists whose type says so are merged item by item, and directives in the patch say what
//! merging alone cannot: `$patch: delete` and `$patch: replace`, `$retainKeys`, `$deleteFromPrimitiveList/x` and
//! `$setElementOrder/x`.

mod lists;

use super::{PatchError, decode};
use crate::go_text;
use crate::schema::Schema;
use lists::{check_element_order, delete_from_list, element_type, in_order, merge_list};
use serde_json::{Map, Value};
use std::collections::HashSet;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_PRIMITIVE_LIST: &str = "$deleteFromPrimitiveList";
const SET_ELEMENT_ORDER: &str = "$setElementOrder";

type Object = Map<String, Value>;

/// Reads a strategic merge patch, which must be an object.
///
/// # Errors
/// [`PatchError::Malformed`] with the text of the API server's decoder.
pub fn parse(bytes: &[u8]) -> Result<Value, PatchError> {
    match decode::decode(bytes).map_err(PatchError::Malformed)? {
        patch @ Value::Object(_) => Ok(patch),
        Value::Null => Ok(Value::Object(Object::new())),
        other => Err(PatchError::Malformed(format!(
            "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            go_text::json_kind(&other)
        ))),
    }
}

/// Applies `patch` to `document`, a built-in object of type `schema`.
///
/// # Errors
/// [`PatchError::Malformed`] for a directive of the wrong form, [`PatchError::DoesNotApply`] for a list of lists,
/// [`PatchError::Unclassified`] for everything else.
pub fn apply(schema: &Schema, document: &Value, patch: &Value) -> Result<Value, PatchError> {
    let original = document.as_object().cloned().unwrap_or_default();
    let patch = patch.as_object().cloned().unwrap_or_default();
    merge_map(original, patch, Some(schema)).map(Value::Object)
}

fn merge_map(mut original: Object, mut patch: Object, schema: Option<&Schema>) -> Result<Object, PatchError> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(DIRECTIVE);
                Ok(patch)
            }
            Some("delete") => Ok(Object::new()),
            _ => Err(unknown_patch_type(directive, &patch)),
        };
    }
    retain_keys(&mut original, &mut patch)?;
    set_element_orders(&mut original, &mut patch, schema)?;
    for (key, value) in patch {
        let (key, deletes_items) = match directive_field(&key, DELETE_FROM_PRIMITIVE_LIST) {
            Some(field) => (field.ok_or_else(bad_primitive_list)?.to_owned(), true),
            None => (key, false),
        };
        if value.is_null() {
            original.remove(&key);
            continue;
        }
        let field = field_schema(schema, &key);
        let merged = match (original.remove(&key), value) {
            (Some(current), _) if deletes_items && !current.is_array() => Some(current),
            (None, _) if deletes_items => None,
            (Some(Value::Object(current)), Value::Object(value)) => {
                Some(Value::Object(merge_map(current, value, field)?))
            }
            (Some(Value::Array(current)), Value::Array(value)) => {
                if deletes_items {
                    Some(Value::Array(delete_from_list(current, value)?))
                } else if merges(field) {
                    Some(Value::Array(merge_list(current, value, field)?))
                } else {
                    Some(Value::Array(value))
                }
            }
            (Some(current), _) if deletes_items => Some(current),
            (Some(current), value) if same_scalar_type(&current, &value) => Some(value),
            (_, value) => without_directives(without_nulls(value)),
        };
        if let Some(merged) = merged {
            original.insert(key, merged);
        }
    }
    Ok(original)
}

/// `$retainKeys`: drops what the list does not name.
fn retain_keys(original: &mut Object, patch: &mut Object) -> Result<(), PatchError> {
    let Some(directive) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let bad = || PatchError::Malformed("invalid patch format of retainKeys".to_owned());
    let retained = directive.as_array().ok_or_else(bad)?;
    let retained: HashSet<&str> = retained.iter().filter_map(Value::as_str).collect();
    for (key, value) in patch.iter() {
        let directive = key.starts_with(DELETE_FROM_PRIMITIVE_LIST) || key.starts_with(SET_ELEMENT_ORDER);
        if !value.is_null() && !directive && !retained.contains(key.as_str()) {
            return Err(bad());
        }
    }
    original.retain(|key, _| retained.contains(key.as_str()));
    Ok(())
}

/// `$setElementOrder/x`: merges the list `x` here and now, and orders the result.
fn set_element_orders(
    original: &mut Object,
    patch: &mut Object,
    schema: Option<&Schema>,
) -> Result<(), PatchError> {
    let directives: Vec<String> =
        patch.keys().filter(|key| key.starts_with(SET_ELEMENT_ORDER)).cloned().collect();
    for directive in directives {
        let order = match patch.remove(&directive) {
            Some(Value::Array(order)) => order,
            other => return Err(bad_type("[]interface {}", &other.unwrap_or_default())),
        };
        let key = directive_field(&directive, SET_ELEMENT_ORDER).flatten().ok_or_else(bad_element_order)?;
        let list = |value: Option<&Value>| match value {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items.clone())),
            Some(other) => Err(bad_type("[]interface {}", other)),
        };
        let current = list(original.get(key))?;
        let wanted = list(patch.get(key))?;
        let field = field_schema(schema, key);
        let merge_key = merge_key(field);
        check_element_order(wanted.as_deref().unwrap_or_default(), &order, merge_key)?;
        let merged = match (&current, wanted.clone()) {
            (None, None) => continue,
            (Some(current), None) => current.clone(),
            (None, Some(wanted)) => match without_directives(Value::Array(wanted)) {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            },
            (Some(current), Some(wanted)) if merges(field) => merge_list(current.clone(), wanted, field)?,
            (Some(_), Some(wanted)) => wanted,
        };
        let current = current.unwrap_or_default();
        element_type(&[&current, wanted.as_deref().unwrap_or_default()])?;
        let ordered = in_order(merged, &order, &current, merge_key)?;
        original.insert(key.to_owned(), Value::Array(ordered));
        patch.remove(key);
    }
    Ok(())
}

/// The schema of a field; none below free-form maps.
fn field_schema<'a>(schema: Option<&'a Schema>, key: &str) -> Option<&'a Schema> {
    let schema = schema?;
    schema.properties.get(key).or(schema.additional_properties.as_ref()).map(|field| &**field)
}

fn merges(field: Option<&Schema>) -> bool {
    field.is_some_and(|field| field.strategic_merge.merge)
}

fn merge_key(field: Option<&Schema>) -> Option<&str> {
    field.and_then(|field| field.strategic_merge.merge_key.as_deref())
}

/// The field that a directive like `$setElementOrder/ports` speaks of; `Some(None)` if it names none.
fn directive_field<'a>(key: &'a str, prefix: &str) -> Option<Option<&'a str>> {
    key.strip_prefix(prefix).map(|rest| rest.strip_prefix('/'))
}

fn same_scalar_type(current: &Value, value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
        && go_text::type_name(current) == go_text::type_name(value)
}

/// A copy without members that are null, also inside lists.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        scalar => scalar,
    }
}

/// What is left of a new value without objects that carry a `$patch` directive; none if it is one itself.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(DIRECTIVE) => None,
        Value::Object(fields) => Some(
            fields.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?))).collect(),
        ),
        Value::Array(items) => Some(items.into_iter().filter_map(without_directives).collect()),
        scalar => Some(scalar),
    }
}

fn bad_primitive_list() -> PatchError {
    PatchError::Malformed("invalid patch format of primitive list".to_owned())
}

fn bad_element_order() -> PatchError {
    PatchError::Malformed("invalid patch format of setElementOrder list".to_owned())
}

fn bad_type(expected: &str, actual: &Value) -> PatchError {
    PatchError::Unclassified(format!("expected a {expected}, but received a {}", go_text::type_name(actual)))
}

fn no_merge_key(fields: &Object, key: &str) -> PatchError {
    PatchError::Unclassified(format!(
        "map: {} does not contain declared merge key: {key}",
        go_text::plain(&Value::Object(fields.clone()))
    ))
}

fn unknown_patch_type(directive: &Value, fields: &Object) -> PatchError {
    PatchError::Unclassified(format!(
        "unknown patch type: {} in map: {}",
        go_text::plain(directive),
        go_text::plain(&Value::Object(fields.clone()))
    ))
}

#[cfg(test)]
mod tests;
