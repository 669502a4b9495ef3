//! What an autoscaler may measure (validateMetrics in pkg/apis/autoscaling/validation/validation.go).

use super::reference;
use crate::builtins::fields::{at, list, number, text};
use crate::builtins::names;
use crate::builtins::quantity::Quantity;
use crate::field_error::FieldError;
use serde_json::Value;

const TYPES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
/// In the order in which they are checked: the first that is there is the one that counts.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];

pub(super) fn validate(spec: &Value) -> Vec<FieldError> {
    let metrics = list(spec, "/metrics");
    let mut errors = Vec::new();
    for (index, metric) in metrics.iter().enumerate() {
        validate_metric(metric, &format!("spec.metrics[{index}]"), &mut errors);
    }
    let from_outside = |metric: &Value| ["Object", "External"].contains(&text(metric, "/type"));
    if number(spec, "/minReplicas") == Some(0) && !metrics.iter().any(from_outside) {
        let detail =
            "must specify at least one Object or External metric to support scaling to zero replicas";
        errors.push(FieldError::forbidden("spec.metrics", detail));
    }
    errors
}

fn validate_metric(metric: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let kind = text(metric, "/type");
    let type_path = format!("{path}.type");
    if kind.is_empty() {
        errors.push(FieldError::required(type_path.as_str(), "must specify a metric source type"));
    }
    if !TYPES.contains(&kind) {
        errors.push(FieldError::not_supported(type_path.as_str(), kind, TYPES));
    }
    let present: Vec<&str> =
        SOURCES.iter().map(|(_, key)| *key).filter(|key| metric[*key].is_object()).collect();
    if let Some(key) = present.first() {
        validate_source(key, &metric[*key], &format!("{path}.{key}"), errors);
    }
    let expected = SOURCES.iter().find(|(known, _)| *known == kind).map(|(_, key)| *key);
    match expected {
        Some(key) if !metric[key].is_object() => {
            let detail = "must populate information for the given metric source";
            errors.push(FieldError::required(format!("{path}.{key}"), detail));
        }
        Some(_) => {}
        None => errors.push(FieldError::not_supported(type_path, kind, TYPES)),
    }
    if present.len() > 1 {
        let others = present.iter().filter(|key| Some(**key) != expected);
        let detail = "must populate the given metric source only";
        errors.extend(others.map(|key| FieldError::forbidden(format!("{path}.{key}"), detail)));
    }
}

fn validate_source(kind: &str, source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let is_resource = matches!(kind, "resource" | "containerResource");
    match kind {
        "object" => {
            let described = format!("{path}.describedObject");
            errors.extend(reference::validate(at(source, "/describedObject"), &described, false));
        }
        "resource" | "containerResource" if text(source, "/name").is_empty() => {
            errors.push(FieldError::required(format!("{path}.name"), "must specify a resource name"));
        }
        _ => {}
    }
    if kind == "containerResource" {
        let field = format!("{path}.container");
        match text(source, "/container") {
            "" => errors.push(FieldError::required(field, "must specify a container")),
            name => {
                let bad = names::dns_label(name).into_iter();
                errors.extend(bad.map(|detail| FieldError::invalid(field.as_str(), name, detail)));
            }
        }
    }
    if !is_resource {
        validate_name(text(source, "/metric/name"), &format!("{path}.metric.name"), errors);
    }
    let path = format!("{path}.target");
    let target = at(source, "/target");
    validate_target(target, &path, errors);
    let has = |key: &str| target.get(key).is_some_and(|value| !value.is_null());
    let (value, average, used) = (has("value"), has("averageValue"), has("averageUtilization"));
    let missing = |key: &str, detail: &str| FieldError::required(format!("{path}.{key}"), detail);
    match kind {
        "object" if !value && !average => {
            errors.push(missing("averageValue", "must set either a target value or averageValue"));
        }
        "external" if !value && !average => {
            let detail = "must set either a target value for metric or a per-pod target";
            errors.push(missing("averageValue", detail));
        }
        "external" if value && average => {
            let detail = "may not set both a target value for metric and a per-pod target";
            errors.push(FieldError::forbidden(format!("{path}.value"), detail));
        }
        "pods" if !average => {
            errors.push(missing("averageValue", "must specify a positive target averageValue"));
        }
        _ if is_resource && !used && !average => {
            let detail = "must set either a target raw value or a target utilization";
            errors.push(missing("averageUtilization", detail));
        }
        _ if is_resource && used && average => {
            let detail = "may not set both a target raw value and a target utilization";
            errors.push(FieldError::forbidden(format!("{path}.averageValue"), detail));
        }
        _ => {}
    }
}

fn validate_name(name: &str, field: &str, errors: &mut Vec<FieldError>) {
    if name.is_empty() {
        errors.push(FieldError::required(field, "must specify a metric name"));
    }
    let bad = names::path_segment(name).into_iter().filter(|_| !name.is_empty());
    errors.extend(bad.map(|detail| FieldError::invalid(field, name, detail)));
}

fn validate_target(target: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let kind = text(target, "/type");
    let field = format!("{path}.type");
    if kind.is_empty() {
        errors.push(FieldError::required(field.as_str(), "must specify a metric target type"));
    }
    if !["Utilization", "Value", "AverageValue"].contains(&kind) {
        let detail = "must be either Utilization, Value, or AverageValue";
        errors.push(FieldError::invalid(field, kind, detail));
    }
    for key in ["value", "averageValue"] {
        let amount = &target[key];
        let positive = |text: &str| {
            Quantity::parse(text).is_ok_and(|quantity| !quantity.is_negative() && !quantity.is_zero())
        };
        if amount.as_str().is_some_and(|text| !positive(text)) {
            errors.push(FieldError::invalid(format!("{path}.{key}"), amount.clone(), "must be positive"));
        }
    }
    if let Some(percent) = number(target, "/averageUtilization").filter(|percent| *percent < 1) {
        let field = format!("{path}.averageUtilization");
        errors.push(FieldError::invalid(field, percent, "must be greater than 0"));
    }
}
