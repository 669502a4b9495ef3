//! The fields that a value sets (typed/tofieldset.go).

use super::super::path::PathElement;
use super::super::set::Set;
use super::super::shape::{Items, Kind, Shape, item_element};
use serde_json::Value;
use std::collections::BTreeMap;

/// All leaves of a value, and the nodes above them that exist on their own: list items and map entries.
pub(crate) fn field_set(shape: Shape<'_>, value: &Value) -> Set {
    visit(shape, value).1
}

/// Whether the value itself is a leaf, and what it sets below.
fn visit(shape: Shape<'_>, value: &Value) -> (bool, Set) {
    match (shape.kind(Some(value)), value) {
        (Kind::Scalar(_), _) => (true, Set::default()),
        (Kind::Map, _) if shape.is_atomic_map() => (true, Set::default()),
        (Kind::Map, Value::Object(members)) => {
            let mut below = Set::default();
            for (name, member) in members {
                let Some(field) = shape.field(name) else { continue };
                let (is_leaf, below_member) = visit(field, member);
                let is_empty = member.is_null() || member.as_object().is_some_and(serde_json::Map::is_empty);
                let is_entry = shape.named_field(name).is_none();
                below.add(PathElement::Field(name.clone()), is_leaf || is_empty || is_entry, below_member);
            }
            (false, below)
        }
        (Kind::List, _) if matches!(shape.items(), Items::Atomic) => (true, Set::default()),
        (Kind::List, Value::Array(items)) => {
            let mut by_element: BTreeMap<PathElement, (usize, &Value)> = BTreeMap::new();
            for item in items {
                let Ok(element) = item_element(shape, item) else { continue };
                by_element.entry(element).or_insert((0, item)).0 += 1;
            }
            let mut below = Set::default();
            for (element, (count, item)) in by_element {
                // Items that are there twice are owned together, as one value.
                let below_item = if count > 1 { Set::default() } else { visit(shape.item(), item).1 };
                below.add(element, true, below_item);
            }
            (false, below)
        }
        (Kind::Map | Kind::List, _) => (false, Set::default()),
    }
}
