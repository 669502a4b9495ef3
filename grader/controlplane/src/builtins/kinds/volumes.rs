//! Checking volumes (ValidateVolumes in pkg/apis/core/validation/validation.go): the sources that need no cloud.

use super::claim;
use crate::builtins::fields::{at, list, text};
use crate::builtins::names;
use crate::field_error::FieldError;
use serde_json::Value;
use std::collections::BTreeSet;

/// Checks the volumes and returns the names of those that are fine.
pub(super) fn validate<'a>(
    volumes: &'a [Value],
    path: &str,
    errors: &mut Vec<FieldError>,
) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    for (i, volume) in volumes.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let before = errors.len();
        source(volume, &path, errors);
        let name = text(volume, "/name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        } else {
            let bad = names::dns_label(name).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.name"), name, e)));
        }
        if seen.contains(name) {
            errors.push(FieldError::duplicate(format!("{path}.name"), name));
        }
        if errors.len() == before {
            seen.insert(name);
        }
    }
    seen
}

fn source(volume: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let sources: Vec<&String> =
        volume.as_object().into_iter().flat_map(|v| v.keys()).filter(|key| *key != "name").collect();
    for extra in sources.iter().skip(1) {
        let detail = "may not specify more than 1 volume type";
        errors.push(FieldError::forbidden(format!("{path}.{extra}"), detail));
    }
    let Some(kind) = sources.first() else {
        errors.push(FieldError::required(path, "must specify a volume type"));
        return;
    };
    let source = at(volume, &format!("/{kind}"));
    let path = format!("{path}.{kind}");
    let mut needs = |key: &str| {
        if text(source, &format!("/{key}")).is_empty() {
            errors.push(FieldError::required(format!("{path}.{key}"), ""));
        }
    };
    match kind.as_str() {
        "secret" => needs("secretName"),
        "configMap" => needs("name"),
        "persistentVolumeClaim" => needs("claimName"),
        "hostPath" => needs("path"),
        "nfs" => ["server", "path"].into_iter().for_each(needs),
        "csi" => needs("driver"),
        "ephemeral" => {
            let template = at(source, "/volumeClaimTemplate/spec");
            claim::validate_spec(template, &format!("{path}.volumeClaimTemplate.spec"), errors);
        }
        _ => {}
    }
    if ["secret", "configMap", "projected", "downwardAPI"].contains(&kind.as_str()) {
        if let Some(mode) = at(source, "/defaultMode").as_i64().filter(|mode| !(0..=0o777).contains(mode)) {
            let detail = "must be a number between 0 and 0777 (octal), both inclusive";
            errors.push(FieldError::invalid(format!("{path}.defaultMode"), mode, detail));
        }
        for (i, item) in list(source, "/items").iter().enumerate() {
            for key in ["key", "path"] {
                if text(item, &format!("/{key}")).is_empty()
                    && !(key == "key" && kind.as_str() == "downwardAPI")
                {
                    errors.push(FieldError::required(format!("{path}.items[{i}].{key}"), ""));
                }
            }
        }
    }
}
