//! IngressClasses (pkg/apis/networking/validation/validation.go).

use crate::builtins::fields::{at, has, text};
use crate::builtins::rules::Rules;
use crate::builtins::{domain_path, names};
use crate::field_error::FieldError;
use serde_json::Value;

const LONGEST_CONTROLLER: usize = 250;

pub(super) struct IngressClass;

impl Rules for IngressClass {
    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, class: &Value) -> Vec<FieldError> {
        const FIELD: &str = "spec.controller";
        let controller = text(class, "/spec/controller");
        let mut errors = Vec::new();
        if controller.len() > LONGEST_CONTROLLER {
            errors.push(FieldError::too_long(FIELD, LONGEST_CONTROLLER));
        }
        errors.extend(domain_path::validate(FIELD, controller));
        let parameters = at(class, "/spec/parameters");
        if parameters.is_object() {
            validate_parameters(parameters, &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let controller = text(new, "/spec/controller");
        if controller != text(old, "/spec/controller") {
            errors.push(FieldError::invalid("spec.controller", controller, "field is immutable"));
        }
        errors.extend(self.validate_create(new));
        errors
    }
}

fn validate_parameters(parameters: &Value, errors: &mut Vec<FieldError>) {
    let path = |key: &str| format!("spec.parameters.{key}");
    if let Some(group) = at(parameters, "/apiGroup").as_str() {
        errors.extend(FieldError::invalid_for_each(&path("apiGroup"), group, names::dns_subdomain(group)));
    }
    for key in ["kind", "name"] {
        match text(parameters, &format!("/{key}")) {
            "" => errors.push(FieldError::required(path(key), "")),
            value => {
                errors.extend(FieldError::invalid_for_each(&path(key), value, names::path_segment(value)))
            }
        }
    }
    let namespace = text(parameters, "/namespace");
    match (text(parameters, "/scope"), has(parameters, "namespace")) {
        ("Namespace", false) => {
            let detail = "`parameters.scope` is set to 'Namespace'";
            errors.push(FieldError::required(path("namespace"), detail));
        }
        ("Namespace", true) => {
            let wrong = names::dns_label(namespace);
            errors.extend(FieldError::invalid_for_each(&path("namespace"), namespace, wrong));
        }
        ("Cluster", true) => {
            let detail = "`parameters.scope` is set to 'Cluster'";
            errors.push(FieldError::forbidden(path("namespace"), detail));
        }
        ("Cluster", false) => {}
        (scope, _) => errors.push(FieldError::not_supported(path("scope"), scope, ["Cluster", "Namespace"])),
    }
}
