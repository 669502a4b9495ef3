//! Conditions as all kinds have them (apimachinery/pkg/apis/meta/v1/validation/validation.go, ValidateConditions).

use crate::builtins::fields::{has, number, text};
use crate::builtins::names;
use crate::field_error::FieldError;
use serde_json::Value;
use std::collections::BTreeSet;

const LONGEST_REASON: usize = 1024;
const LONGEST_MESSAGE: usize = 32 * 1024;

/// What is wrong with the conditions at this path.
pub(super) fn validate(conditions: &[Value], path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (position, condition) in conditions.iter().enumerate() {
        let path = format!("{path}[{position}]");
        let kind = text(condition, "/type");
        if !seen.insert(kind) {
            errors.push(FieldError::duplicate(format!("{path}.type"), kind));
        }
        errors.extend(FieldError::invalid_for_each(
            &format!("{path}.type"),
            kind,
            names::qualified_name(kind),
        ));
        let (status, known) = (text(condition, "/status"), ["False", "True", "Unknown"]);
        if !known.contains(&status) {
            errors.push(FieldError::not_supported(format!("{path}.status"), status, known));
        }
        if let Some(generation) = number(condition, "/observedGeneration").filter(|number| *number < 0) {
            let detail = "must be greater than or equal to zero";
            errors.push(FieldError::invalid(format!("{path}.observedGeneration"), generation, detail));
        }
        if !has(condition, "lastTransitionTime") {
            errors.push(FieldError::required(format!("{path}.lastTransitionTime"), ""));
        }
        reason(text(condition, "/reason"), &format!("{path}.reason"), &mut errors);
        if text(condition, "/message").len() > LONGEST_MESSAGE {
            errors.push(FieldError::too_long(format!("{path}.message"), LONGEST_MESSAGE));
        }
    }
    errors
}

fn reason(reason: &str, path: &str, errors: &mut Vec<FieldError>) {
    if reason.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"_,:".contains(&byte);
    let ends = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = reason.as_bytes();
    let is_fine = bytes[0].is_ascii_alphabetic()
        && bytes.iter().all(|byte| inside(*byte))
        && bytes.last().is_some_and(|byte| ends(*byte));
    if !is_fine {
        let rule = "a condition reason must start with alphabetic character, optionally followed by a string of \
                    alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
        let detail = names::regex_error(
            rule,
            "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?",
            &["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"],
        );
        errors.push(FieldError::invalid(path, reason, detail));
    }
    if reason.len() > LONGEST_REASON {
        errors.push(FieldError::too_long(path, LONGEST_REASON));
    }
}
