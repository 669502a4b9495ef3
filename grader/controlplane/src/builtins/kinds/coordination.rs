//! Leases (pkg/apis/coordination/validation/validation.go).

use crate::builtins::fields::{number, set};
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use serde_json::Value;

pub(super) struct Lease;

impl Rules for Lease {
    fn checks_finalizers(&self) -> bool {
        false
    }

    fn requires_resource_version(&self) -> bool {
        true
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn prepare_for_create(&self, lease: &mut Value) {
        drop_disabled(lease);
    }

    fn prepare_for_update(&self, new: &mut Value, _old: &Value, _subresource: Option<&str>) {
        drop_disabled(new);
    }

    fn validate_create(&self, lease: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if let Some(seconds) = number(lease, "/spec/leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
            errors.push(FieldError::invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"));
        }
        if let Some(transitions) =
            number(lease, "/spec/leaseTransitions").filter(|transitions| *transitions < 0)
        {
            let detail = "must be greater than or equal to 0";
            errors.push(FieldError::invalid("spec.leaseTransitions", transitions, detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        self.validate_create(new)
    }
}

/// Coordinated leader election is a feature that is off by default.
fn drop_disabled(lease: &mut Value) {
    for key in ["strategy", "preferredHolder"] {
        set(&mut lease["spec"], key, None);
    }
}
