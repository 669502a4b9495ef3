//! Checking what containers ask for (ValidateResourceRequirements in pkg/apis/core/validation/validation.go).

use crate::builtins::fields::{at, list, members};
use crate::builtins::names;
use crate::builtins::quantity::Quantity;
use crate::field_error::FieldError;
use serde_json::Value;

/// Names that quotas know besides those of containers.
const QUOTA_NAMES: [&str; 9] = [
    "pods",
    "services",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

/// Checks `resources` of a container.
pub(super) fn validate(resources: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (name, limit) in members(resources, "/limits").into_iter().flatten() {
        let path = format!("{path}.limits[{name}]");
        resource_name(name, &path, errors);
        amount(name, limit, &path, errors);
    }
    for (name, request) in members(resources, "/requests").into_iter().flatten() {
        let own = format!("{path}.requests[{name}]");
        resource_name(name, &own, errors);
        amount(name, request, &own, errors);
        let limit = at(resources, "/limits").get(name).and_then(parse);
        if let (Some(request), Some(limit)) = (parse(request), limit) {
            if name.contains('/') && request != limit {
                let detail = format!("must be equal to {name} limit of {limit}");
                errors.push(FieldError::invalid(format!("{path}.requests"), request.to_string(), detail));
            } else if request > limit {
                let detail = format!("must be less than or equal to {name} limit of {limit}");
                errors.push(FieldError::invalid(format!("{path}.requests"), request.to_string(), detail));
            }
        } else if name.contains('/') {
            let detail = "Limit must be set for non overcommitable resources";
            errors.push(FieldError::required(format!("{path}.limits"), detail));
        }
    }
}

/// A quantity that must not be negative, of whole pieces for what comes in pieces.
pub(super) fn amount(name: &str, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(quantity) = parse(value) else { return };
    if quantity.is_negative() {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(path, quantity.to_string(), detail));
    }
    let in_pieces = name.contains('/') || QUOTA_NAMES.contains(&name);
    if in_pieces && !quantity.is_whole() {
        errors.push(FieldError::invalid(path, quantity.to_string(), "must be an integer"));
    }
}

/// The quality of service of a pod (pkg/apis/core/helper/qos).
pub(super) fn quality_of_service(spec: &Value) -> &'static str {
    const COUNTED: [&str; 2] = ["cpu", "memory"];
    let asked = |resources: &Value, what: &str, name: &str| {
        at(resources, what).get(name).and_then(parse).filter(|q| !q.is_zero() && !q.is_negative())
    };
    let own = at(spec, "/resources");
    let all: Vec<&Value> = if own.is_object() {
        vec![own]
    } else {
        let containers = list(spec, "/containers").iter().chain(list(spec, "/initContainers"));
        containers.map(|container| at(container, "/resources")).collect()
    };
    let (mut any, mut guaranteed) = (false, true);
    for resources in all {
        for name in COUNTED {
            let (request, limit) = (asked(resources, "/requests", name), asked(resources, "/limits", name));
            any |= request.is_some() || limit.is_some();
            guaranteed &= limit.is_some() && request == limit;
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// The quantity of a decoded object.
pub(super) fn parse(value: &Value) -> Option<Quantity> {
    Quantity::parse(value.as_str()?).ok()
}

/// Checks the name of something that a LimitRange limits.
pub(super) fn limit_name(limited: &str, name: &str, path: &str, errors: &mut Vec<FieldError>) {
    if ["Pod", "Container"].contains(&limited) {
        return resource_name(name, path, errors);
    }
    let bad = names::qualified_name(name);
    let plain = bad.is_empty() && !name.contains('/') && name != "storage";
    errors.extend(bad.into_iter().map(|e| FieldError::invalid(path, name, e)));
    if plain && !is_standard(name) {
        let detail = "must be a standard resource type or fully qualified";
        errors.push(FieldError::invalid(path, name, detail));
    }
}

/// Checks the name of something that a ResourceQuota limits.
pub(super) fn quota_name(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    let wrong = names::qualified_name(name);
    let is_wrong = !wrong.is_empty();
    errors.extend(FieldError::invalid_for_each(path, name, wrong));
    if name.contains('/') {
        return;
    }
    if !is_wrong && !is_standard(name) && name != "storage" {
        let detail = "must be a standard resource type or fully qualified";
        errors.push(FieldError::invalid(path, name, detail));
    }
    if !is_of_quotas(name) {
        errors.push(FieldError::invalid(path, name, "must be a standard resource for quota"));
    }
}

/// Whether quotas know a name without a domain.
pub(super) fn is_of_quotas(name: &str) -> bool {
    let amounts = ["cpu", "memory", "ephemeral-storage"];
    let asked = name.strip_prefix("requests.").or_else(|| name.strip_prefix("limits."));
    amounts.contains(&name)
        || asked.is_some_and(|asked| amounts.contains(&asked))
        || name == "requests.storage"
        || name.starts_with("hugepages-")
        || name.starts_with("requests.hugepages-")
        || QUOTA_NAMES.contains(&name)
}

fn is_standard(name: &str) -> bool {
    is_of_containers(name)
        || name.starts_with("requests.")
        || name.starts_with("limits.")
        || QUOTA_NAMES.contains(&name)
}

fn is_of_containers(name: &str) -> bool {
    ["cpu", "memory", "ephemeral-storage"].contains(&name) || name.starts_with("hugepages-")
}

fn resource_name(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    let bad = names::qualified_name(name).into_iter();
    errors.extend(bad.map(|e| FieldError::invalid(path, name, e)));
    if !name.contains('/') && !is_of_containers(name) {
        if !is_standard(name) {
            let detail = "must be a standard resource type or fully qualified";
            errors.push(FieldError::invalid(path, name, detail));
        }
        errors.push(FieldError::invalid(path, name, "must be a standard resource for containers"));
    }
}
