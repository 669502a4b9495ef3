//! Which old value a new one replaces (apiserver/pkg/cel/common/equality.go).

use super::super::Schema;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The old value of a field, where the schema knows the field and the old object had it.
pub(crate) fn old_field<'a>(schema: &Schema, old: &'a Value, key: &str) -> Option<&'a Value> {
    schema.field(key)?;
    old.as_object()?.get(key)
}

/// The old values of items: in a list map those with the same keys; items of other lists are not correlated.
#[derive(Debug, Default)]
pub(crate) struct OldItems<'a> {
    keys: &'a [String],
    by_keys: HashMap<Vec<Option<&'a Value>>, &'a Value>,
}

impl<'a> OldItems<'a> {
    pub(crate) fn of(schema: &'a Schema, old: Option<&'a Value>) -> Self {
        let keys = schema.list_map_keys();
        let mut items = Self { keys, by_keys: HashMap::new() };
        if keys.is_empty() || schema.items.is_none() {
            return items;
        }
        for old in old.and_then(Value::as_array).into_iter().flatten() {
            if let Some(fields) = old.as_object() {
                // Of several with the same keys it is the first one.
                items.by_keys.entry(values_of(keys, fields)).or_insert(old);
            }
        }
        items
    }

    pub(crate) fn get(&self, item: &Value) -> Option<&'a Value> {
        self.by_keys.get(&values_of(self.keys, item.as_object()?)).copied()
    }
}

fn values_of<'a>(keys: &[String], fields: &'a Map<String, Value>) -> Vec<Option<&'a Value>> {
    keys.iter().map(|key| fields.get(key)).collect()
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
            let known = OldItems::of(schema, Some(old));
            let is_old = |item: &Value| known.get(item).is_some_and(|old| equal(item_schema, item, old));
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
