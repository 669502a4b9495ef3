//! Checking volumes (ValidateVolumes in pkg/apis/core/validation/validation.go): the sources that need no cloud.

use super::{claim, csi, resources, volume_files};
use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::names;
use crate::field_error::FieldError;
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// What names of iSCSI targets look like, in each of the three ways to name them.
static ISCSI_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let qualified = r"iqn\.[0-9]{4}-[0-9]{2}\.[[:alnum:]\-.]+:[^,;*&$|\s]+";
    Regex::new(&format!("^(?:{qualified}|eui.[[:alnum:]]{{16}}|naa.[[:alnum:]]{{32}})$")).ok()
});

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
        "iscsi" => iscsi(source, "must be valid format starting with iqn, eui, or naa", &path, errors),
        "csi" => {
            csi::driver_name(text(source, "/driver"), &format!("{path}.driver"), errors);
            if has(source, "nodePublishSecretRef") && text(source, "/nodePublishSecretRef/name").is_empty() {
                errors.push(FieldError::required(format!("{path}.nodePublishSecretRef.name"), ""));
            }
        }
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
        other => place(other, source, &path, errors),
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

/// Checks sources that pods and PersistentVolumes have in common.
pub(super) fn place(kind: &str, source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    match kind {
        "hostPath" | "local" => on_node(source, path, errors),
        "nfs" => {
            for key in ["server", "path"] {
                if text(source, &format!("/{key}")).is_empty() {
                    errors.push(FieldError::required(format!("{path}.{key}"), ""));
                }
            }
            let place = text(source, "/path");
            if !place.starts_with('/') {
                errors.push(FieldError::invalid(format!("{path}.path"), place, "must be an absolute path"));
            }
        }
        "fc" => fibre_channel(source, path, errors),
        _ => {}
    }
}

/// A place among the files of a node.
fn on_node(source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    match text(source, "/path") {
        "" => errors.push(FieldError::required(format!("{path}.path"), "")),
        place => {
            volume_files::no_way_up(place, &format!("{path}.path"), errors);
            host_path_type(text(source, "/type"), path, errors);
        }
    }
}

/// Checks an iSCSI source; `wrong_start` is what to say of a name of no known kind.
pub(super) fn iscsi(source: &Value, wrong_start: &str, path: &str, errors: &mut Vec<FieldError>) {
    if text(source, "/targetPortal").is_empty() {
        errors.push(FieldError::required(format!("{path}.targetPortal"), ""));
    }
    let (name, at_name) = (text(source, "/iqn"), format!("{path}.iqn"));
    if name.is_empty() {
        errors.push(FieldError::required(at_name, ""));
    } else if !["iqn", "eui", "naa"].iter().any(|kind| name.starts_with(kind)) {
        errors.push(FieldError::invalid(at_name, name, wrong_start));
    } else if ISCSI_NAME.as_ref().is_some_and(|names| !names.is_match(name)) {
        errors.push(FieldError::invalid(at_name, name, "must be valid format"));
    }
    unit(number(source, "/lun").unwrap_or_default(), path, errors);
    let authenticates = ["chapAuthDiscovery", "chapAuthSession"];
    if !has(source, "secretRef") {
        if authenticates.iter().any(|key| at(source, &format!("/{key}")) == true) {
            errors.push(FieldError::required(format!("{path}.secretRef"), ""));
        }
    } else if text(source, "/secretRef/name").is_empty() {
        errors.push(FieldError::required(format!("{path}.secretRef.name"), ""));
    }
}

fn fibre_channel(source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (targets, identifiers) = (list(source, "/targetWWNs"), list(source, "/wwids"));
    let at_targets = format!("{path}.targetWWNs");
    if targets.is_empty() {
        if identifiers.is_empty() {
            let detail = "must specify either targetWWNs or wwids, but not both";
            errors.push(FieldError::required(at_targets, detail));
        }
        return;
    }
    if !identifiers.is_empty() {
        let detail = "targetWWNs and wwids can not be specified simultaneously";
        errors.push(FieldError::invalid(at_targets, targets.to_vec(), detail));
    }
    match number(source, "/lun") {
        Some(lun) => unit(lun, path, errors),
        None => {
            let detail = "lun is required if targetWWNs is specified";
            errors.push(FieldError::required(format!("{path}.lun"), detail));
        }
    }
}

/// The number of a logical unit.
fn unit(lun: i64, path: &str, errors: &mut Vec<FieldError>) {
    let bad = names::in_range(lun, 0, 255).into_iter();
    errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.lun"), lun, e)));
}

fn host_path_type(kind: &str, path: &str, errors: &mut Vec<FieldError>) {
    const KNOWN: [&str; 8] =
        ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    if !KNOWN.contains(&kind) {
        errors.push(FieldError::not_supported(format!("{path}.type"), kind, KNOWN));
    }
}
