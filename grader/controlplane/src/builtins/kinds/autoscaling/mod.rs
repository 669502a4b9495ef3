//! HorizontalPodAutoscalers (pkg/apis/autoscaling/validation/validation.go).

mod behavior;
mod metrics;
mod reference;

use super::pod_spec::not_negative;
use crate::builtins::fields::{at, number, text};
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use serde_json::Value;

pub(super) struct Autoscaler;

impl Rules for Autoscaler {
    fn validate_create(&self, scaler: &Value) -> Vec<FieldError> {
        let spec = at(scaler, "/spec");
        let mut errors = Vec::new();
        let (least, most) = (number(spec, "/minReplicas"), number(spec, "/maxReplicas").unwrap_or_default());
        if let Some(least) = least.filter(|least| *least < 1) {
            let detail = "must be greater than or equal to 1";
            errors.push(FieldError::invalid("spec.minReplicas", least, detail));
        }
        if most == 0 {
            errors.push(FieldError::required("spec.maxReplicas", "must be set and greater than 0"));
        } else if most < 0 {
            errors.push(FieldError::invalid("spec.maxReplicas", most, "must be greater than or equal to 1"));
        }
        if least.is_some_and(|least| most < least) {
            let detail = "must be greater than or equal to `minReplicas`";
            errors.push(FieldError::invalid("spec.maxReplicas", most, detail));
        }
        let target = at(spec, "/scaleTargetRef");
        let needs_group = text(target, "/kind") != "ReplicationController";
        errors.extend(reference::validate(target, "spec.scaleTargetRef", needs_group));
        errors.extend(metrics::validate(spec));
        errors.extend(behavior::validate(spec));
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_none() {
            return self.validate_create(new);
        }
        let mut errors = Vec::new();
        for key in ["currentReplicas", "desiredReplicas"] {
            not_negative(&mut errors, at(new, "/status"), "status", key);
        }
        errors
    }
}
