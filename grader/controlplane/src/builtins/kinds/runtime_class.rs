//! RuntimeClasses (pkg/apis/node/validation/validation.go).

use super::{pod_spec, resources};
use crate::builtins::fields::{at, list, members, text};
use crate::builtins::rules::Rules;
use crate::builtins::{meta, names};
use crate::field_error::FieldError;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) struct RuntimeClass;

impl Rules for RuntimeClass {
    fn checks_finalizers(&self) -> bool {
        false
    }

    fn requires_resource_version(&self) -> bool {
        true
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn validate_create(&self, class: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        match text(class, "/handler") {
            "" => errors.push(FieldError::required("handler", "")),
            handler => {
                errors.extend(FieldError::invalid_for_each("handler", handler, names::dns_label(handler)))
            }
        }
        // What a pod costs beside its containers is checked as a limit of one of these.
        let overhead = json!({"limits": at(class, "/overhead/podFixed")});
        resources::validate(&overhead, "overhead", &mut errors);
        let selector = members(class, "/scheduling/nodeSelector");
        errors.extend(meta::validate_labels(selector, "scheduling.nodeSelector"));
        let mut seen = BTreeSet::new();
        for (position, toleration) in list(class, "/scheduling/tolerations").iter().enumerate() {
            let path = format!("scheduling.tolerations[{position}]");
            pod_spec::tolerate(toleration, &path, &mut errors);
            let [key, operator, value, effect] =
                ["/key", "/operator", "/value", "/effect"].map(|field| text(toleration, field));
            if !seen.insert([key, operator, value, effect]) {
                // The text shows the Go struct.
                let shown = json!({
                    "Key": key, "Operator": operator, "Value": value, "Effect": effect,
                    "TolerationSeconds": at(toleration, "/tolerationSeconds"),
                });
                errors.push(FieldError::duplicate(path, shown));
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let handler = text(new, "/handler");
        let changed = handler != text(old, "/handler");
        let mut errors: Vec<FieldError> = changed
            .then(|| FieldError::invalid("handler", handler, "field is immutable"))
            .into_iter()
            .collect();
        errors.extend(self.validate_create(new));
        errors
    }
}
