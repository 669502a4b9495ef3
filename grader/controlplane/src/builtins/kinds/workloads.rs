//! Deployments, ReplicaSets and DaemonSets (pkg/apis/apps/validation, pkg/registry/apps), and what StatefulSets
//! share with them.

use super::pod_spec::{self, not_negative};
use super::pod_warnings;
use crate::builtins::fields::{at, has, list, members, number, put, set, text};
use crate::builtins::names;
use crate::builtins::rules::{Rules, keep_all_but_status, keep_status, spec_differs};
use crate::field_error::FieldError;
use crate::object;
use crate::selector::{LabelSelector, label};
use serde_json::{Value, json};

pub(super) struct Deployment;

impl Rules for Deployment {
    fn counts_generation(&self) -> bool {
        true
    }

    fn is_new_generation(&self, new: &Value, old: &Value) -> bool {
        // Annotations have counted since a time when they were part of what a rollback restores.
        spec_differs(new, old) || at(new, "/metadata/annotations") != at(old, "/metadata/annotations")
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        match subresource {
            Some("status") => {
                keep_all_but_status(new, old);
                set(&mut new["metadata"], "labels", old.pointer("/metadata/labels").cloned());
            }
            _ => keep_status(new, old),
        }
    }

    fn validate_create(&self, deployment: &Value) -> Vec<FieldError> {
        let spec = at(deployment, "/spec");
        let mut errors = Vec::new();
        selected_template(spec, "deployment", &mut errors);
        for key in ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
            not_negative(&mut errors, spec, "spec", key);
        }
        deployment_strategy(at(spec, "/strategy"), "spec.strategy", &mut errors);
        let ready = number(spec, "/minReadySeconds").unwrap_or_default();
        if let Some(deadline) = number(spec, "/progressDeadlineSeconds").filter(|deadline| *deadline <= ready)
        {
            let detail = "must be greater than minReadySeconds";
            errors.push(FieldError::invalid("spec.progressDeadlineSeconds", deadline, detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource == Some("status") {
            let counts = ["updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"];
            return replica_counts(new, &counts, "readyReplicas");
        }
        let mut errors = self.validate_create(new);
        errors.extend(immutable(new, old, "selector"));
        errors
    }

    fn warnings(&self, deployment: &Value, old: Option<&Value>) -> Vec<String> {
        warnings(deployment, old, "spec.template")
    }

    fn reset_fields(&self, subresource: Option<&str>) -> &'static [&'static [&'static str]] {
        match subresource {
            Some("status") => &[&["spec"], &["metadata", "labels"]],
            _ => &[&["status"]],
        }
    }
}

pub(super) struct ReplicaSet;

impl Rules for ReplicaSet {
    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, set: &Value) -> Vec<FieldError> {
        let spec = at(set, "/spec");
        let mut errors = Vec::new();
        // Upstream says deployment here as well.
        selected_template(spec, "deployment", &mut errors);
        for key in ["replicas", "minReadySeconds"] {
            not_negative(&mut errors, spec, "spec", key);
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource == Some("status") {
            let counts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
            return replica_counts(new, &counts, "readyReplicas");
        }
        let mut errors = self.validate_create(new);
        errors.extend(immutable(new, old, "selector"));
        errors
    }

    fn warnings(&self, set: &Value, old: Option<&Value>) -> Vec<String> {
        warnings(set, old, "spec.template")
    }
}

/// The ancestor of ReplicaSets (ValidateReplicationController in pkg/apis/core/validation/validation.go).
pub(super) struct ReplicationController;

impl Rules for ReplicationController {
    fn counts_generation(&self) -> bool {
        true
    }

    fn default_propagation(&self) -> Option<&'static str> {
        Some("Orphan")
    }

    fn validate_create(&self, controller: &Value) -> Vec<FieldError> {
        let spec = at(controller, "/spec");
        let mut errors = Vec::new();
        not_negative(&mut errors, spec, "spec", "minReadySeconds");
        let labels = members(spec, "/selector").filter(|labels| !labels.is_empty());
        if labels.is_none() {
            errors.push(FieldError::required("spec.selector", ""));
        }
        not_negative(&mut errors, spec, "spec", "replicas");
        if !has(spec, "template") {
            errors.push(FieldError::required("spec.template", ""));
            return errors;
        }
        let of_template = members(spec, "/template/metadata/labels");
        if labels.is_some_and(|labels| !LabelSelector::from_labels(labels).matches(of_template)) {
            let shown = of_template.map_or(Value::Null, |labels| labels.clone().into());
            let detail = "`selector` does not match template `labels`";
            errors.push(FieldError::invalid("spec.template.metadata.labels", shown, detail));
        }
        errors.extend(pod_spec::validate_template(at(spec, "/template"), "spec.template"));
        always_running(spec, "replicationcontroller", &mut errors);
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource == Some("status") {
            let counts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
            return replica_counts(new, &counts, "readyReplicas");
        }
        self.validate_create(new)
    }

    fn warnings(&self, controller: &Value, old: Option<&Value>) -> Vec<String> {
        warnings(controller, old, "spec.template")
    }
}

pub(super) struct DaemonSet;

/// What is left of a field that counted the template's generations.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

impl Rules for DaemonSet {
    fn counts_generation(&self) -> bool {
        true
    }

