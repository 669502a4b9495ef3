//! What runs pods (pkg/apis/apps/validation/validation.go), and what StatefulSets and Jobs share with that.

mod controller_revision;
mod daemon_set;
mod deployment;
mod replica_set;

pub(super) use controller_revision::ControllerRevision;
pub(super) use daemon_set::DaemonSet;
pub(super) use deployment::Deployment;
pub(super) use replica_set::{ReplicaSet, ReplicationController};

use super::pod_spec::{self, not_negative};
use super::pod_warnings;
use crate::builtins::fields::{at, has, list, members, number, text};
use crate::builtins::names;
use crate::field_error::FieldError;
use crate::object;
use crate::selector::{LabelSelector, label};
use serde_json::{Value, json};

/// Checks selector and template of a workload whose pods run for ever.
pub(super) fn selected_template(spec: &Value, kind: &str, errors: &mut Vec<FieldError>) {
    selector(spec, kind, errors);
    if kind != "daemonset" && LabelSelector::from_value(spec.get("selector")).is_err() {
        return;
    }
    template_labels(spec, errors);
    errors.extend(pod_spec::validate_template(at(spec, "/template"), "spec.template"));
    always_running(spec, kind, errors);
}

/// The selector must be there and must select something in particular.
pub(super) fn selector(spec: &Value, kind: &str, errors: &mut Vec<FieldError>) {
    let selector = at(spec, "/selector");
    if !selector.is_object() {
        if kind != "daemonset" {
            errors.push(FieldError::required("spec.selector", ""));
        }
        return;
    }
    errors.extend(label::validate(selector, "spec.selector"));
    if LabelSelector::from_value(Some(selector)).is_err() && kind != "daemonset" {
        let detail = if kind == "deployment" { "invalid label selector" } else { "" };
        errors.push(FieldError::invalid("spec.selector", selector.clone(), detail));
    }
    if members(selector, "/matchLabels").is_none_or(|labels| labels.is_empty())
        && list(selector, "/matchExpressions").is_empty()
    {
        let detail = format!("empty selector is invalid for {kind}");
        errors.push(FieldError::invalid("spec.selector", selector.clone(), detail));
    }
}

/// The selector must select the template's pods.
pub(super) fn template_labels(spec: &Value, errors: &mut Vec<FieldError>) {
    let Ok(selector) = LabelSelector::from_value(spec.get("selector")) else { return };
    let labels = members(spec, "/template/metadata/labels");
    if !selector.is_empty() && !selector.matches(labels) {
        let labels = labels.map_or(Value::Null, |labels| labels.clone().into());
        let detail = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid("spec.template.metadata.labels", labels, detail));
    }
}

/// Pods of such a workload never come to an end.
pub(super) fn always_running(spec: &Value, kind: &str, errors: &mut Vec<FieldError>) {
    let policy = text(spec, "/template/spec/restartPolicy");
    if policy != "Always" {
        errors.push(FieldError::not_supported("spec.template.spec.restartPolicy", policy, ["Always"]));
    }
    if has(at(spec, "/template/spec"), "activeDeadlineSeconds") {
        let kind = match kind {
            "statefulset" => "StatefulSet",
            "daemonset" => "DaemonSet",
            "replicationcontroller" => "ReplicationController",
            _ => "ReplicaSet",
        };
        let detail = format!("activeDeadlineSeconds in {kind} is not Supported");
        errors.push(FieldError::forbidden("spec.template.spec.activeDeadlineSeconds", detail));
    }
}

/// A strategy as texts show it: the Go struct.
fn go_strategy(strategy: &Value) -> Value {
    let rolling = match at(strategy, "/rollingUpdate") {
        Value::Null => Value::Null,
        rolling => {
            json!({"MaxUnavailable": at(rolling, "/maxUnavailable"), "MaxSurge": at(rolling, "/maxSurge")})
        }
    };
    json!({"Type": text(strategy, "/type"), "RollingUpdate": rolling})
}

/// `3` or `25%`, which may have to stay within 100%.
pub(super) fn number_or_percent(value: &Value, path: &str, at_most_all: bool, errors: &mut Vec<FieldError>) {
    match value {
        Value::String(text) if !names::is_percent(text) => {
            let rule = "a valid percent string must be a numeric string followed by an ending '%'";
            let detail = names::regex_error(rule, "[0-9]+%", &["1%", "93%"]);
            errors.push(FieldError::invalid(path, text.as_str(), detail));
        }
        Value::String(text)
            if at_most_all
                && text.trim_end_matches('%').parse::<u64>().is_ok_and(|percent| percent > 100) =>
        {
            errors.push(FieldError::invalid(path, text.as_str(), "must not be greater than 100%"));
        }
        Value::Number(number) if number.as_i64().is_some_and(|n| n < 0) => {
            errors.push(FieldError::invalid(path, value.clone(), "must be greater than or equal to 0"));
        }
        _ => {}
    }
}

/// `0` and `0%`.
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim_end_matches('%').parse::<u64>().is_ok_and(|percent| percent == 0),
        number => number.as_i64() == Some(0),
    }
}

/// A member of the spec that never changes.
pub(super) fn immutable(new: &Value, old: &Value, key: &str) -> Option<FieldError> {
    let value = |object: &Value| at(object, "/spec").get(key).cloned();
    (value(new) != value(old)).then(|| {
        let value = value(new).unwrap_or_default();
        FieldError::invalid(format!("spec.{key}"), value, "field is immutable")
    })
}

/// Counts of a status: none below zero, none above `replicas`, no more pods available than ready.
pub(super) fn replica_counts(new: &Value, counts: &[&str], ready_text: &str) -> Vec<FieldError> {
    let status = at(new, "/status");
    let mut errors = Vec::new();
    let count = |key: &str| number(status, &format!("/{key}")).unwrap_or_default();
    for key in ["replicas", "observedGeneration", "collisionCount"].iter().chain(counts) {
        not_negative(&mut errors, status, "status", key);
    }
    for key in counts.iter().filter(|key| **key != "unavailableReplicas") {
        if count(key) > count("replicas") {
            let detail = "cannot be greater than status.replicas";
            errors.push(FieldError::invalid(format!("status.{key}"), count(key), detail));
        }
    }
    if count("availableReplicas") > count("readyReplicas") {
        let available = count("availableReplicas");
        let detail = format!("cannot be greater than {ready_text}");
        errors.push(FieldError::invalid("status.availableReplicas", available, detail));
    }
    errors
}

/// What is odd about a workload's name, which becomes the name of pods and so a hostname, and about its template.
pub(super) fn warnings(workload: &Value, old: Option<&Value>, template: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    let bad = names::dns_label(object::name(workload));
    if old.is_none() && !bad.is_empty() {
        warnings.push(format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS \
             label is recommended: [{}]",
            bad.join(" ")
        ));
    }
    warnings.extend(template_warnings(workload, old, template));
    warnings
}

/// What is odd about a template, at a path like `spec.template`; it is said again when there is a new generation.
pub(super) fn template_warnings(workload: &Value, old: Option<&Value>, template: &str) -> Vec<String> {
    if old.is_some_and(|old| object::generation(old) == object::generation(workload)) {
        return Vec::new();
    }
    let pointer = format!("/{}", template.replace('.', "/"));
    pod_warnings::of(at(workload, &pointer), &format!("{template}."))
}
