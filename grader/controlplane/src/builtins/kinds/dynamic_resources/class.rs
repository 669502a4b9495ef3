//! DeviceClasses.

use super::{MOST_CONFIGURATIONS, configuration, each, selectors};
use crate::builtins::fields::{at, list};
use crate::builtins::names;
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use serde_json::Value;

pub(crate) struct Class;

impl Rules for Class {
    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, class: &Value) -> Vec<FieldError> {
        let spec = at(class, "/spec");
        let mut errors = Vec::new();
        selectors(spec, "spec", &mut errors);
        each(list(spec, "/config"), MOST_CONFIGURATIONS, "spec.config", &mut errors, configuration);
        if let Some(name) = at(spec, "/extendedResourceName").as_str()
            && !is_extended(name)
        {
            let detail = "must be a valid extended resource name";
            errors.push(FieldError::invalid("spec.extendedResourceName", name, detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        self.validate_create(new)
    }
}

/// A resource of somebody else than Kubernetes, which a quota can limit.
fn is_extended(name: &str) -> bool {
    let of_kubernetes = |domain: &str| domain.ends_with("kubernetes.io");
    name.split_once('/').is_some_and(|(domain, _)| !of_kubernetes(domain))
        && !name.starts_with("requests.")
        && names::qualified_name(&format!("requests.{name}")).is_empty()
}
