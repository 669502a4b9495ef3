//! The subresource `resize` of a pod, which changes what its containers may use while they run (ValidatePodResize in
//! pkg/apis/core/validation/validation.go, dropNonResizeUpdates in pkg/registry/core/pod/strategy.go).

use super::pod_service_account::MIRROR;
use super::{pod_spec, resources};
use crate::builtins::fields::{at, has, list, members, set, text};
use crate::builtins::rules::keep_status_metadata;
use crate::field_error::FieldError;
use serde_json::{Map, Value};

/// What may be resized.
const RESIZABLE: [&str; 2] = ["cpu", "memory"];
const LISTS: [&str; 2] = ["containers", "initContainers"];
const AMOUNTS: [&str; 2] = ["requests", "limits"];

/// Puts back all but resources. Containers that were added, removed or moved stay as they are, to be refused.
pub(super) fn prepare(new: &mut Value, old: &Value) {
    let sent = LISTS.map(|key| list(new, &format!("/spec/{key}")).to_vec());
    let before = LISTS.map(|key| list(old, &format!("/spec/{key}")));
    if sent.iter().zip(before).any(|(sent, before)| sent.len() != before.len()) {
        return;
    }
    let pod_resources = at(new, "/spec/resources").clone();
    for key in ["spec", "status"] {
        set(new, key, old.get(key).cloned());
    }
    keep_status_metadata(new, old);
    set(&mut new["spec"], "resources", Some(pod_resources).filter(|resources| !resources.is_null()));
    for ((key, sent), before) in LISTS.into_iter().zip(sent).zip(before) {
        let names = |containers: &[Value]| -> Vec<Value> {
            containers.iter().map(|container| container["name"].clone()).collect()
        };
        let merged = if names(&sent) == names(before) {
            sent.iter().zip(before).map(|(sent, before)| resized(sent, before)).collect()
        } else {
            sent
        };
        set(&mut new["spec"], key, Some(Value::from(merged)).filter(|_| !before.is_empty()));
    }
}

fn resized(sent: &Value, before: &Value) -> Value {
    let mut container = before.clone();
    for key in ["resources", "resizePolicy"] {
        set(&mut container, key, sent.get(key).cloned());
    }
    container
}

/// Checks that only processors and memory change, and in a way that a node can follow.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<FieldError> {
    if at(old, "/metadata/annotations").get(MIRROR).is_some() {
        return vec![FieldError::forbidden("", "static pods cannot be resized")];
    }
    if text(old, "/spec/os/name") == "windows" {
        return vec![FieldError::forbidden("", "windows pods cannot be resized")];
    }
    let mut errors = pod_spec::validate(at(new, "/spec"), "spec");
    let quality = match text(old, "/status/qosClass") {
        "" => resources::quality_of_service(at(old, "/spec")),
        quality => quality,
    };
    if quality != resources::quality_of_service(at(new, "/spec")) {
        let detail = "Pod QOS Class may not change as a result of resizing";
        errors.push(FieldError::invalid("spec", text(new, "/status/qosClass"), detail));
    }
    if !is_supported(old) {
        errors.push(FieldError::forbidden("spec", "Pod running on node without support for resize"));
    }
    of_pod(new, old, &mut errors);
    if !list(old, "/status/nodeAllocatableResourceClaimStatuses").is_empty() {
        let detail = "pods with node allocatable resource claims cannot be resized";
        errors.push(FieldError::forbidden("spec", detail));
    }
    let order = order(new, old);
    if !order.is_empty() {
        errors.extend(order);
        return errors;
    }
    for key in ["initContainers", "containers"] {
        let pointer = format!("/spec/{key}");
        for (number, (new, old)) in list(new, &pointer).iter().zip(list(old, &pointer)).enumerate() {
            let path = format!("spec.{key}[{number}]");
            removed(at(new, "/resources"), at(old, "/resources"), &path, &mut errors);
            if key == "containers" {
                if differs(new, old) {
                    errors.push(FieldError::forbidden("spec", "only cpu and memory resources are mutable"));
                }
            } else {
                of_init_container(new, old, &path, &mut errors);
            }
        }
    }
    errors
}

