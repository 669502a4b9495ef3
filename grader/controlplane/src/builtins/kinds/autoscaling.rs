//! HorizontalPodAutoscalers (pkg/apis/autoscaling/validation/validation.go).

use crate::builtins::fields::{at, number, text};
use crate::builtins::names;
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
        for key in ["kind", "name"] {
            let path = format!("spec.scaleTargetRef.{key}");
            match text(spec, &format!("/scaleTargetRef/{key}")) {
                "" => errors.push(FieldError::required(path, "")),
                value => {
                    let bad = names::path_segment(value).into_iter();
                    errors.extend(bad.map(|e| FieldError::invalid(path.as_str(), value, e)));
                }
            }
        }
        let (version, kind) = (text(spec, "/scaleTargetRef/apiVersion"), text(spec, "/scaleTargetRef/kind"));
        if !version.contains('/') && kind != "ReplicationController" {
            let detail = "apiVersion must specify API group";
            errors.push(FieldError::invalid("spec.scaleTargetRef.apiVersion", version, detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() { Vec::new() } else { self.validate_create(new) }
    }
}
