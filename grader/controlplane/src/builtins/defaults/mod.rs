//! Defaults of built-in resources (pkg/apis/*/v1/defaults.go and the `+default` marks of the types).
//!
//! A default belongs to a Go type, wherever it occurs: a Container is defaulted alike in Pods and in templates.

mod core;
mod others;
mod workloads;

use super::definitions::{Definition, Type};
use super::fields::default_to;
use serde_json::Value;

/// Sets what one type sets when nothing is said.
type Default = fn(&mut Value);

/// Fills in the defaults of a decoded object: those of a type first, then those of what it contains.
pub(super) fn apply(definition: &'static Definition, value: &mut Value) {
    if !is_defaulted(definition) {
        return;
    }
    if let Some(default) = of(definition.name) {
        default(value);
    }
    for (name, marked) in definition.marked_defaults() {
        default_to(value, name, marked.clone());
    }
    for (name, member) in value.as_object_mut().into_iter().flatten() {
        if let Some(field) = definition.fields.get(name.as_str()) {
            walk(&field.type_, member);
        }
    }
}

/// Whether a type, or anything that it contains, has defaults.
fn is_defaulted(definition: &'static Definition) -> bool {
    fn search(definition: &'static Definition, open: &mut Vec<&'static str>) -> bool {
        if open.contains(&definition.name) {
            return false;
        }
        open.push(definition.name);
        let found = of(definition.name).is_some()
            || definition.marked_defaults().next().is_some()
            || definition.fields.values().any(|field| inside(&field.type_, open));
        open.pop();
        found
    }
    fn inside(type_: &'static Type, open: &mut Vec<&'static str>) -> bool {
        match type_ {
            Type::Struct(reference) => search(reference.get(), open),
            Type::List(item) | Type::Map(item) => inside(item, open),
            Type::StructOrOther(_) | Type::Scalar(..) => false,
        }
    }
    *definition.defaulted.get_or_init(|| search(definition, &mut Vec::new()))
}

fn walk(type_: &'static Type, value: &mut Value) {
    match (type_, value) {
        // Definitions that contain themselves have no defaults.
        (Type::Struct(reference), value @ Value::Object(_)) => apply(reference.get(), value),
        (Type::List(item), Value::Array(items)) => items.iter_mut().for_each(|value| walk(item, value)),
        (Type::Map(element), Value::Object(map)) => map.values_mut().for_each(|value| walk(element, value)),
        _ => {}
    }
}

fn of(name: &str) -> Option<Default> {
    match name.split_once('.')?.0 {
        "core" => core::of(name),
        "apps" | "batch" => workloads::of(name),
        _ => others::of(name),
    }
}
