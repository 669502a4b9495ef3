//! A configuration laid over an object without anybody owning it, as mutating admission policies do
//! (apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go).

use super::shape::{Items, Kind, Shape};
use super::typed::{Duplicates, merge, validate};
use crate::schema::Schema;
use serde_json::Value;

/// Lays `configuration` over `object`: what it says is set, lists are merged by their keys, the rest stays.
///
/// # Errors
/// The configuration does not fit the schema, or sets a list or map that can only be replaced as a whole.
pub(crate) fn lay_over(
    schema: &Schema,
    is_custom: bool,
    object: &Value,
    configuration: &Value,
) -> Result<Value, String> {
    let shape = Shape::of_object(schema, is_custom);
    validate(shape, configuration, Duplicates::Forbidden)
        .map_err(|error| format!("failed to convert patch object to typed object: {error}"))?;
    let mut atomics = Vec::new();
    find_atomics(shape, configuration, String::new(), &mut atomics);
    if !atomics.is_empty() {
        let paths = atomics.join(", ");
        let why = format!("may not mutate atomic arrays, maps or structs: {paths}");
        return Err(format!("invalid ApplyConfiguration: {why}"));
    }
    Ok(merge(shape, Some(object), Some(configuration)).unwrap_or_default())
}

fn find_atomics(shape: Shape<'_>, value: &Value, path: String, found: &mut Vec<String>) {
    match (shape.kind(Some(value)), value) {
        (Kind::Map, Value::Object(members)) => {
            if shape.is_atomic_map() {
                return found.push(path);
            }
            for (name, member) in members {
                if let Some(field) = shape.field(name) {
                    find_atomics(field, member, format!("{path}.{name}"), found);
                }
            }
        }
        (Kind::List, Value::Array(items)) => {
            if matches!(shape.items(), Items::Atomic) {
                return found.push(path);
            }
            for (index, item) in items.iter().enumerate() {
                find_atomics(shape.item(), item, format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}
