//! How fast an autoscaler may scale (validateBehavior in pkg/apis/autoscaling/validation/validation.go).

use crate::builtins::fields::{list, number, text};
use crate::builtins::quantity::Quantity;
use crate::field_error::FieldError;
use serde_json::Value;

const LONGEST_PERIOD_SECONDS: i64 = 1800;
const LONGEST_WINDOW_SECONDS: i64 = 3600;

pub(super) fn validate(spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for direction in ["scaleUp", "scaleDown"] {
        let rules = &spec["behavior"][direction];
        if rules.is_object() {
            validate_rules(rules, &format!("spec.behavior.{direction}"), &mut errors);
        }
    }
    errors
}

fn validate_rules(rules: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(window) = number(rules, "/stabilizationWindowSeconds") {
        let field = format!("{path}.stabilizationWindowSeconds");
        if window < 0 {
            errors.push(FieldError::invalid(field, window, "must be greater than or equal to zero"));
        } else if window > LONGEST_WINDOW_SECONDS {
            let detail = format!("must be less than or equal to {LONGEST_WINDOW_SECONDS}");
            errors.push(FieldError::invalid(field, window, detail));
        }
    }
    let known = ["Disabled", "Max", "Min"];
    if let Some(policy) = rules["selectPolicy"].as_str().filter(|policy| !known.contains(policy)) {
        errors.push(FieldError::not_supported(format!("{path}.selectPolicy"), policy, known));
    }
    let policies = list(rules, "/policies");
    if policies.is_empty() {
        let detail = "must specify at least one Policy";
        errors.push(FieldError::required(format!("{path}.policies"), detail));
    }
    for (index, policy) in policies.iter().enumerate() {
        validate_policy(policy, &format!("{path}.policies[{index}]"), errors);
    }
    let negative = |text: &&str| Quantity::parse(text).is_ok_and(|quantity| quantity.is_negative());
    if let Some(tolerance) = rules["tolerance"].as_str().filter(negative) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(format!("{path}.tolerance"), tolerance, detail));
    }
}

fn validate_policy(policy: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (kind, known) = (text(policy, "/type"), ["Percent", "Pods"]);
    if !known.contains(&kind) {
        errors.push(FieldError::not_supported(format!("{path}.type"), kind, known));
    }
    for key in ["value", "periodSeconds"] {
        let amount = policy[key].as_i64().unwrap_or_default();
        if amount <= 0 {
            errors.push(FieldError::invalid(format!("{path}.{key}"), amount, "must be greater than zero"));
        } else if key == "periodSeconds" && amount > LONGEST_PERIOD_SECONDS {
            let detail = format!("must be less than or equal to {LONGEST_PERIOD_SECONDS}");
            errors.push(FieldError::invalid(format!("{path}.{key}"), amount, detail));
        }
    }
}
