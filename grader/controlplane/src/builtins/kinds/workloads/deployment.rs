//! Deployments (pkg/apis/apps/validation/validation.go, pkg/registry/apps/deployment/strategy.go).

use super::{
    go_strategy, immutable, is_zero, number_or_percent, replica_counts, selected_template, warnings,
};
use crate::builtins::fields::{at, number, set, text};
use crate::builtins::kinds::pod_spec::not_negative;
use crate::builtins::rules::{Rules, keep_all_but_status, keep_status, spec_differs};
use crate::field_error::FieldError;
use serde_json::Value;

pub(crate) struct Deployment;

impl Rules for Deployment {
    fn counts_generation(&self) -> bool {
        true
    }

    fn is_new_generation(&self, new: &Value, old: &Value) -> bool {
        // Annotations have counted since a time when they were part of what a rollback restores.
        spec_differs(new, old) || at(new, "/metadata/annotations") != at(old, "/metadata/annotations")
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        match subresource {
            Some("status") => {
                keep_all_but_status(new, old);
                set(&mut new["metadata"], "labels", old.pointer("/metadata/labels").cloned());
            }
            _ => keep_status(new, old),
        }
    }

    fn validate_create(&self, deployment: &Value) -> Vec<FieldError> {
        let spec = at(deployment, "/spec");
        let mut errors = Vec::new();
        selected_template(spec, "deployment", &mut errors);
        for key in ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
            not_negative(&mut errors, spec, "spec", key);
        }
        deployment_strategy(at(spec, "/strategy"), "spec.strategy", &mut errors);
        let ready = number(spec, "/minReadySeconds").unwrap_or_default();
        if let Some(deadline) = number(spec, "/progressDeadlineSeconds").filter(|deadline| *deadline <= ready)
        {
            let detail = "must be greater than minReadySeconds";
            errors.push(FieldError::invalid("spec.progressDeadlineSeconds", deadline, detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource == Some("status") {
            let counts = ["updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"];
            return replica_counts(new, &counts, "readyReplicas");
        }
        let mut errors = self.validate_create(new);
        errors.extend(immutable(new, old, "selector"));
        errors
    }

    fn warnings(&self, deployment: &Value, old: Option<&Value>) -> Vec<String> {
        warnings(deployment, old, "spec.template")
    }

    fn reset_fields(&self, subresource: Option<&str>) -> &'static [&'static [&'static str]] {
        match subresource {
            Some("status") => &[&["spec"], &["metadata", "labels"]],
            _ => &[&["status"]],
        }
    }
}

fn deployment_strategy(strategy: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let rolling = at(strategy, "/rollingUpdate");
    match text(strategy, "/type") {
        "Recreate" if rolling.is_object() => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            errors.push(FieldError::forbidden(format!("{path}.rollingUpdate"), detail));
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let path = format!("{path}.rollingUpdate");
            let (unavailable, surge) = (at(rolling, "/maxUnavailable"), at(rolling, "/maxSurge"));
            number_or_percent(unavailable, &format!("{path}.maxUnavailable"), true, errors);
            number_or_percent(surge, &format!("{path}.maxSurge"), false, errors);
            if is_zero(unavailable) && is_zero(surge) {
                let detail = "may not be 0 when `maxSurge` is 0";
                errors.push(FieldError::invalid(
                    format!("{path}.maxUnavailable"),
                    unavailable.clone(),
                    detail,
                ));
            }
        }
        _ => {
            errors.push(FieldError::not_supported(path, go_strategy(strategy), ["Recreate", "RollingUpdate"]))
        }
    }
}
