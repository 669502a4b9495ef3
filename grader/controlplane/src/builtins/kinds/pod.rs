//! Pods (pkg/registry/core/pod/strategy.go, ValidatePodUpdate in pkg/apis/core/validation/validation.go).

use super::pod_service_account::MIRROR;
use super::{ephemeral_containers, limits, pod_admission, pod_resize, pod_spec, resources};
use crate::builtins::fields::{at, has, list, number, put, set, text};
use crate::builtins::ip;
use crate::builtins::rules::{Cluster, Rules, keep_all_but_status, keep_status};
use crate::error::ApiError;
use crate::field_error::FieldError;
use serde_json::{Value, json};
use std::net::IpAddr;

pub(super) struct Pod;

impl Rules for Pod {
    fn counts_generation(&self) -> bool {
        true
    }

    fn grace_seconds(&self, pod: &Value, asked: Option<i64>) -> Option<i64> {
        let finished = ["Failed", "Succeeded"].contains(&text(pod, "/status/phase"));
        // No kubelet has to stop what was never scheduled or has ended.
        if text(pod, "/spec/nodeName").is_empty() || finished {
            return Some(0);
        }
        let seconds =
            asked.or_else(|| number(pod, "/spec/terminationGracePeriodSeconds")).unwrap_or_default();
        Some(if seconds < 0 { 1 } else { seconds })
    }

    fn admit_final(&self, new: &Value, old: Option<&Value>, cluster: &dyn Cluster) -> Result<(), ApiError> {
        if old.is_some() { Ok(()) } else { limits::check_pod(new, cluster) }
    }

    fn admit(&self, new: &mut Value, old: Option<&Value>, cluster: &mut dyn Cluster) -> Result<(), ApiError> {
        match old {
            None => pod_admission::create(new, cluster),
            Some(old) => {
                pod_admission::update(new, old);
                Ok(())
            }
        }
    }

    fn prepare_for_create(&self, pod: &mut Value) {
        let quality = resources::quality_of_service(at(pod, "/spec"));
        let mut status = json!({"phase": "Pending", "qosClass": quality});
        if !list(pod, "/spec/schedulingGates").is_empty() {
            status["conditions"] = json!([{
                "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
                "lastTransitionTime": at(pod, "/metadata/creationTimestamp"),
                "message": "Scheduling is blocked due to non-empty scheduling gates",
            }]);
        }
        set(pod, "status", Some(status));
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        match subresource {
            Some("status") => {
                keep_all_but_status(new, old);
                let owners = old.pointer("/metadata/ownerReferences").cloned();
                set(&mut new["metadata"], "ownerReferences", owners);
                if !has(&new["status"], "qosClass") {
                    put(new, &["status", "qosClass"], at(old, "/status/qosClass").clone());
                }
            }
            // Node and condition are the only things that a binding has.
            Some("binding") => {}
            Some("ephemeralcontainers") => ephemeral_containers::prepare(new, old),
            Some("resize") => pod_resize::prepare(new, old),
            _ => keep_status(new, old),
        }
    }

