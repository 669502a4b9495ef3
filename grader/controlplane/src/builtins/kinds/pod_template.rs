//! PodTemplates (ValidatePodTemplate in pkg/apis/core/validation/validation.go).

use super::pod_spec;
use super::workloads::template_warnings;
use crate::builtins::fields::at;
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use serde_json::Value;

pub(super) struct PodTemplate;

impl Rules for PodTemplate {
    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, template: &Value) -> Vec<FieldError> {
        pod_spec::validate_template(at(template, "/template"), "template")
    }

    fn warnings(&self, template: &Value, old: Option<&Value>) -> Vec<String> {
        template_warnings(template, old, "template")
    }

    fn validate_update(&self, new: &Value, _old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        self.validate_create(new)
    }
}
