//! Dynamic resources: devices that nodes offer and pods claim (pkg/apis/resource/validation/validation.go).
//!
//! Left out: whether the CEL of selectors compiles, counters, request policies of shared capacity, binding conditions.

mod admin_access;
mod claim;
mod class;
mod slice;

pub(super) use claim::{Claim, ClaimTemplate};
pub(super) use class::Class;
pub(super) use slice::Slice;

use super::csi::driver_name;
use crate::builtins::fields::{at, has, list, text};
use crate::builtins::names;
use crate::field_error::FieldError;
use serde_json::Value;
use std::collections::BTreeSet;

const MOST_SELECTORS: usize = 32;
const MOST_CONFIGURATIONS: usize = 32;
const LONGEST_EXPRESSION: usize = 10 * 1024;
const LONGEST_PARAMETERS: usize = 10 * 1024;
const LONGEST_IDENTIFIER: usize = 32;
const EFFECTS: [&str; 3] = ["NoExecute", "NoSchedule", "None"];

/// Checks each item of a list with its path, unless there are more than `most`.
fn each(
    items: &[Value],
    most: usize,
    path: &str,
    errors: &mut Vec<FieldError>,
    mut check: impl FnMut(&Value, &str, &mut Vec<FieldError>),
) {
    if items.len() > most {
        errors.push(FieldError::too_many(path, items.len(), most));
        return;
    }
    for (position, item) in items.iter().enumerate() {
        check(item, &format!("{path}[{position}]"), errors);
    }
}

/// The same for a list whose items are told apart by a key.
fn each_unique<'a>(
    items: &'a [Value],
    most: usize,
    key: impl Fn(&'a Value) -> &'a str,
    path: &str,
    errors: &mut Vec<FieldError>,
    check: impl FnMut(&Value, &str, &mut Vec<FieldError>),
) {
    each(items, most, path, errors, check);
    if items.len() > most {
        return;
    }
    let mut seen = BTreeSet::new();
    for (position, item) in items.iter().enumerate() {
        if !seen.insert(key(item)) {
            errors.push(FieldError::duplicate(format!("{path}[{position}]"), key(item)));
        }
    }
}

fn name_of(item: &Value) -> &str {
    text(item, "/name")
}

fn selectors(owner: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.selectors");
    each(list(owner, "/selectors"), MOST_SELECTORS, &path, errors, |selector, path, errors| {
        if !has(selector, "cel") {
            errors.push(FieldError::required(format!("{path}.cel"), ""));
        } else if text(selector, "/cel/expression").len() > LONGEST_EXPRESSION {
            errors.push(FieldError::too_long(format!("{path}.cel.expression"), LONGEST_EXPRESSION));
        }
    });
}

/// What a driver is told, which only it understands.
fn configuration(configuration: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.opaque");
    let opaque = at(configuration, "/opaque");
    if !opaque.is_object() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    driver_name(text(opaque, "/driver"), &format!("{path}.driver"), errors);
    let path = format!("{path}.parameters");
    match at(opaque, "/parameters") {
        Value::Null => errors.push(FieldError::required(path, "")),
        parameters if parameters.to_string().len() > LONGEST_PARAMETERS => {
            errors.push(FieldError::too_long(path, LONGEST_PARAMETERS));
        }
        Value::Object(_) => {}
        _ => errors.push(FieldError::invalid(path, "<value omitted>", "must be a valid JSON object")),
    }
}

/// The name of an attribute or a capacity, maybe of a domain.
fn qualified_name(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    match name.split('/').collect::<Vec<_>>()[..] {
        [name] => identifier(name, path, errors),
        [domain, name] => {
            if domain.is_empty() {
                errors.push(FieldError::invalid(path, "", "the domain must not be empty"));
            } else {
                driver_name(domain, path, errors);
            }
            if name.is_empty() {
                errors.push(FieldError::invalid(path, "", "the name must not be empty"));
            } else {
                identifier(name, path, errors);
            }
        }
        _ => {}
    }
}

fn identifier(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    if name.len() > LONGEST_IDENTIFIER {
        errors.push(FieldError::too_long(path, LONGEST_IDENTIFIER));
    }
    let is_fine = !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_fine {
        let rule = "a valid C identifier must start with alphabetic character or '_', followed by a string of \
                    alphanumeric characters or '_'";
        let examples = ["my_name", "MY_NAME", "MyName"];
        let detail = names::regex_error(rule, "[A-Za-z_][A-Za-z0-9_]*", &examples);
        errors.push(FieldError::invalid(path, name, detail));
    }
}
