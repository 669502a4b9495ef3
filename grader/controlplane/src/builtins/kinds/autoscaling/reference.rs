//! What an autoscaler scales or looks at (ValidateCrossVersionObjectReference in
//! pkg/apis/autoscaling/validation/validation.go).

use crate::builtins::fields::text;
use crate::builtins::names;
use crate::field_error::FieldError;
use serde_json::Value;

/// Checks a reference; one to what can only be in a named group has to name that.
pub(super) fn validate(reference: &Value, path: &str, needs_group: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for key in ["kind", "name"] {
        let field = format!("{path}.{key}");
        match text(reference, &format!("/{key}")) {
            "" => errors.push(FieldError::required(field, "")),
            value => {
                let bad = names::path_segment(value).into_iter();
                errors.extend(bad.map(|detail| FieldError::invalid(field.as_str(), value, detail)));
            }
        }
    }
    let version = text(reference, "/apiVersion");
    let detail = match version.matches('/').count() {
        0 if needs_group => "apiVersion must specify API group".to_owned(),
        0 | 1 => return errors,
        _ => format!("unexpected GroupVersion string: {version}"),
    };
    errors.push(FieldError::invalid(format!("{path}.apiVersion"), version, detail));
    errors
}
