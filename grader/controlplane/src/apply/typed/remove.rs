//! A value without some of its fields (typed/remove.go).

use super::super::path::PathElement;
use super::super::set::Set;
use super::super::shape::{Items, Kind, Shape, item_element};
use serde_json::{Map, Value};

/// A copy without the fields in the set. A map or list that loses its last member becomes null.
pub(crate) fn remove(shape: Shape<'_>, value: &Value, fields: &Set) -> Value {
    match (shape.kind(Some(value)), value) {
        (Kind::Scalar(_), scalar) => scalar.clone(),
        (Kind::Map, Value::Object(members)) if !shape.is_atomic_map() => {
            let mut left = Map::new();
            for (name, member) in members {
                let element = PathElement::Field(name.clone());
                if let Some(member) = without(shape.field(name), &element, member, fields) {
                    left.insert(name.clone(), member);
                }
            }
            if left.is_empty() { Value::Null } else { Value::Object(left) }
        }
        (Kind::List, Value::Array(items)) if !matches!(shape.items(), Items::Atomic) => {
            let left: Vec<Value> = items
                .iter()
                .filter_map(|item| match item_element(shape, item) {
                    Ok(element) => without(Some(shape.item()), &element, item, fields),
                    Err(_) => Some(item.clone()),
                })
                .collect();
            if left.is_empty() { Value::Null } else { Value::Array(left) }
        }
        _ => Value::Null,
    }
}

/// What is left of a member or item; none if it is itself in the set.
fn without(shape: Option<Shape<'_>>, element: &PathElement, value: &Value, fields: &Set) -> Option<Value> {
    if fields.has(element) {
        return None;
    }
    match (shape, fields.below(element)) {
        (Some(shape), Some(below)) if !below.is_empty() => Some(remove(shape, value, below)),
        _ => Some(value.clone()),
    }
}
