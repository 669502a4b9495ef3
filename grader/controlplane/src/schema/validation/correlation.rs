//! Which old value a new one replaces (apiserver/pkg/cel/common/equality.go).

use super::super::Schema;
use serde_json::Value;

/// The old value of a field, where the schema knows the field and the old object had it.
pub(crate) fn old_field<'a>(schema: &Schema, old: &'a Value, key: &str) -> Option<&'a Value> {
    schema.field(key)?;
    old.as_object()?.get(key)
}

/// The old value of an item: in a list map the one with the same keys; items of other lists are not correlated.
pub(crate) fn old_item<'a>(schema: &Schema, old: &'a Value, item: &Value) -> Option<&'a Value> {
    let keys = schema.list_map_keys();
    if keys.is_empty() || schema.items.is_none() {
        return None;
    }
    let item = item.as_object()?;
    let same_keys = |candidate: &&Value| {
        candidate
            .as_object()
            .is_some_and(|candidate| keys.iter().all(|key| candidate.get(key) == item.get(key)))
    };
    old.as_array()?.iter().find(same_keys)
}

/// Whether two values are the same. The order of a list map does not count; a field that the schema does not know
/// counts as a difference.
pub(crate) fn equal(schema: &Schema, new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Array(new_items), Value::Array(old_items)) => {
            let Some(item_schema) = schema.items.as_deref().filter(|_| !schema.list_map_keys().is_empty())
            else {
                return new_items == old_items;
            };
            let is_old =
                |item: &Value| old_item(schema, old, item).is_some_and(|old| equal(item_schema, item, old));
            new_items.len() == old_items.len() && new_items.iter().all(is_old)
        }
        (Value::Object(new_fields), Value::Object(old_fields)) => {
            new_fields.len() == old_fields.len()
                && new_fields.iter().all(|(key, new)| match (schema.field(key), old_fields.get(key)) {
                    (Some(schema), Some(old)) => equal(schema, new, old),
                    _ => false,
                })
        }
        _ => new == old,
    }
}
