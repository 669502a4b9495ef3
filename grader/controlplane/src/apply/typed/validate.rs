//! Whether a value fits its schema (typed/validate.go).

use super::super::path::PathElement;
use super::super::shape::{Items, Kind, Scalar, Shape, item_element};
use crate::go_text;
use serde_json::Value;
use std::collections::BTreeSet;

/// Whether a list may hold two items of the same key or value.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Duplicates {
    /// As in an applied configuration.
    Forbidden,
    /// As in objects that are stored already.
    Allowed,
}

struct Violation {
    path: String,
    message: String,
}

/// Checks that all fields are known, all values of the right type, and all list items can be told apart.
///
/// # Errors
/// Upstream's text, all violations together.
pub(crate) fn validate(shape: Shape<'_>, value: &Value, duplicates: Duplicates) -> Result<(), String> {
    let mut violations = Vec::new();
    visit(shape, value, duplicates, &mut violations);
    let texts: Vec<String> = violations
        .into_iter()
        .map(
            |Violation { path, message }| {
                if path.is_empty() { message } else { format!("{path}: {message}") }
            },
        )
        .collect();
    match texts.as_slice() {
        [] => Ok(()),
        [only] => Err(only.clone()),
        several => Err(format!("errors:\n  {}", several.join("\n  "))),
    }
}

fn visit(shape: Shape<'_>, value: &Value, duplicates: Duplicates, violations: &mut Vec<Violation>) {
    let mut wrong = |message| violations.push(Violation { path: String::new(), message });
    match (shape.kind(Some(value)), value) {
        (_, Value::Null) => {}
        (Kind::Map, Value::Object(members)) => {
            for (name, member) in members {
                let known = violations.len();
                match shape.field(name) {
                    Some(field) => visit(field, member, duplicates, violations),
                    None => violations.push(Violation {
                        path: String::new(),
                        message: "field not declared in schema".to_owned(),
                    }),
                }
                for violation in &mut violations[known..] {
                    violation.path = format!(".{name}{}", violation.path);
                }
                if shape.field(name).is_none() {
                    return;
                }
            }
        }
        (Kind::Map, other) => wrong(format!("expected map, got &{{{}}}", go_text::plain(other))),
        (Kind::List, Value::Array(items)) => visit_items(shape, items, duplicates, violations),
        (Kind::List, other) => wrong(format!("expected list, got &{{{}}}", go_text::plain(other))),
        (Kind::Scalar(scalar), value) => {
            if let Some(message) = scalar_violation(scalar, value) {
                wrong(message);
            }
        }
    }
}

fn visit_items(shape: Shape<'_>, items: &[Value], duplicates: Duplicates, violations: &mut Vec<Violation>) {
    let is_atomic = matches!(shape.items(), Items::Atomic);
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let element = if is_atomic {
            PathElement::Index(index as i64)
        } else {
            match item_element(shape, item) {
                Ok(element) => element,
                Err(message) => {
                    let message = format!("element {index}: {message}");
                    violations.push(Violation { path: String::new(), message });
                    return;
                }
            }
        };
        let known = violations.len();
        visit(shape.item(), item, duplicates, violations);
        if violations.len() > known {
            let step = element.to_string();
            for violation in &mut violations[known..] {
                violation.path.insert_str(0, &step);
            }
        }
        if duplicates == Duplicates::Forbidden && !is_atomic && !seen.insert(element.clone()) {
            let message = format!("duplicate entries for key {element}");
            violations.insert(known, Violation { path: String::new(), message });
        }
    }
}

fn scalar_violation(scalar: Scalar, value: &Value) -> Option<String> {
    match (scalar, value) {
        (Scalar::Numeric, Value::Number(_))
        | (Scalar::String, Value::String(_))
        | (Scalar::Boolean, Value::Bool(_))
        | (Scalar::Any, Value::Number(_) | Value::String(_) | Value::Bool(_)) => None,
        (Scalar::Numeric, other) => {
            Some(format!("expected numeric (int or float), got {}", go_text::type_name(other)))
        }
        (Scalar::String, other) => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_text::syntax(other)))
        }
        (Scalar::Boolean, other) => Some(format!("expected boolean, got &{{{}}}", go_text::plain(other))),
        (Scalar::Any, other) => Some(format!("expected any scalar, got &{{{}}}", go_text::plain(other))),
    }
}