    fn prepare_for_create(&self, daemon_set: &mut Value) {
        set(daemon_set, "status", None);
        put(daemon_set, &["metadata", "annotations", TEMPLATE_GENERATION], "1");
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        if subresource == Some("status") {
            return keep_all_but_status(new, old);
        }
        keep_status(new, old);
        let annotation = at(old, "/metadata/annotations").get(TEMPLATE_GENERATION);
        let generation =
            annotation.and_then(Value::as_str).and_then(|g| g.parse::<i64>().ok()).unwrap_or_default();
        let changed = at(new, "/spec/template") != at(old, "/spec/template");
        let generation = generation.saturating_add(i64::from(changed)).to_string();
        put(new, &["metadata", "annotations", TEMPLATE_GENERATION], generation);
    }

    fn validate_create(&self, set: &Value) -> Vec<FieldError> {
        let spec = at(set, "/spec");
        let mut errors = Vec::new();
        selected_template(spec, "daemonset", &mut errors);
        for key in ["minReadySeconds", "revisionHistoryLimit"] {
            not_negative(&mut errors, spec, "spec", key);
        }
        let strategy = at(spec, "/updateStrategy");
        let rolling = at(strategy, "/rollingUpdate");
        let path = "spec.updateStrategy.rollingUpdate";
        match text(strategy, "/type") {
            "OnDelete" => {}
            "RollingUpdate" => {
                for key in ["maxUnavailable", "maxSurge"] {
                    number_or_percent(
                        at(rolling, &format!("/{key}")),
                        &format!("{path}.{key}"),
                        true,
                        &mut errors,
                    );
                }
                let (unavailable, surge) = (at(rolling, "/maxUnavailable"), at(rolling, "/maxSurge"));
                match (is_zero(unavailable), is_zero(surge)) {
                    (false, false) => {
                        let detail = "may not be set when maxUnavailable is non-zero";
                        errors.push(FieldError::invalid(format!("{path}.maxSurge"), surge.clone(), detail));
                    }
                    (true, true) => {
                        let detail = "cannot be 0 when maxSurge is 0";
                        errors.push(FieldError::required(format!("{path}.maxUnavailable"), detail));
                    }
                    _ => {}
                }
            }
            _ => {
                let known = ["RollingUpdate", "OnDelete"];
                errors.push(FieldError::not_supported("spec.updateStrategy", go_strategy(strategy), known));
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() {
            let counts = [
                "currentNumberScheduled",
                "numberMisscheduled",
                "desiredNumberScheduled",
                "numberReady",
                "observedGeneration",
                "updatedNumberScheduled",
                "numberAvailable",
                "numberUnavailable",
                "collisionCount",
            ];
            let mut errors = Vec::new();
            for count in counts {
                not_negative(&mut errors, at(new, "/status"), "status", count);
            }
            return errors;
        }
        let mut errors = self.validate_create(new);
        errors.extend(immutable(new, old, "selector"));
        errors
    }

    fn warnings(&self, set: &Value, old: Option<&Value>) -> Vec<String> {
        let changed = |old: &Value| at(old, "/spec/template") != at(set, "/spec/template");
        if old.is_none_or(changed) { template_warnings(set, old, "spec.template") } else { Vec::new() }
    }
}

/// A revision of a workload's template, written once.
pub(super) struct ControllerRevision;

impl Rules for ControllerRevision {
    fn validate_create(&self, revision: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        not_negative(&mut errors, revision, "", "revision");
        match at(revision, "/data") {
            Value::Object(_) => {}
            Value::Null => errors.push(FieldError::required("data", "data is mandatory")),
            _ => errors.push(FieldError::required("data", "data must be a valid JSON object")),
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        if new.get("data") == old.get("data") {
            return Vec::new();
        }
        vec![FieldError::invalid("data", at(new, "/data").clone(), "field is immutable")]
    }
}

/// Checks selector and template of a workload whose pods run for ever.
pub(super) fn selected_template(spec: &Value, kind: &str, errors: &mut Vec<FieldError>) {
    selector(spec, kind, errors);
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

fn deployment_strategy(strategy: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let rolling = at(strategy, "/rollingUpdate");
    match text(strategy, "/type") {
        "Recreate" if rolling.is_object() => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            errors.push(FieldError::forbidden(format!("{path}.rollingUpdate"), detail));
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let path = format!("{path}.rollingUpdate");
            let (unavailable, surge) = (at(rolling, "/maxUnavailable"), at(rolling, "/maxSurge"));
            number_or_percent(unavailable, &format!("{path}.maxUnavailable"), true, errors);
            number_or_percent(surge, &format!("{path}.maxSurge"), false, errors);
            if is_zero(unavailable) && is_zero(surge) {
                let detail = "may not be 0 when `maxSurge` is 0";
                errors.push(FieldError::invalid(
                    format!("{path}.maxUnavailable"),
                    unavailable.clone(),
                    detail,
                ));
            }
        }
        _ => {
            errors.push(FieldError::not_supported(path, go_strategy(strategy), ["Recreate", "RollingUpdate"]))
        }
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
