//! The rules of `spec.conversion`.

use crate::builtins::names::dns_1035_label;
use crate::builtins::webhook_client::{webhook_service, webhook_url};
use crate::field_error::FieldError;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn validate(conversion: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if conversion.is_null() {
        return errors;
    }
    let webhook = &conversion["webhook"];
    let versions = webhook["conversionReviewVersions"].as_array().map_or(&[][..], Vec::as_slice);
    match conversion["strategy"].as_str().unwrap_or_default() {
        "" => errors.push(FieldError::required("spec.conversion.strategy", "")),
        "None" | "Webhook" => {}
        strategy => {
            errors.push(FieldError::not_supported("spec.conversion.strategy", strategy, ["None", "Webhook"]));
        }
    }
    if conversion["strategy"] == "Webhook" {
        errors.extend(client_config(&webhook["clientConfig"]));
        errors.extend(review_versions(versions));
    } else {
        let detail = "should not be set when strategy is not set to Webhook";
        if !webhook["clientConfig"].is_null() {
            errors.push(FieldError::forbidden("spec.conversion.webhookClientConfig", detail));
        }
        if !versions.is_empty() {
            errors.push(FieldError::forbidden("spec.conversion.conversionReviewVersions", detail));
        }
    }
    errors
}

fn client_config(config: &Value) -> Vec<FieldError> {
    let path = "spec.conversion.webhookClientConfig";
    match (&config["url"], &config["service"]) {
        _ if config.is_null() => vec![FieldError::required(path, "required when strategy is set to Webhook")],
        (Value::String(url), Value::Null) => webhook_url(url, &format!("{path}.url")),
        (Value::Null, service @ Value::Object(_)) => webhook_service(service, &format!("{path}.service")),
        _ => vec![FieldError::required(path, "exactly one of url or service is required")],
    }
}

fn review_versions(versions: &[Value]) -> Vec<FieldError> {
    let path = "spec.conversion.conversionReviewVersions";
    if versions.is_empty() {
        return vec![FieldError::required(path, "")];
    }
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, version) in versions.iter().enumerate() {
        let version = version.as_str().unwrap_or_default();
        let field = format!("{path}[{index}]");
        if !seen.insert(version) {
            errors.push(FieldError::invalid(field, version, "duplicate version"));
            continue;
        }
        let bad = dns_1035_label(version).into_iter();
        errors.extend(bad.map(|detail| FieldError::invalid(field.clone(), version, detail)));
    }
    if !seen.contains("v1") && !seen.contains("v1beta1") {
        errors.push(FieldError::invalid(path, versions.to_vec(), "must include at least one of v1, v1beta1"));
    }
    errors
}
