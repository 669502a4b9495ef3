//! Strategic merge patch (apimachinery/pkg/util/strategicpatch).
//!
//! Like a merge patch, but lists whose type says so are merged item by item, and directives in the patch say what
//! merging alone cannot: `$patch: delete` and `$patch: replace`, `$retainKeys`, `$deleteFromPrimitiveList/x` and
//! `$setElementOrder/x`.

use super::{PatchError, decode};
use crate::go_text;
use crate::schema::Schema;
use serde_json::{Map, Value};

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
    let is_retained = |key: &str| retained.iter().any(|name| name == key);
    for (key, value) in patch.iter() {
        let directive = key.starts_with(DELETE_FROM_PRIMITIVE_LIST) || key.starts_with(SET_ELEMENT_ORDER);
        if !value.is_null() && !directive && !is_retained(key) {
            return Err(bad());
        }
    }
    original.retain(|key, _| is_retained(key));
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

/// The items of the patch that stay must come in the order that `$setElementOrder` gives.
fn check_element_order(patch: &[Value], order: &[Value], merge_key: Option<&str>) -> Result<(), PatchError> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut ordered = order.iter();
    for item in patch.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        loop {
            let Some(candidate) = ordered.next() else {
                return Err(PatchError::Unclassified(format!(
                    "The order in patch list:\n{}\n doesn't match {SET_ELEMENT_ORDER} list:\n{}\n",
                    go_text::plain_list(patch),
                    go_text::plain_list(order)
                )));
            };
            if identity(item, merge_key)? == identity(candidate, merge_key)? {
                break;
            }
        }
    }
    Ok(())
}

fn merge_list(
    original: Vec<Value>,
    patch: Vec<Value>,
    field: Option<&Schema>,
) -> Result<Vec<Value>, PatchError> {
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    match element_type(&[&original, &patch])? {
        "map[string]interface {}" => {
            let key = merge_key(field).ok_or_else(|| {
                PatchError::Unclassified("cannot merge lists without merge key for struct".to_owned())
            })?;
            merge_list_of_maps(original, patch, field, key)
        }
        _ => {
            let mut merged = original.clone();
            merged.extend(patch.iter().cloned());
            let merged = deduplicated(merged);
            in_order(merged, &patch, &original, None)
        }
    }
}

fn merge_list_of_maps(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    field: Option<&Schema>,
    key: &str,
) -> Result<Vec<Value>, PatchError> {
    let mut items = Vec::new();
    let mut replaces = false;
    for item in patch {
        let Value::Object(item) = item else { continue };
        let Some(directive) = item.get(DIRECTIVE) else {
            items.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let wanted = item.get(key).ok_or_else(|| no_merge_key(&item, key))?;
                original.retain(|candidate| candidate.get(key) != Some(wanted));
            }
            Some("replace") => replaces = true,
            Some("merge") => {
                return Err(PatchError::Unclassified(
                    "merging lists cannot yet be specified in the patch".to_owned(),
                ));
            }
            _ => return Err(unknown_patch_type(directive, &item)),
        }
    }
    if replaces {
        original = items.into_iter().map(Value::Object).collect();
        items = Vec::new();
    }
    let element = field.and_then(|field| field.items.as_deref());
    let order: Vec<Value> = items.iter().cloned().map(Value::Object).collect();
    let mut merged = original.clone();
    for item in items {
        let wanted = item.get(key).cloned().ok_or_else(|| no_merge_key(&item, key))?;
        match merged.iter_mut().find(|candidate| candidate.get(key) == Some(&wanted)) {
            Some(current) => {
                let object = current.as_object_mut().map(std::mem::take).unwrap_or_default();
                *current = Value::Object(merge_map(object, item, element)?);
            }
            None => merged.push(Value::Object(item)),
        }
    }
    in_order(merged, &order, &original, Some(key))
}

/// Orders a merged list: what `order` names comes in its order, the rest in the order of the live list; where both
/// meet, the live list decides, and what it does not know comes first.
fn in_order(
    merged: Vec<Value>,
    order: &[Value],
    live: &[Value],
    merge_key: Option<&str>,
) -> Result<Vec<Value>, PatchError> {
    let position = |item: &Value, list: &[Value]| -> Option<usize> {
        let wanted = item_key(item, merge_key);
        list.iter().position(|candidate| item_key(candidate, merge_key) == wanted)
    };
    for item in merged.iter().chain(order) {
        identity(item, merge_key)?;
    }
    let (mut named, mut others): (Vec<_>, Vec<_>) =
        merged.into_iter().partition(|item| position(item, order).is_some());
    named.sort_by_key(|item| position(item, order));
    others.sort_by_key(|item| position(item, live));
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    let mut ordered = Vec::new();
    loop {
        let takes_other = match (others.peek(), named.peek()) {
            (None, None) => return Ok(ordered),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(other), Some(named)) => match (position(other, live), position(named, live)) {
                (Some(other), Some(named)) => other < named,
                _ => false,
            },
        };
        ordered.extend(if takes_other { others.next() } else { named.next() });
    }
}

fn delete_from_list(current: Vec<Value>, deleted: Vec<Value>) -> Result<Vec<Value>, PatchError> {
    if current.is_empty() && deleted.is_empty() {
        return Ok(current);
    }
    element_type(&[&current, &deleted])?;
    Ok(current.into_iter().filter(|item| !deleted.contains(item)).collect())
}

/// The one type of all items.
fn element_type(lists: &[&[Value]]) -> Result<&'static str, PatchError> {
    let mut found = None;
    for item in lists.iter().flat_map(|list| list.iter()) {
        if item.is_array() && found.is_none() {
            return Err(PatchError::DoesNotApply { reason: "lists of lists are not supported".to_owned() });
        }
        let type_name = go_text::type_name(item);
        if *found.get_or_insert(type_name) != type_name {
            let lists: Vec<_> = lists.iter().map(|list| go_text::plain_list(list)).collect();
            return Err(PatchError::Unclassified(format!(
                "list element types are not identical: [{}]",
                lists.join(" ")
            )));
        }
    }
    found.ok_or_else(|| PatchError::Unclassified("no elements in any of the given slices".to_owned()))
}

/// What tells an item from others: its merge key, or the scalar itself.
fn identity<'a>(item: &'a Value, merge_key: Option<&str>) -> Result<&'a Value, PatchError> {
    match (merge_key, item) {
        (None, item) => Ok(item),
        (Some(key), Value::Object(fields)) => fields.get(key).ok_or_else(|| no_merge_key(fields, key)),
        (Some(_), other) => Err(bad_type("map[string]interface {}", other)),
    }
}

fn item_key<'a>(item: &'a Value, merge_key: Option<&str>) -> Option<&'a Value> {
    match merge_key {
        None => Some(item),
        Some(key) => item.get(key),
    }
}

fn deduplicated(items: Vec<Value>) -> Vec<Value> {
    let mut unique: Vec<Value> = Vec::with_capacity(items.len());
    for item in items {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    unique
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
