//! Checking PodSpecs and pod templates (ValidatePodSpec in pkg/apis/core/validation/validation.go).
//!
//! Left out: affinity, topology spread, DNS configuration, resource claims, Windows and operating system rules,
//! most of the security context.

use super::containers;
use super::sysctls;
use super::volumes;
use crate::builtins::fields::{has, list, members, number, text};
use crate::builtins::{meta, names};
use crate::field_error::FieldError;
use serde_json::Value;

/// Checks a pod template.
pub(super) fn validate_template(template: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = meta::validate_labels(members(template, "/metadata/labels"), &format!("{path}.labels"));
    let annotations = members(template, "/metadata/annotations");
    errors.extend(meta::validate_annotations(annotations, &format!("{path}.annotations")));
    let spec = template.get("spec").unwrap_or(&Value::Null);
    errors.extend(validate(spec, &format!("{path}.spec")));
    if !list(spec, "/ephemeralContainers").is_empty() {
        let detail = "ephemeral containers not allowed in pod template";
        errors.push(FieldError::forbidden(format!("{path}.spec.ephemeralContainers"), detail));
    }
    errors
}

/// Checks the spec of a pod or of a template.
pub(super) fn validate(spec: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let volumes = volumes::validate(list(spec, "/volumes"), &format!("{path}.volumes"), &mut errors);
    containers::validate(spec, &volumes, path, &mut errors);
    one_of(&mut errors, spec, path, "restartPolicy", &["Always", "OnFailure", "Never"]);
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    one_of(&mut errors, spec, path, "dnsPolicy", &policies);
    errors.extend(meta::validate_labels(members(spec, "/nodeSelector"), &format!("{path}.nodeSelector")));
    type NameCheck = fn(&str) -> Vec<String>;
    let checks: [(&str, NameCheck); 5] = [
        ("serviceAccountName", names::dns_subdomain),
        ("nodeName", names::dns_subdomain),
        ("hostname", names::dns_label),
        ("subdomain", names::dns_label),
        ("priorityClassName", names::dns_subdomain),
    ];
    for (key, check) in checks {
        let value = text(spec, &format!("/{key}"));
        if !value.is_empty() {
            errors.extend(
                check(value).into_iter().map(|e| FieldError::invalid(format!("{path}.{key}"), value, e)),
            );
        }
    }
    if let Some(seconds) = number(spec, "/activeDeadlineSeconds") {
        let bad = names::in_range(seconds, 1, i64::from(i32::MAX)).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.activeDeadlineSeconds"), seconds, e)));
    }
    sysctls::validate(spec, path, &mut errors);
    for (i, toleration) in list(spec, "/tolerations").iter().enumerate() {
        tolerate(toleration, &format!("{path}.tolerations[{i}]"), &mut errors);
    }
    for (i, gate) in list(spec, "/readinessGates").iter().enumerate() {
        let path = format!("{path}.readinessGates[{i}].conditionType");
        let condition = text(gate, "/conditionType");
        let bad = names::qualified_name(condition).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(path.as_str(), condition, e)));
    }
    errors
}

/// A member that must be one of a few texts.
pub(super) fn one_of(errors: &mut Vec<FieldError>, object: &Value, path: &str, key: &str, known: &[&str]) {
    let path = format!("{path}.{key}");
    match text(object, &format!("/{key}")) {
        "" => errors.push(FieldError::required(path, "")),
        value if !known.contains(&value) => errors.push(FieldError::not_supported(path, value, known)),
        _ => {}
    }
}

/// A member that must not be below zero.
pub(super) fn not_negative(errors: &mut Vec<FieldError>, object: &Value, path: &str, key: &str) {
    if let Some(value) = number(object, &format!("/{key}")).filter(|value| *value < 0) {
        let detail = "must be greater than or equal to 0";
        let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        errors.push(FieldError::invalid(path, value, detail));
    }
}

/// Checks one toleration.
pub(super) fn tolerate(toleration: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (key, operator) = (text(toleration, "/key"), text(toleration, "/operator"));
    let (value, effect) = (text(toleration, "/value"), text(toleration, "/effect"));
    if !key.is_empty() {
        let bad = names::qualified_name(key).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.key"), key, e)));
    } else if operator != "Exists" {
        let detail =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.push(FieldError::invalid(format!("{path}.operator"), operator, detail));
    }
    if has(toleration, "tolerationSeconds") && effect != "NoExecute" {
        let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.push(FieldError::invalid(format!("{path}.effect"), effect, detail));
    }
    match operator {
        "" | "Equal" => {
            let bad = names::label_value(value);
            if !bad.is_empty() {
                errors.push(FieldError::invalid(format!("{path}.operator"), value, bad.join(";")));
            }
        }
        "Exists" if !value.is_empty() => {
            let detail = "value must be empty when `operator` is 'Exists'";
            errors.push(FieldError::invalid(format!("{path}.operator"), value, detail));
        }
        "Exists" => {}
        _ => {
            errors.push(FieldError::not_supported(format!("{path}.operator"), operator, ["Equal", "Exists"]))
        }
    }
    let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    if !effect.is_empty() && !effects.contains(&effect) {
        errors.push(FieldError::not_supported(format!("{path}.effect"), effect, effects));
    }
}
