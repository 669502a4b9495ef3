//! ValidatingWebhookConfigurations and MutatingWebhookConfigurations.

use super::matching::{conditions, rule_with_operations};
use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::names;
use crate::builtins::rules::Rules;
use crate::builtins::webhook_client::{webhook_service, webhook_url};
use crate::field_error::FieldError;
use crate::schema::cel::Scope;
use crate::selector::label;
use serde_json::Value;
use std::collections::BTreeSet;

pub(in crate::builtins::kinds) struct Webhooks {
    pub(in crate::builtins::kinds) mutating: bool,
}

impl Rules for Webhooks {
    fn checks_finalizers(&self) -> bool {
        false
    }

    fn requires_resource_version(&self) -> bool {
        true
    }

    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, configuration: &Value) -> Vec<FieldError> {
        self.validate(configuration, None)
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        self.validate(new, Some(old))
    }
}

impl Webhooks {
    fn validate(&self, configuration: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let conditions_of = |configuration: &Value| -> Vec<Value> {
            let webhooks = list(configuration, "/webhooks").iter();
            webhooks.map(|webhook| webhook["matchConditions"].clone()).collect()
        };
        // Conditions that were there already are not compiled again.
        let unchanged = old.is_some_and(|old| conditions_of(old) == conditions_of(configuration));
        let mut seen = BTreeSet::new();
        for (index, webhook) in list(configuration, "/webhooks").iter().enumerate() {
            let path = format!("webhooks[{index}]");
            self.webhook(webhook, &path, !unchanged, &mut errors);
            review_versions(webhook, &format!("{path}.admissionReviewVersions"), &mut errors);
            let name = text(webhook, "/name");
            if !name.is_empty() && !seen.insert(name) {
                errors.push(FieldError::duplicate(format!("{path}.name"), name));
            }
        }
        errors
    }

    fn webhook(&self, webhook: &Value, path: &str, compile: bool, errors: &mut Vec<FieldError>) {
        fully_qualified(text(webhook, "/name"), &format!("{path}.name"), errors);
        for (index, rule) in list(webhook, "/rules").iter().enumerate() {
            rule_with_operations(rule, &format!("{path}.rules[{index}]"), errors);
        }
        let mut known = |key: &str, known: &[&str]| {
            let value = text(webhook, &format!("/{key}"));
            if has(webhook, key) && !known.contains(&value) {
                errors.push(FieldError::not_supported(format!("{path}.{key}"), value, known));
            }
        };
        known("failurePolicy", &["Fail", "Ignore"]);
        known("matchPolicy", &["Equivalent", "Exact"]);
        known("sideEffects", &["None", "NoneOnDryRun"]);
        if !has(webhook, "sideEffects") {
            let detail = "must specify one of None, NoneOnDryRun";
            errors.push(FieldError::required(format!("{path}.sideEffects"), detail));
        }
        if let Some(seconds) =
            number(webhook, "/timeoutSeconds").filter(|seconds| !(1..=30).contains(seconds))
        {
            let detail = "the timeout value must be between 1 and 30 seconds";
            errors.push(FieldError::invalid(format!("{path}.timeoutSeconds"), seconds, detail));
        }
        for key in ["namespaceSelector", "objectSelector"] {
            if has(webhook, key) {
                errors.extend(label::validate(&webhook[key], &format!("{path}.{key}")));
            }
        }
        if self.mutating {
            let policy = text(webhook, "/reinvocationPolicy");
            let known = ["IfNeeded", "Never"];
            if has(webhook, "reinvocationPolicy") && !known.contains(&policy) {
                errors.push(FieldError::not_supported(format!("{path}.reinvocationPolicy"), policy, known));
            }
        }
        let client = at(webhook, "/clientConfig");
        let client_path = format!("{path}.clientConfig");
        match (has(client, "url"), has(client, "service")) {
            (true, false) => errors.extend(webhook_url(text(client, "/url"), &format!("{client_path}.url"))),
            (false, true) => {
                errors.extend(webhook_service(at(client, "/service"), &format!("{client_path}.service")));
            }
            _ => {
                let detail = "exactly one of url or service is required";
                errors.push(FieldError::required(client_path, detail));
            }
        }
        if compile {
            conditions(webhook, path, &Scope::of_request(), errors);
        }
    }
}

/// A name with at least three parts (IsFullyQualifiedName).
fn fully_qualified(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    if name.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    let bad = names::dns_subdomain(name);
    if !bad.is_empty() {
        errors.push(FieldError::invalid(path, name, bad.join(",")));
    } else if name.split('.').count() < 3 {
        let detail = "should be a domain with at least three segments separated by dots";
        errors.push(FieldError::invalid(path, name, detail));
    }
}

fn review_versions(webhook: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let versions = list(webhook, "/admissionReviewVersions");
    if versions.is_empty() {
        errors.push(FieldError::required(path, "must specify one of v1, v1beta1"));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, version) in versions.iter().filter_map(Value::as_str).enumerate() {
        let path = format!("{path}[{index}]");
        if !seen.insert(version) {
            errors.push(FieldError::invalid(path, version, "duplicate version"));
            continue;
        }
        let bad = names::dns_1035_label(version).into_iter();
        errors.extend(bad.map(|detail| FieldError::invalid(path.as_str(), version, detail)));
    }
    if !seen.contains("v1") && !seen.contains("v1beta1") {
        let detail = "must include at least one of v1, v1beta1";
        errors.push(FieldError::invalid(path, versions.to_vec(), detail));
    }
}
