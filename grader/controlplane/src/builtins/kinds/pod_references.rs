//! What environments and volumes may say of their own pod (validateObjectFieldSelector and
//! validateContainerResourceFieldSelector in pkg/apis/core/validation/validation.go).

use crate::builtins::fields::text;
use crate::builtins::names;
use crate::field_error::FieldError;
use serde_json::Value;

/// The fields that an environment variable may have.
pub(super) const IN_ENVIRONMENT: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// The fields that a file of a volume may have.
pub(super) const IN_VOLUMES: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
/// The fields that there are (ConvertDownwardAPIFieldLabel).
const KNOWN: [&str; 13] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.podIP",
    "status.podIPs",
];

/// Checks a `fieldRef`.
pub(super) fn field(reference: &Value, allowed: &[&str], path: &str, errors: &mut Vec<FieldError>) {
    let (version, field) = (text(reference, "/apiVersion"), text(reference, "/fieldPath"));
    let at_field = format!("{path}.fieldPath");
    if version.is_empty() {
        errors.push(FieldError::required(format!("{path}.apiVersion"), ""));
        return;
    }
    if field.is_empty() {
        errors.push(FieldError::required(at_field, ""));
        return;
    }
    let subscript = field.strip_suffix("']").and_then(|field| field.split_once("['"));
    let known = match subscript {
        Some((map, _)) => matches!(map, "metadata.annotations" | "metadata.labels"),
        None => KNOWN.contains(&field) || field == "status.hostIPs",
    };
    if version != "v1" || !known {
        let why = match version {
            "v1" => format!("field label not supported: {}", subscript.map_or(field, |(map, _)| map)),
            _ => format!("unsupported pod version: {version}"),
        };
        errors.push(FieldError::invalid(at_field, field, format!("error converting fieldPath: {why}")));
        return;
    }
    match subscript {
        Some(("metadata.annotations", key)) => {
            let bad = names::qualified_name(&key.to_lowercase()).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(path, key, e)));
        }
        Some((_, key)) => {
            errors.extend(names::qualified_name(key).into_iter().map(|e| FieldError::invalid(path, key, e)));
        }
        None if !allowed.contains(&field) => {
            errors.push(FieldError::not_supported(at_field, field, allowed));
        }
        None => {}
    }
}

/// Checks a `resourceFieldRef`; a file of a volume must name the container.
pub(super) fn resource(reference: &Value, in_volume: bool, path: &str, errors: &mut Vec<FieldError>) {
    const KNOWN: [&str; 6] = [
        "limits.cpu",
        "limits.ephemeral-storage",
        "limits.memory",
        "requests.cpu",
        "requests.ephemeral-storage",
        "requests.memory",
    ];
    let resource = text(reference, "/resource");
    if in_volume && text(reference, "/containerName").is_empty() {
        errors.push(FieldError::required(format!("{path}.containerName"), ""));
    } else if resource.is_empty() {
        errors.push(FieldError::required(format!("{path}.resource"), ""));
    } else if !KNOWN.contains(&resource) && !resource.contains(".hugepages-") {
        errors.push(FieldError::not_supported(format!("{path}.resource"), resource, KNOWN));
    } else {
        divisor(text(reference, "/divisor"), resource, path, errors);
    }
}

fn divisor(divisor: &str, resource: &str, path: &str, errors: &mut Vec<FieldError>) {
    const SIZES: [&str; 13] =
        ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
    let (allowed, detail): (&[&str], _) = match resource.rsplit('.').next() {
        Some("cpu") => (&["1m", "1"], "only divisor's values 1m and 1 are supported with the cpu resource"),
        Some("memory") => (
            &SIZES,
            "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the \
             memory resource",
        ),
        Some("ephemeral-storage") => (
            &SIZES,
            "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the \
             local ephemeral storage resource",
        ),
        _ => return,
    };
    if !matches!(divisor, "" | "0") && !allowed.contains(&divisor) {
        errors.push(FieldError::invalid(format!("{path}.divisor"), resource, detail));
    }
}
