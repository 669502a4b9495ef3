//! Checking values against a schema, with the texts of Kubernetes (apiextensions-apiserver/pkg/apiserver/validation,
//! kube-openapi/pkg/validation).
//!
//! On update an error of an unchanged value is forgiven where old and new value can be correlated ("ratcheting"), so
//! that objects stay editable when their schema becomes stricter.

mod correlation;
mod embedded;
mod formats;
mod lists;
mod numbers;
mod uri;
mod values;

pub(crate) use correlation::{OldItems, equal, old_field};
pub use formats::{Format, TextFormat};
pub(crate) use formats::{is_date, parse_duration};
pub(crate) use uri::is_request_uri;

use super::Schema;
use super::pattern::Pattern;
use crate::field_error::{FieldError, FieldErrorKind, FieldPath};
use serde_json::Value;
use std::sync::Arc;

/// The keywords that restrict a value without giving it structure.
#[derive(Clone, Debug, Default)]
pub struct ValueValidation {
    /// `format`, where it is one that Kubernetes checks for this type.
    pub format: Option<Format>,
    /// `maximum`.
    pub maximum: Option<f64>,
    /// `exclusiveMaximum`.
    pub exclusive_maximum: bool,
    /// `minimum`.
    pub minimum: Option<f64>,
    /// `exclusiveMinimum`.
    pub exclusive_minimum: bool,
    /// `multipleOf`.
    pub multiple_of: Option<f64>,
    /// `maxLength`, in characters.
    pub max_length: Option<i64>,
    /// `minLength`, in characters.
    pub min_length: Option<i64>,
    /// `pattern`.
    pub pattern: Option<Pattern>,
    /// `maxItems`.
    pub max_items: Option<i64>,
    /// `minItems`.
    pub min_items: Option<i64>,
    /// `uniqueItems`.
    pub unique_items: bool,
    /// `maxProperties`.
    pub max_properties: Option<i64>,
    /// `minProperties`.
    pub min_properties: Option<i64>,
    /// `enum`; empty when not said.
    pub enum_: Vec<Value>,
    /// `allOf`.
    pub all_of: Vec<Arc<Schema>>,
    /// `anyOf`.
    pub any_of: Vec<Arc<Schema>>,
    /// `oneOf`.
    pub one_of: Vec<Arc<Schema>>,
    /// `not`.
    pub not: Option<Arc<Schema>>,
}

/// Checks a whole object: types, restrictions, embedded resources, and the uniqueness of sets and list maps.
///
/// `old` is the object that an update replaces. Rules (`x-kubernetes-validations`) are checked by
/// [`cel::validate`](super::cel::validate), after this and only unless [`blocks_rules`].
pub fn validate(schema: &Schema, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = values::validate(schema, new, old, None);
    embedded::validate(schema, new, FieldPath::root(""), &mut errors);
    errors.extend(lists::validate(schema, new, old));
    errors
}

/// Checks what a write to `/status` may change. Texts name a field by its path below `status`, as in Kubernetes.
pub fn validate_status(schema: &Schema, new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = match (schema.properties.get("status"), new.get("status")) {
        (Some(schema), Some(status)) => values::validate(schema, status, old.get("status"), Some("status")),
        _ => Vec::new(),
    };
    errors.extend(lists::validate(schema, new, Some(old)));
    errors
}

/// Checks a value that stands for itself, such as a default, below this path: only types and restrictions.
pub fn validate_value(schema: &Schema, value: &Value, path: &str) -> Vec<FieldError> {
    values::validate(schema, value, None, Some(path))
}

/// Checks the objects inside of a value, which is one itself at the root of a schema.
pub fn validate_embedded(
    schema: &Schema,
    value: &Value,
    path: FieldPath<'_>,
    is_root: bool,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if is_root && value.is_object() && !schema.embedded_resource {
        embedded::check_resource(value, path, &mut errors);
    }
    embedded::validate(schema, value, path, &mut errors);
    errors
}

/// Whether rules cannot be evaluated on an object with these errors.
pub fn blocks_rules(errors: &[FieldError]) -> bool {
    errors.iter().any(|error| {
        matches!(
            error.kind,
            FieldErrorKind::NotSupported
                | FieldErrorKind::Required
                | FieldErrorKind::TooLong
                | FieldErrorKind::TooMany
                | FieldErrorKind::TypeInvalid
        )
    })
}

/// What is reported in place of rules when [`blocks_rules`].
pub fn rules_not_checked() -> FieldError {
    FieldError::invalid(
        "<nil>",
        Value::Null,
        "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
    )
}

#[cfg(test)]
mod tests;
