//! APIServices (kube-aggregator/pkg/apis/apiregistration/validation/validation.go).

use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::names::{self, NameRule};
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const HIGHEST_GROUP: i64 = 20_000;
const HIGHEST_VERSION: i64 = 1_000;

pub(super) struct ApiService;

impl Rules for ApiService {
    fn names(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn checks_finalizers(&self) -> bool {
        false
    }

    fn validate_create(&self, service: &Value) -> Vec<FieldError> {
        let spec = at(service, "/spec");
        let (group, version) = (text(spec, "/group"), text(spec, "/version"));
        let mut errors = Vec::new();
        let (name, required) = (text(service, "/metadata/name"), format!("{version}.{group}"));
        if name != required && !name.is_empty() && names::path_segment(name).is_empty() {
            let detail = format!("must be `spec.version+\".\"+spec.group`: \"{required}\"");
            errors.push(FieldError::invalid("metadata.name", name, detail));
        }
        if group.is_empty() && version != "v1" {
            let detail = "only v1 may have an empty group and it better be legacy kube";
            errors.push(FieldError::required("spec.group", detail));
        }
        if !group.is_empty() {
            let wrong = names::dns_subdomain(group);
            errors.extend(FieldError::invalid_for_each("spec.group", group, wrong));
        }
        let wrong = names::dns_1035_label(version);
        errors.extend(FieldError::invalid_for_each("spec.version", version, wrong));
        for (key, most) in [("groupPriorityMinimum", HIGHEST_GROUP), ("versionPriority", HIGHEST_VERSION)] {
            let priority = number(spec, &format!("/{key}")).unwrap_or_default();
            if !(1..=most).contains(&priority) {
                let detail = format!("must be positive and less than {most}");
                errors.push(FieldError::invalid(format!("spec.{key}"), priority, detail));
            }
        }
        let bundle = STANDARD.decode(text(spec, "/caBundle")).unwrap_or_default();
        let insecure = at(spec, "/insecureSkipTLSVerify") == true;
        if has(spec, "service") {
            remote(at(spec, "/service"), &mut errors);
            if insecure && !bundle.is_empty() {
                let detail = "may not be true if caBundle is present";
                errors.push(FieldError::invalid("spec.insecureSkipTLSVerify", true, detail));
            }
            return errors;
        }
        if !bundle.is_empty() {
            let detail = "local APIServices may not have a caBundle";
            errors.push(FieldError::invalid("spec.caBundle", format!("{} bytes", bundle.len()), detail));
        }
        if insecure {
            let detail = "local APIServices may not have insecureSkipTLSVerify";
            errors.push(FieldError::invalid("spec.insecureSkipTLSVerify", true, detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        match subresource {
            Some("status") => conditions(new),
            _ => self.validate_create(new),
        }
    }
}

/// Checks the Service behind which the group is served.
fn remote(service: &Value, errors: &mut Vec<FieldError>) {
    for key in ["namespace", "name"] {
        if text(service, &format!("/{key}")).is_empty() {
            errors.push(FieldError::required(format!("spec.service.{key}"), ""));
        }
    }
    let port = number(service, "/port").unwrap_or_default();
    let wrong = names::port_number(port);
    if !wrong.is_empty() {
        let detail = format!("port is not valid: {}", wrong.join(", "));
        errors.push(FieldError::invalid("spec.service.port", port, detail));
    }
}

fn conditions(service: &Value) -> Vec<FieldError> {
    const KNOWN: [&str; 3] = ["True", "False", "Unknown"];
    let conditions = list(service, "/status/conditions").iter().map(|condition| text(condition, "/status"));
    let wrong = conditions.enumerate().filter(|(_, status)| !KNOWN.contains(status));
    wrong
        .map(|(i, status)| FieldError::not_supported(format!("status.conditions[{i}].status"), status, KNOWN))
        .collect()
}
