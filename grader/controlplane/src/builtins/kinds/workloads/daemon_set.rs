//! DaemonSets (pkg/apis/apps/validation/validation.go, pkg/registry/apps/daemonset/strategy.go).

use super::{go_strategy, immutable, is_zero, number_or_percent, selected_template, template_warnings};
use crate::builtins::fields::{at, put, set, text};
use crate::builtins::kinds::pod_spec::not_negative;
use crate::builtins::rules::{Rules, keep_all_but_status, keep_status};
use crate::field_error::FieldError;
use serde_json::Value;

/// What is left of a field that counted the template's generations.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

pub(crate) struct DaemonSet;

impl Rules for DaemonSet {
    fn counts_generation(&self) -> bool {
        true
    }

    fn prepare_for_create(&self, daemon_set: &mut Value) {
        set(daemon_set, "status", None);
        put(daemon_set, &["metadata", "annotations", TEMPLATE_GENERATION], "1");
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        if subresource == Some("status") {
            return keep_all_but_status(new, old);
        }
        keep_status(new, old);
        let annotation = at(old, "/metadata/annotations").get(TEMPLATE_GENERATION);
        let generation =
            annotation.and_then(Value::as_str).and_then(|g| g.parse::<i64>().ok()).unwrap_or_default();
        let changed = at(new, "/spec/template") != at(old, "/spec/template");
        let generation = generation.saturating_add(i64::from(changed)).to_string();
        put(new, &["metadata", "annotations", TEMPLATE_GENERATION], generation);
    }

    fn validate_create(&self, set: &Value) -> Vec<FieldError> {
        let spec = at(set, "/spec");
        let mut errors = Vec::new();
        selected_template(spec, "daemonset", &mut errors);
        for key in ["minReadySeconds", "revisionHistoryLimit"] {
            not_negative(&mut errors, spec, "spec", key);
        }
        update_strategy(at(spec, "/updateStrategy"), &mut errors);
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() {
            let counts = [
                "currentNumberScheduled",
                "numberMisscheduled",
                "desiredNumberScheduled",
                "numberReady",
                "observedGeneration",
                "updatedNumberScheduled",
                "numberAvailable",
                "numberUnavailable",
                "collisionCount",
            ];
            let mut errors = Vec::new();
            for count in counts {
                not_negative(&mut errors, at(new, "/status"), "status", count);
            }
            return errors;
        }
        let mut errors = self.validate_create(new);
        errors.extend(immutable(new, old, "selector"));
        errors
    }

    fn warnings(&self, set: &Value, old: Option<&Value>) -> Vec<String> {
        let changed = |old: &Value| at(old, "/spec/template") != at(set, "/spec/template");
        if old.is_none_or(changed) { template_warnings(set, old, "spec.template") } else { Vec::new() }
    }
}

fn update_strategy(strategy: &Value, errors: &mut Vec<FieldError>) {
    let rolling = at(strategy, "/rollingUpdate");
    let path = "spec.updateStrategy.rollingUpdate";
    match text(strategy, "/type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            for key in ["maxUnavailable", "maxSurge"] {
                number_or_percent(at(rolling, &format!("/{key}")), &format!("{path}.{key}"), true, errors);
            }
            let (unavailable, surge) = (at(rolling, "/maxUnavailable"), at(rolling, "/maxSurge"));
            match (is_zero(unavailable), is_zero(surge)) {
                (false, false) => {
                    let detail = "may not be set when maxUnavailable is non-zero";
                    errors.push(FieldError::invalid(format!("{path}.maxSurge"), surge.clone(), detail));
                }
                (true, true) => {
                    let detail = "cannot be 0 when maxSurge is 0";
                    errors.push(FieldError::required(format!("{path}.maxUnavailable"), detail));
                }
                _ => {}
            }
        }
        _ => {
            let known = ["RollingUpdate", "OnDelete"];
            errors.push(FieldError::not_supported("spec.updateStrategy", go_strategy(strategy), known));
        }
    }
}
