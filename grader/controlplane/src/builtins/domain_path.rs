//! Names that a domain makes unique, such as `example.com/some/path` (apimachinery/pkg/util/validation/validation.go,
//! IsDomainPrefixedPath).

use super::names;
use crate::field_error::FieldError;

/// What is wrong with the name in this field.
pub(crate) fn validate(field: &str, name: &str) -> Vec<FieldError> {
    if name.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    let parts = name.split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty());
    let Some((host, path)) = parts else {
        let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        return vec![FieldError::invalid(field, name, detail)];
    };
    let mut errors = FieldError::invalid_for_each(field, host, names::dns_subdomain(host));
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte)) {
        let detail = names::regex_error("Invalid path", r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+", &[]);
        errors.push(FieldError::invalid(field, path, detail));
    }
    errors
}
