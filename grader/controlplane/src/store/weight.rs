//! How much memory an object takes.

use serde_json::Value;

/// About how many bytes of memory this takes, itself included.
pub(crate) fn weight(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(members) => {
                members.iter().map(|(key, value)| size_of::<String>() + key.len() + weight(value)).sum()
            }
        }
}
