//! ControllerRevisions (ValidateControllerRevision in pkg/apis/apps/validation/validation.go).

use crate::builtins::fields::at;
use crate::builtins::kinds::pod_spec::not_negative;
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use serde_json::Value;

/// A revision of a workload's template, written once.
pub(crate) struct ControllerRevision;

impl Rules for ControllerRevision {
    fn validate_create(&self, revision: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        not_negative(&mut errors, revision, "", "revision");
        match at(revision, "/data") {
            Value::Object(_) => {}
            Value::Null => errors.push(FieldError::required("data", "data is mandatory")),
            _ => errors.push(FieldError::required("data", "data must be a valid JSON object")),
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        if new.get("data") == old.get("data") {
            return Vec::new();
        }
        vec![FieldError::invalid("data", at(new, "/data").clone(), "field is immutable")]
    }
}
