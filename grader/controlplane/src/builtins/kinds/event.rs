//! Events of both groups, which are kept in their core form (pkg/apis/core/validation/events.go).

use crate::builtins::fields::{at, number, text};
use crate::builtins::names::{self, NameRule};
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use crate::object;
use serde_json::Value;

/// Events written through the core group.
pub(super) struct CoreEvent;

impl Rules for CoreEvent {
    fn checks_finalizers(&self) -> bool {
        false
    }

    fn names(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn validate_create(&self, event: &Value) -> Vec<FieldError> {
        common(event, "reportingComponent")
    }

    fn validate_update(&self, new: &Value, _old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        common(new, "reportingComponent")
    }
}

/// Events written through `events.k8s.io`: stricter.
pub(super) struct Event;

impl Rules for Event {
    fn checks_finalizers(&self) -> bool {
        false
    }

    fn names(&self) -> NameRule {
        NameRule::Subdomain
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn validate_create(&self, event: &Value) -> Vec<FieldError> {
        let mut errors = common(event, "reportingController");
        errors.extend(series(event));
        if at(event, "/eventTime").is_null() {
            errors.push(FieldError::required("eventTime", ""));
        }
        let type_ = text(event, "/type");
        if !["Normal", "Warning"].contains(&type_) {
            errors.push(FieldError::invalid("type", "", format!("has invalid value: {type_}")));
        }
        let unset = |field: &str| FieldError::invalid(field, "", "needs to be unset");
        for field in ["firstTimestamp", "lastTimestamp"] {
            if at(event, &format!("/{field}")).is_string() {
                errors.push(unset(field));
            }
        }
        if number(event, "/count").unwrap_or_default() != 0 {
            errors.push(unset("count"));
        }
        if at(event, "/source").as_object().is_some_and(|source| !source.is_empty()) {
            errors.push(unset("source"));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = common(new, "reportingController");
        if new.get("series") != old.get("series") {
            errors.extend(series(new));
        }
        for (field, shown) in [
            ("involvedObject", "involvedObject"),
            ("reason", "reason"),
            ("message", "message"),
            ("source", "source"),
            ("firstTimestamp", "firstTimestamp"),
            ("lastTimestamp", "lastTimestamp"),
            ("count", "count"),
            ("type", "type"),
            ("eventTime", "eventTime"),
            ("action", "action"),
            ("related", "related"),
            ("reportingComponent", "reportingController"),
            ("reportingInstance", "reportingInstance"),
        ] {
            if new.get(field) != old.get(field) {
                let value = new.get(field).cloned().unwrap_or_default();
                errors.push(FieldError::invalid(shown, value, "field is immutable"));
            }
        }
        errors
    }
}

fn common(event: &Value, controller_field: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let about = text(event, "/involvedObject/namespace");
    let namespace = object::namespace(event);
    let elsewhere =
        || FieldError::invalid("involvedObject.namespace", about, "does not match event.namespace");
    if at(event, "/eventTime").is_null() {
        let fits = if about.is_empty() { ["", "default"].contains(&namespace) } else { about == namespace };
        if !fits {
            errors.push(elsewhere());
        }
    } else {
        if about.is_empty() && !["default", "kube-system"].contains(&namespace) {
            errors.push(elsewhere());
        }
        let controller = text(event, "/reportingComponent");
        if controller.is_empty() {
            errors.push(FieldError::required(controller_field, ""));
        }
        let bad = names::qualified_name(controller).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(controller_field, controller, e)));
        for (field, most) in [("reportingInstance", 128), ("action", 128), ("reason", 128), ("message", 1024)]
        {
            let value = text(event, &format!("/{field}"));
            if value.is_empty() && field != "message" {
                errors.push(FieldError::required(field, ""));
            }
            if value.len() > most {
                errors.push(FieldError::invalid(field, "", format!("can have at most {most} characters")));
            }
        }
    }
    let bad = names::dns_subdomain(namespace).into_iter();
    errors.extend(bad.map(|e| FieldError::invalid("namespace", namespace, e)));
    errors
}

fn series(event: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if at(event, "/series").is_object() {
        if number(event, "/series/count").unwrap_or_default() < 2 {
            errors.push(FieldError::invalid("series.count", "", "should be at least 2"));
        }
        if at(event, "/series/lastObservedTime").is_null() {
            errors.push(FieldError::required("series.lastObservedTime", ""));
        }
    }
    errors
}