    fn validate_create(&self, pod: &Value) -> Vec<FieldError> {
        let mut errors = mirror(pod, None);
        errors.extend(pod_spec::validate(at(pod, "/spec"), "spec"));
        errors.extend(padded_images(pod));
        if !list(pod, "/spec/ephemeralContainers").is_empty() {
            let detail = "cannot be set on create";
            errors.push(FieldError::forbidden("spec.ephemeralContainers", detail));
        }
        if has(&pod["spec"], "nodeName") && !list(pod, "/spec/schedulingGates").is_empty() {
            let detail = "cannot be set until all schedulingGates have been cleared";
            errors.push(FieldError::forbidden("spec.nodeName", detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        match subresource {
            Some("status") => status(new, old),
            Some("binding") => Vec::new(),
            Some("ephemeralcontainers") => ephemeral_containers::validate_update(new, old),
            Some("resize") => pod_resize::validate_update(new, old),
            _ => {
                let mut errors = mirror(new, Some(old));
                errors.extend(spec(new, old));
                errors
            }
        }
    }

    fn warnings(&self, pod: &Value, old: Option<&Value>) -> Vec<String> {
        if old.is_some() { Vec::new() } else { pod_admission::warnings(pod) }
    }

    fn reset_fields(&self, subresource: Option<&str>) -> &'static [&'static [&'static str]] {
        match subresource {
            Some("status") => {
                &[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]]
            }
            _ => &[&["status"]],
        }
    }
}

/// A mirror pod is one from the start, on a node.
fn mirror(pod: &Value, old: Option<&Value>) -> Vec<FieldError> {
    const FIELD: &str = "metadata.annotations[kubernetes.io/config.mirror]";
    let annotation = |pod: &Value| at(pod, "/metadata/annotations").get(MIRROR).cloned();
    let mut errors = Vec::new();
    match (annotation(pod), old.map(annotation)) {
        (Some(_), Some(None)) => {
            errors.push(FieldError::forbidden(FIELD, "may not add mirror pod annotation"))
        }
        (now, Some(Some(before))) if now.as_ref() != Some(&before) => {
            errors.push(FieldError::forbidden(FIELD, "may not remove or update mirror pod annotation"));
        }
        _ => {}
    }
    if let Some(value) = annotation(pod).filter(|_| !has(&pod["spec"], "nodeName")) {
        let why = "must set spec.nodeName if mirror pod annotation is set";
        errors.push(FieldError::invalid(FIELD, value, why));
    }
    errors
}

/// Images of pods, unlike those of templates, have no blanks around them.
fn padded_images(pod: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for key in ["containers", "initContainers"] {
        for (i, container) in list(pod, &format!("/spec/{key}")).iter().enumerate() {
            let image = text(container, "/image");
            if image.trim() != image {
                let detail = "must not have leading or trailing whitespace";
                errors.push(FieldError::invalid(format!("spec.{key}[{i}].image"), image, detail));
            }
        }
    }
    errors
}

fn spec(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = pod_spec::validate(at(new, "/spec"), "spec");
    errors.extend(padded_images(new));
    for containers in ["containers", "initContainers"] {
        let pointer = format!("/spec/{containers}");
        if list(new, &pointer).len() != list(old, &pointer).len() {
            let detail = "pod updates may not add or remove containers";
            errors.push(FieldError::forbidden(format!("spec.{containers}"), detail));
            return errors;
        }
    }
    let deadline = |pod: &Value| number(pod, "/spec/activeDeadlineSeconds");
    match (deadline(new), deadline(old)) {
        (Some(new), Some(old)) if new > old => {
            let detail = "must be less than or equal to previous value";
            errors.push(FieldError::invalid("spec.activeDeadlineSeconds", new, detail));
            return errors;
        }
        (None, Some(_)) => {
            let detail = "must not update from a positive integer to nil value";
            errors.push(FieldError::invalid("spec.activeDeadlineSeconds", Value::Null, detail));
        }
        _ => {}
    }
    for toleration in list(old, "/spec/tolerations") {
        let same = |new: &Value| {
            ["key", "operator", "value", "effect"].iter().all(|key| new.get(*key) == toleration.get(*key))
        };
        if !list(new, "/spec/tolerations").iter().any(same) {
            let detail = "existing toleration can not be modified except its tolerationSeconds";
            errors.push(FieldError::forbidden("spec.tolerations", detail));
            break;
        }
    }
    for (i, gate) in list(new, "/spec/schedulingGates").iter().enumerate() {
        if !list(old, "/spec/schedulingGates").contains(gate) {
            let path = format!("spec.schedulingGates[{i}].name");
            errors
                .push(FieldError::forbidden(path, "only deletion is allowed, but found new scheduling gate"));
        }
    }
    // Whatever may change is made equal; the rest must be.
    let mut munged = at(new, "/spec").clone();
    for key in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        set(&mut munged, key, at(old, "/spec").get(key).cloned());
    }
    let gated = !list(old, "/spec/schedulingGates").is_empty();
    if gated {
        for key in ["nodeSelector", "affinity"] {
            set(&mut munged, key, at(old, "/spec").get(key).cloned());
        }
    }
    for containers in ["containers", "initContainers"] {
        let images = list(old, &format!("/spec/{containers}")).iter().map(|c| c.get("image").cloned());
        for (container, image) in
            munged.get_mut(containers).and_then(Value::as_array_mut).into_iter().flatten().zip(images)
        {
            set(container, "image", image);
        }
    }
    // A negative period, of a time before it was checked, may be mended.
    if number(old, "/spec/terminationGracePeriodSeconds").is_some_and(|seconds| seconds < 0)
        && number(&munged, "/terminationGracePeriodSeconds") == Some(1)
    {
        let seconds = at(old, "/spec/terminationGracePeriodSeconds").clone();
        set(&mut munged, "terminationGracePeriodSeconds", Some(seconds));
    }
    if munged != *at(old, "/spec") {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,\
                      `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions \
                      to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
                      previously negative)";
        errors.push(FieldError::forbidden("spec", detail));
    }
    errors
}

fn status(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if at(new, "/status/qosClass") != at(old, "/status/qosClass") {
        let class = text(new, "/status/qosClass");
        errors.push(FieldError::invalid("status.qosClass", class, "field is immutable"));
    }
    let addresses = list(new, "/status/podIPs");
    let parsed: Vec<IpAddr> =
        addresses.iter().filter_map(|address| text(address, "/ip").parse::<IpAddr>().ok()).collect();
    let of_one_family = parsed.len() == 2 && parsed[0].is_ipv4() == parsed[1].is_ipv4();
    if parsed.len() > 2 || of_one_family {
        let shown: Vec<Value> = addresses.iter().map(|address| json!({"IP": text(address, "/ip")})).collect();
        let detail = "may specify no more than one IP for each IP family";
        errors.push(FieldError::invalid("status.podIPs", shown, detail));
    }
    for key in ["podIPs", "hostIPs"] {
        for (i, address) in list(new, &format!("/status/{key}")).iter().enumerate() {
            let address = text(address, "/ip");
            let wrong = ip::address(address);
            errors.extend(wrong.map(|e| FieldError::invalid(format!("status.{key}[{i}]"), address, e)));
        }
    }
    // A container that has ended for good does not start again.
    let always = text(old, "/spec/restartPolicy") == "Always";
    for (i, status) in list(new, "/status/containerStatuses").iter().enumerate() {
        let name = text(status, "/name");
        let before = list(old, "/status/containerStatuses").iter().find(|s| text(s, "/name") == name);
        let ended = before.map(|s| at(s, "/state/terminated")).filter(|state| state.is_object());
        let may_restart = always
            || (text(old, "/spec/restartPolicy") == "OnFailure"
                && ended.is_some_and(|state| number(state, "/exitCode") != Some(0)));
        if ended.is_some() && !may_restart && !at(status, "/state/terminated").is_object() {
            let path = format!("status.containerStatuses[{i}].state");
            errors.push(FieldError::forbidden(path, "may not be transitioned to non-terminated state"));
        }
    }
    errors
}
