//! ReplicaSets and their ancestors, ReplicationControllers (pkg/apis/apps/validation/validation.go,
//! ValidateReplicationController in pkg/apis/core/validation/validation.go).

use super::{always_running, immutable, replica_counts, selected_template, warnings};
use crate::builtins::fields::{at, has, members};
use crate::builtins::kinds::pod_spec::{self, not_negative};
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use crate::selector::LabelSelector;
use serde_json::Value;

pub(crate) struct ReplicaSet;

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

pub(crate) struct ReplicationController;

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
