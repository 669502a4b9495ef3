//! PodDisruptionBudgets and PriorityClasses (pkg/apis/policy/validation, pkg/apis/scheduling/validation).

use super::conditions;
use super::pod_spec::not_negative;
use super::workloads::number_or_percent;
use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::names::NameRule;
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use crate::object;
use crate::selector::label;
use serde_json::{Value, json};

pub(super) struct DisruptionBudget;

impl Rules for DisruptionBudget {
    fn names(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn checks_finalizers(&self) -> bool {
        false
    }

    fn requires_resource_version(&self) -> bool {
        true
    }

    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, budget: &Value) -> Vec<FieldError> {
        let spec = at(budget, "/spec");
        let mut errors = Vec::new();
        let (least, most) = (at(spec, "/minAvailable"), at(spec, "/maxUnavailable"));
        if !least.is_null() && !most.is_null() {
            // The text shows the Go struct.
            let shown = json!({
                "MinAvailable": least, "Selector": at(spec, "/selector"), "MaxUnavailable": most,
                "UnhealthyPodEvictionPolicy": at(spec, "/unhealthyPodEvictionPolicy"),
            });
            let detail = "minAvailable and maxUnavailable cannot be both set";
            errors.push(FieldError::invalid("spec", shown, detail));
        }
        number_or_percent(least, "spec.minAvailable", true, &mut errors);
        number_or_percent(most, "spec.maxUnavailable", true, &mut errors);
        errors.extend(label::validate(at(spec, "/selector"), "spec.selector"));
        let policy = text(spec, "/unhealthyPodEvictionPolicy");
        let known = ["AlwaysAllow", "IfHealthyBudget"];
        if has(spec, "unhealthyPodEvictionPolicy") && !known.contains(&policy) {
            errors.push(FieldError::not_supported("spec.unhealthyPodEvictionPolicy", policy, known));
        }
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_none() {
            return self.validate_create(new);
        }
        let status = at(new, "/status");
        let mut errors = conditions::validate(list(status, "/conditions"), "status.conditions");
        for key in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
            not_negative(&mut errors, status, "status", key);
        }
        errors
    }
}

pub(super) struct PriorityClass;

impl Rules for PriorityClass {
    fn counts_generation(&self) -> bool {
        true
    }

    fn is_new_generation(&self, _new: &Value, _old: &Value) -> bool {
        false
    }

    fn refuses_deletion(&self, name: &str) -> Option<&'static str> {
        system_value(name).map(|_| "this is a system priority class and cannot be deleted")
    }

    fn validate_create(&self, class: &Value) -> Vec<FieldError> {
        const HIGHEST: i64 = 1_000_000_000;
        let mut errors = Vec::new();
        let name = object::name(class);
        if name.starts_with("system-") {
            if let Some(error) = wrong_system_class(class) {
                let detail = format!(
                    "priority class names with 'system-' prefix are reserved for system use only. error: {error}"
                );
                errors.push(FieldError::forbidden("metadata.name", detail));
            }
        } else if number(class, "/value").is_some_and(|value| value > HIGHEST) {
            let detail = format!("maximum allowed value of a user defined priority is {HIGHEST}");
            errors.push(FieldError::forbidden("value", detail));
        }
        let policy = text(class, "/preemptionPolicy");
        let known = ["PreemptLowerPriority", "Never"];
        if !known.contains(&policy) {
            errors.push(FieldError::not_supported("preemptionPolicy", policy, known));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if new.get("value") != old.get("value") {
            errors.push(FieldError::forbidden("value", "may not be changed in an update."));
        }
        let policy = at(new, "/preemptionPolicy");
        if policy != at(old, "/preemptionPolicy") {
            errors.push(FieldError::invalid("preemptionPolicy", policy.clone(), "field is immutable"));
        }
        errors
    }
}

/// The values of the classes that every cluster has.
fn system_value(name: &str) -> Option<i64> {
    match name {
        "system-node-critical" => Some(2_000_001_000),
        "system-cluster-critical" => Some(2_000_000_000),
        _ => None,
    }
}

/// Why a class with a system's name is not the one of the system.
fn wrong_system_class(class: &Value) -> Option<String> {
    let name = object::name(class);
    let Some(value) = system_value(name) else {
        return Some(format!("{name} is not a known system priority class"));
    };
    if number(class, "/value") != Some(value) {
        return Some(format!("value of {name} PriorityClass must be {value}"));
    }
    let is_default = at(class, "/globalDefault") == true;
    is_default.then(|| format!("globalDefault of {name} PriorityClass must be false"))
}