/// A node that can resize says what its running containers have.
fn is_supported(pod: &Value) -> bool {
    let mut containers = list(pod, "/status/containerStatuses").iter();
    let running = containers.find(|container| at(container, "/state/running").is_object());
    running.is_none_or(|container| has(container, "resources"))
}

/// What the pod as a whole may use.
fn of_pod(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let (new, old) = (at(new, "/spec/resources"), at(old, "/spec/resources"));
    if old.is_object() && !new.is_object() {
        errors.push(FieldError::forbidden("spec.resources", "pod-level resources cannot be removed"));
        return;
    }
    for key in AMOUNTS {
        if is_removed(new, old, key) {
            let detail = format!("pod-level resource {key} cannot be removed");
            errors.push(FieldError::forbidden(format!("spec.resources.{key}"), detail));
        }
    }
    let fixed_differ = AMOUNTS.into_iter().any(|key| fixed(new, key) != fixed(old, key));
    if fixed_differ || list(new, "/claims") != list(old, "/claims") {
        let detail = "only cpu and memory resources are mutable at pod-level";
        errors.push(FieldError::forbidden("spec", detail));
    }
}

/// Containers may not be added, removed, renamed or moved.
fn order(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for key in LISTS {
        let pointer = format!("/spec/{key}");
        let (new, old) = (list(new, &pointer), list(old, &pointer));
        if new.len() != old.len() {
            let detail = format!("{key} may not be added or removed on resize");
            errors.push(FieldError::forbidden(format!("spec.{key}"), detail));
            continue;
        }
        for (number, (new, old)) in new.iter().zip(old).enumerate() {
            if new["name"] != old["name"] {
                let detail = format!("{key} may not be renamed or reordered on resize");
                errors.push(FieldError::forbidden(format!("spec.{key}[{number}].name"), detail));
            }
        }
    }
    errors
}

fn of_init_container(new: &Value, old: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if differs(new, old) {
        let detail = "only cpu and memory resources for init or sidecar containers are mutable";
        errors.push(FieldError::forbidden(path, detail));
    }
    let is_sidecar = text(new, "/restartPolicy") == "Always";
    let restarts = |policy: &&Value| text(policy, "/restartPolicy") == "RestartContainer";
    if new != old && !is_sidecar {
        for _ in list(new, "/resizePolicy").iter().filter(restarts) {
            let detail =
                "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
            errors.push(FieldError::forbidden(path, detail));
        }
    }
}

/// Whether anything but processors and memory is different.
fn differs(new: &Value, old: &Value) -> bool {
    let rest = |container: &Value| {
        let mut container = container.clone();
        set(&mut container, "resources", None);
        container
    };
    let (new_resources, old_resources) = (at(new, "/resources"), at(old, "/resources"));
    rest(new) != rest(old)
        || !list(old_resources, "/claims").is_empty()
        || AMOUNTS.into_iter().any(|key| fixed(new_resources, key) != fixed(old_resources, key))
}

/// The amounts that cannot be resized.
fn fixed(resources: &Value, key: &str) -> Map<String, Value> {
    let amounts = members(resources, &format!("/{key}")).into_iter().flatten();
    let fixed = amounts.filter(|(name, _)| !RESIZABLE.contains(&name.as_str()));
    fixed.map(|(name, amount)| (name.clone(), amount.clone())).collect()
}

fn removed(new: &Value, old: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for key in AMOUNTS {
        if is_removed(new, old, key) {
            let detail = format!("resource {key} cannot be removed");
            errors.push(FieldError::forbidden(format!("{path}.resources.{key}"), detail));
        }
    }
}

fn is_removed(new: &Value, old: &Value, key: &str) -> bool {
    let pointer = format!("/{key}");
    let is_kept = |name: &String| members(new, &pointer).is_some_and(|amounts| amounts.contains_key(name));
    members(old, &pointer).into_iter().flatten().any(|(name, _)| !is_kept(name))
}
