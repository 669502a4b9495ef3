//! ConfigMaps and Secrets (pkg/apis/core/validation/validation.go).

use crate::builtins::fields::{at, list, members, text};
use crate::builtins::names;
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use crate::patch;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Values of one ConfigMap or Secret together, in bytes.
const MOST_BYTES: usize = 1024 * 1024;

pub(super) struct ConfigMap;

impl Rules for ConfigMap {
    fn validate_create(&self, map: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut size = 0;
        for (key, value) in members(map, "/data").into_iter().flatten() {
            errors.extend(bad_key(key, "data"));
            if at(map, "/binaryData").get(key).is_some() {
                let text = "duplicate of key present in binaryData";
                errors.push(FieldError::invalid(format!("data[{key}]"), key.as_str(), text));
            }
            size += value.as_str().map_or(0, str::len);
        }
        for (key, value) in members(map, "/binaryData").into_iter().flatten() {
            errors.extend(bad_key(key, "binaryData"));
            size += decoded(value).len();
        }
        if size > MOST_BYTES {
            // Upstream's path of the whole object.
            errors.push(FieldError::too_long("[]", MOST_BYTES));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = unchanged_if_immutable(new, old, &["data", "binaryData"]);
        errors.extend(self.validate_create(new));
        errors
    }
}

pub(super) struct Secret;

impl Rules for Secret {
    fn validate_create(&self, secret: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut size = 0;
        for (key, value) in members(secret, "/data").into_iter().flatten() {
            errors.extend(bad_key(key, "data"));
            size += decoded(value).len();
        }
        if size > MOST_BYTES {
            errors.push(FieldError::too_long("data", MOST_BYTES));
        }
        let has_key = |key: &str| at(secret, "/data").get(key).is_some();
        let needs = |key: &str| FieldError::required(format!("data[{key}]"), "");
        match text(secret, "/type") {
            "kubernetes.io/service-account-token" => {
                let annotation = "kubernetes.io/service-account.name";
                let annotations = at(secret, "/metadata/annotations");
                if annotations.get(annotation).and_then(Value::as_str).unwrap_or_default().is_empty() {
                    errors.push(FieldError::required(format!("metadata.annotations[{annotation}]"), ""));
                }
            }
            "kubernetes.io/dockercfg" => errors.extend(json_key(secret, ".dockercfg")),
            "kubernetes.io/dockerconfigjson" => errors.extend(json_key(secret, ".dockerconfigjson")),
            "kubernetes.io/basic-auth" if !has_key("username") && !has_key("password") => {
                errors.extend([needs("username"), needs("password")]);
            }
            "kubernetes.io/ssh-auth" => {
                let key = at(secret, "/data").get("ssh-privatekey").map(decoded).unwrap_or_default();
                if key.is_empty() {
                    errors.push(needs("ssh-privatekey"));
                }
            }
            "kubernetes.io/tls" => {
                errors.extend(["tls.crt", "tls.key"].into_iter().filter(|key| !has_key(key)).map(needs));
            }
            _ => {}
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if text(new, "/type") != text(old, "/type") {
            errors.push(FieldError::invalid("type", text(new, "/type"), "field is immutable"));
        }
        errors.extend(unchanged_if_immutable(new, old, &["data"]));
        errors.extend(self.validate_create(new));
        errors
    }
}

/// ServiceAccounts have nothing to check.
pub(super) struct ServiceAccount;

impl Rules for ServiceAccount {
    fn warnings(&self, new: &Value, _old: Option<&Value>) -> Vec<String> {
        let annotation = "kubernetes.io/enforce-mountable-secrets";
        let used = at(new, "/metadata/annotations").get(annotation).is_some();
        let text = format!(
            "metadata.annotations[{annotation}]: deprecated in v1.32+; prefer separate namespaces to isolate access to \
             mounted secrets"
        );
        if used && !list(new, "/secrets").is_empty() { vec![text] } else { Vec::new() }
    }
}

fn unchanged_if_immutable(new: &Value, old: &Value, keys: &[&str]) -> Vec<FieldError> {
    const WHY: &str = "field is immutable when `immutable` is set";
    if at(old, "/immutable") != true {
        return Vec::new();
    }
    let mut errors = Vec::new();
    if at(new, "/immutable") != true {
        errors.push(FieldError::forbidden("immutable", WHY));
    }
    let changed = keys.iter().filter(|key| new.get(**key) != old.get(**key));
    errors.extend(changed.map(|key| FieldError::forbidden(*key, WHY)));
    errors
}

fn bad_key(key: &str, field: &str) -> Vec<FieldError> {
    let bad = names::config_map_key(key).into_iter();
    bad.map(|text| FieldError::invalid(format!("{field}[{key}]"), key, text)).collect()
}

fn json_key(secret: &Value, key: &str) -> Option<FieldError> {
    let path = format!("data[{key}]");
    let Some(value) = at(secret, "/data").get(key) else {
        return Some(FieldError::required(path, ""));
    };
    let text = patch::decode::decode(&decoded(value)).err()?;
    Some(FieldError::invalid(path, "<secret contents redacted>", text))
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default()
}
