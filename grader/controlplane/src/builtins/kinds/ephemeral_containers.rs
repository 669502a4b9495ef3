//! The subresource `ephemeralcontainers` of a pod, which adds containers to look into a running one
//! (ValidatePodEphemeralContainersUpdate in pkg/apis/core/validation/validation.go).

use super::pod_service_account::MIRROR;
use super::pod_spec;
use crate::builtins::fields::{at, has, list, set, text};
use crate::builtins::rules::keep_status_metadata;
use crate::field_error::FieldError;
use crate::go_text;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What no container may have that comes and goes beside the others.
const NOT_ALLOWED: [&str; 9] = [
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];

/// Puts back all but the ephemeral containers.
pub(super) fn prepare(new: &mut Value, old: &Value) {
    let containers = at(new, "/spec/ephemeralContainers").clone();
    for key in ["spec", "status"] {
        set(new, key, old.get(key).cloned());
    }
    keep_status_metadata(new, old);
    set(&mut new["spec"], "ephemeralContainers", Some(containers).filter(|list| !list.is_null()));
}

/// Checks that containers are only added.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<FieldError> {
    if at(old, "/metadata/annotations").get(MIRROR).is_some() {
        return vec![FieldError::forbidden("", "static pods do not support ephemeral containers")];
    }
    let mut errors = pod_spec::validate(at(new, "/spec"), "spec");
    let now: BTreeMap<&str, &Value> = list(new, "/spec/ephemeralContainers")
        .iter()
        .map(|container| (text(container, "/name"), container))
        .collect();
    for container in list(old, "/spec/ephemeralContainers") {
        let name = text(container, "/name");
        let change = match now.get(name) {
            None => "removed",
            Some(same) if *same != container => "changed",
            Some(_) => continue,
        };
        let name = go_text::quote(name);
        let detail = format!("existing ephemeral containers {name} may not be {change}\n");
        errors.push(FieldError::forbidden("spec.ephemeralContainers", detail));
    }
    errors
}

/// Checks what is special about one ephemeral container; `others` are the names of the pod's own containers.
pub(super) fn validate(container: &Value, others: &BTreeSet<&str>, path: &str, errors: &mut Vec<FieldError>) {
    let target = text(container, "/targetContainerName");
    if !target.is_empty() && !others.contains(target) {
        errors.push(FieldError::not_found(format!("{path}.targetContainerName"), target));
    }
    let detail = "cannot be set for an Ephemeral Container";
    for key in NOT_ALLOWED {
        let is_empty = |value: &Value| value.as_object().is_some_and(|members| members.is_empty());
        if has(container, key) && !is_empty(&container[key]) {
            errors.push(FieldError::forbidden(format!("{path}.{key}"), detail));
        }
    }
    for (number, mount) in list(container, "/volumeMounts").iter().enumerate() {
        for key in ["subPath", "subPathExpr"] {
            if !text(mount, &format!("/{key}")).is_empty() {
                errors.push(FieldError::forbidden(format!("{path}.volumeMounts[{number}].{key}"), detail));
            }
        }
    }
}
