//! The rules of `spec.conversion`. Converting by webhook is described but not done: see the crate's differences.

use crate::builtins::names::{dns_1035_label, dns_subdomain};
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

fn webhook_url(url: &str, field: &str) -> Vec<FieldError> {
    let form = "; desired format: https://host[/path]";
    let mut errors = Vec::new();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if scheme != "https" {
        errors.push(FieldError::invalid(
            field,
            scheme,
            format!("'https' is the only allowed URL scheme{form}"),
        ));
    }
    let authority = rest.split(['/', '?', '#']).next().filter(|_| !scheme.is_empty()).unwrap_or_default();
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if host.is_empty() {
        errors.push(FieldError::invalid(field, "", format!("host must be specified{form}")));
    }
    let (before_fragment, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let query = before_fragment.split_once('?').map_or("", |(_, query)| query);
    for (value, detail) in [
        (user.unwrap_or_default(), "user information is not permitted in the URL"),
        (fragment, "fragments are not permitted in the URL"),
        (query, "query parameters are not permitted in the URL"),
    ] {
        if !value.is_empty() {
            errors.push(FieldError::invalid(field, value, detail));
        }
    }
    errors
}

fn webhook_service(service: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for name in ["name", "namespace"] {
        if service[name].as_str().unwrap_or_default().is_empty() {
            errors.push(FieldError::required(format!("{path}.{name}"), ""));
        }
    }
    let port = service["port"].as_i64().unwrap_or(443);
    if !(1..=65535).contains(&port) {
        let detail = "port is not valid: must be between 1 and 65535, inclusive";
        errors.push(FieldError::invalid(format!("{path}.port"), port, detail));
    }
    let Some(url_path) = service["path"].as_str().filter(|path| !matches!(*path, "" | "/")) else {
        return errors;
    };
    let mut refuse =
        |detail: String| errors.push(FieldError::invalid(format!("{path}.path"), url_path, detail));
    let Some(steps) = url_path.strip_prefix('/') else {
        refuse("must start with a '/'".to_owned());
        return errors;
    };
    for (index, step) in steps.strip_suffix('/').unwrap_or(steps).split('/').enumerate() {
        if step.is_empty() {
            refuse(format!("segment[{index}] may not be empty"));
        } else {
            dns_subdomain(step).into_iter().for_each(|detail| refuse(format!("segment[{index}]: {detail}")));
        }
    }
    errors
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
