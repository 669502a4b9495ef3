//! The selectors of an access review. RBAC does not look at them, but they must make sense
//! (pkg/apis/authorization/validation/validation.go, pkg/registry/authorization/util/helpers.go).

use crate::builtins::names;
use crate::field_error::FieldError;
use crate::selector::field::FieldSelector;
use crate::selector::label::LabelSelector;
use serde_json::{Value, json};

const SELECTORS: [&str; 2] = ["fieldSelector", "labelSelector"];

pub(super) fn validate(attributes: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for name in SELECTORS {
        let Some(selector) = attributes.get(name) else { continue };
        let path = format!("spec.resourceAttributes.{name}");
        let (raw, requirements) = (raw(selector), requirements(selector));
        if !raw.is_empty() && !requirements.is_empty() {
            let why = "may not specified at the same time as requirements";
            errors.push(FieldError::invalid(format!("{path}.rawSelector"), raw, why));
        }
        if raw.is_empty() && requirements.is_empty() {
            let why = format!("when {path} is specified, requirements or rawSelector is required");
            errors.push(FieldError::required(format!("{path}.requirements"), why));
        }
        for (index, requirement) in requirements.iter().enumerate() {
            errors.extend(self::requirement(requirement, name, &format!("{path}.requirements[{index}]")));
        }
    }
    errors
}

/// Operators that are not known are no error: a newer client may know them.
fn requirement(requirement: &Value, selector: &str, path: &str) -> Vec<FieldError> {
    let text = |key: &str| requirement.get(key).and_then(Value::as_str).unwrap_or_default();
    let has_values =
        requirement.get("values").and_then(Value::as_array).is_some_and(|values| !values.is_empty());
    let values = match text("operator") {
        "In" | "NotIn" if !has_values => {
            let why = "must be specified when `operator` is 'In' or 'NotIn'";
            Some(FieldError::required(format!("{path}.values"), why))
        }
        "Exists" | "DoesNotExist" if has_values => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            Some(FieldError::forbidden(format!("{path}.values"), why))
        }
        _ => None,
    };
    if selector == "labelSelector" {
        let bad = names::qualified_name(text("key")).into_iter();
        let bad = bad.map(|why| FieldError::invalid(format!("{path}.key"), text("key"), why));
        return values.into_iter().chain(bad).collect();
    }
    let nameless = text("key").is_empty();
    let key = nameless.then(|| FieldError::required(format!("{path}.key"), "must be specified"));
    key.into_iter().chain(values).collect()
}

/// What an answer says about selectors that could not be read.
pub(super) fn problems(attributes: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for name in SELECTORS {
        let Some(selector) = attributes.get(name) else { continue };
        let (raw, requirements) = (raw(selector), requirements(selector));
        let understood = |requirement: &&Value| match name {
            "fieldSelector" => {
                let operator = requirement.get("operator").and_then(Value::as_str);
                let values = requirement.get("values").and_then(Value::as_array).map_or(0, Vec::len);
                values == 1 && matches!(operator, Some("In" | "NotIn"))
            }
            _ => LabelSelector::from_value(Some(&json!({"matchExpressions": [requirement]}))).is_ok(),
        };
        let good = requirements.iter().filter(understood).count();
        let broken = match name {
            _ if !requirements.is_empty() => good < requirements.len(),
            "fieldSelector" => !raw.is_empty() && FieldSelector::parse(raw).is_err(),
            _ => !raw.is_empty() && LabelSelector::parse(raw).is_err(),
        };
        if broken {
            let how = if good > 0 { "partially ignored" } else { "ignored" };
            problems.push(format!("spec.resourceAttributes.{name} {how} due to parse error"));
        }
    }
    problems
}

fn raw(selector: &Value) -> &str {
    selector.get("rawSelector").and_then(Value::as_str).unwrap_or_default()
}

fn requirements(selector: &Value) -> &[Value] {
    selector.get("requirements").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
