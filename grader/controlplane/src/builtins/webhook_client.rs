//! Where webhooks may be (apiserver/pkg/util/webhook/validation.go).

use super::names::dns_subdomain;
use crate::field_error::FieldError;
use serde_json::Value;

/// Checks the URL of a webhook.
pub(crate) fn webhook_url(url: &str, field: &str) -> Vec<FieldError> {
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

/// Checks the Service that a webhook is behind.
pub(crate) fn webhook_service(service: &Value, path: &str) -> Vec<FieldError> {
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
