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
    if let Some(default) = of(definition.name) {
        default(value);
    }
    for (name, field) in &definition.fields {
        if let Some(marked) = &field.default {
            default_to(value, name, marked.clone());
        }
        if let Some(member) = value.get_mut(name) {
            walk(&field.type_, member);
        }
    }
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
