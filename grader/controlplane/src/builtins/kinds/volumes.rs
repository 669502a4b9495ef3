//! Checking volumes (ValidateVolumes in pkg/apis/core/validation/validation.go): the sources that need no cloud.

use super::{claim, resources, volume_files};
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
        "hostPath" => {
            needs("path");
            volume_files::no_way_up(text(source, "/path"), &format!("{path}.path"), errors);
            host_path_type(text(source, "/type"), &path, errors);
        }
        "nfs" => ["server", "path"].into_iter().for_each(needs),
        "csi" => needs("driver"),
        "image" => needs("reference"),
        "gitRepo" => needs("repository"),
        "ephemeral" => {
            let template = at(source, "/volumeClaimTemplate/spec");
            claim::validate_spec(template, &format!("{path}.volumeClaimTemplate.spec"), errors);
        }
        "emptyDir" => {
            let limit = resources::parse(at(source, "/sizeLimit"));
            if limit.is_some_and(|limit| limit.is_negative()) {
                let detail = "SizeLimit field must be a valid resource quantity";
                errors.push(FieldError::forbidden(format!("{path}.sizeLimit"), detail));
            }
        }
        _ => {}
    }
    match kind.as_str() {
        "secret" | "configMap" => {
            volume_files::mode(source, "defaultMode", &path, errors);
            volume_files::items(source, &path, errors);
        }
        "downwardAPI" => {
            volume_files::mode(source, "defaultMode", &path, errors);
            for item in list(source, "/items") {
                volume_files::downward(item, &path, errors);
            }
        }
        "projected" => {
            volume_files::mode(source, "defaultMode", &path, errors);
            volume_files::projected(source, &path, errors);
        }
        _ => {}
    }
}

fn host_path_type(kind: &str, path: &str, errors: &mut Vec<FieldError>) {
    const KNOWN: [&str; 8] =
        ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    if !KNOWN.contains(&kind) {
        errors.push(FieldError::not_supported(format!("{path}.type"), kind, KNOWN));
    }
}
