//! ValidatingAdmissionPolicyBindings and MutatingAdmissionPolicyBindings.

use super::matching::{match_resources, one_of};
use super::policies::refuse_deletions;
use crate::builtins::fields::{at, has, list, text};
use crate::builtins::names;
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use crate::selector::label;
use serde_json::Value;
use std::collections::BTreeSet;

pub(in crate::builtins::kinds) struct Binding {
    pub(in crate::builtins::kinds) mutating: bool,
}

impl Rules for Binding {
    fn checks_finalizers(&self) -> bool {
        false
    }

    fn requires_resource_version(&self) -> bool {
        true
    }

    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, binding: &Value) -> Vec<FieldError> {
        let spec = at(binding, "/spec");
        let mut errors = Vec::new();
        match text(spec, "/policyName") {
            "" => errors.push(FieldError::required("spec.policyName", "")),
            name => {
                let bad = names::dns_subdomain(name).into_iter();
                errors.extend(bad.map(|detail| FieldError::invalid("spec.policyName", name, detail)));
            }
        }
        if has(spec, "paramRef") {
            param_ref(at(spec, "/paramRef"), "spec.paramRef", &mut errors);
        }
        if has(spec, "matchResources") {
            match_resources(at(spec, "/matchResources"), "spec.matchResources", &mut errors);
        }
        if self.mutating {
            refuse_deletions(at(spec, "/matchResources"), "spec.matchResources", &mut errors);
        } else {
            actions(list(spec, "/validationActions"), "spec.validationActions", &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        self.validate_create(new)
    }
}

fn param_ref(reference: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let name = text(reference, "/name");
    let both = !name.is_empty() && has(reference, "selector");
    let exclusive = "name and selector are mutually exclusive";
    if !name.is_empty() {
        let bad = names::path_segment(name).into_iter();
        errors.extend(bad.map(|detail| FieldError::invalid(format!("{path}.name"), name, detail)));
    }
    if both {
        errors.push(FieldError::forbidden(format!("{path}.name"), exclusive));
    }
    if has(reference, "selector") {
        errors.extend(label::validate(at(reference, "/selector"), &format!("{path}.selector")));
    }
    if both {
        errors.push(FieldError::forbidden(format!("{path}.selector"), exclusive));
    }
    if name.is_empty() && !has(reference, "selector") {
        errors.push(FieldError::required(path, "one of name or selector must be specified"));
    }
    one_of(reference, path, "parameterNotFoundAction", &["Deny", "Allow"], errors);
}

fn actions(actions: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (index, action) in actions.iter().filter_map(Value::as_str).enumerate() {
        let path = format!("{path}[{index}]");
        let known = ["Audit", "Deny", "Warn"];
        if !known.contains(&action) {
            errors.push(FieldError::not_supported(path.as_str(), action, known));
        }
        if !seen.insert(action) {
            errors.push(FieldError::duplicate(path, action));
        }
    }
    if seen.contains("Deny") && seen.contains("Warn") {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the API \
                      response and headers serves no purpose)";
        errors.push(FieldError::invalid(path, actions.to_vec(), detail));
    }
    if seen.is_empty() {
        errors.push(FieldError::required(path, "at least one validation action is required"));
    }
}
