//! Files that volumes make: of keys, of fields of the pod, of several sources
//! (validateKeyToPath, validateDownwardAPIVolumeFile and validateProjectionSources in
//! pkg/apis/core/validation/validation.go).

use super::pod_references;
use crate::builtins::fields::{at, has, list, number, text};
use crate::field_error::FieldError;
use serde_json::Value;

/// Checks the permissions of files.
pub(super) fn mode(source: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(mode) = number(source, &format!("/{key}")).filter(|mode| !(0..=0o777).contains(mode)) {
        let detail = "must be a number between 0 and 0777 (octal), both inclusive";
        errors.push(FieldError::invalid(format!("{path}.{key}"), mode, detail));
    }
}

/// Checks that a path does not lead upwards.
pub(super) fn no_way_up(place: &str, path: &str, errors: &mut Vec<FieldError>) {
    if place.split('/').any(|part| part == "..") {
        errors.push(FieldError::invalid(path, place, "must not contain '..'"));
    }
}

/// Checks which keys become which files.
pub(super) fn items(source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (i, item) in list(source, "/items").iter().enumerate() {
        let path = format!("{path}.items[{i}]");
        if text(item, "/key").is_empty() {
            errors.push(FieldError::required(format!("{path}.key"), ""));
        }
        file(text(item, "/path"), &format!("{path}.path"), errors);
        mode(item, "mode", &path, errors);
    }
}

/// Checks a file made of a field of the pod. Upstream leaves the index out of the path.
pub(super) fn downward(item: &Value, path: &str, errors: &mut Vec<FieldError>) {
    file(text(item, "/path"), &format!("{path}.path"), errors);
    match (has(item, "fieldRef"), has(item, "resourceFieldRef")) {
        (true, true) => {
            let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
            errors.push(FieldError::invalid(path, "resource", detail));
        }
        (true, false) => {
            let (reference, path) = (at(item, "/fieldRef"), format!("{path}.fieldRef"));
            pod_references::field(reference, &pod_references::IN_VOLUMES, &path, errors);
        }
        (false, true) => {
            let (reference, path) = (at(item, "/resourceFieldRef"), format!("{path}.resourceFieldRef"));
            pod_references::resource(reference, true, &path, errors);
        }
        (false, false) => {
            errors.push(FieldError::required(path, "one of fieldRef and resourceFieldRef is required"));
        }
    }
    mode(item, "mode", path, errors);
}

/// Checks the sources of a projected volume.
pub(super) fn projected(volume: &Value, path: &str, errors: &mut Vec<FieldError>) {
    const LEAST_SECONDS: i64 = 600;
    for (i, source) in list(volume, "/sources").iter().enumerate() {
        let here = format!("{path}.sources[{i}]");
        if source.as_object().is_some_and(|kinds| kinds.len() > 1) {
            let detail = "may not specify more than 1 volume type per source";
            errors.push(FieldError::forbidden(here.as_str(), detail));
            continue;
        }
        for kind in ["secret", "configMap"].into_iter().filter(|kind| has(source, kind)) {
            let (named, here) = (at(source, &format!("/{kind}")), format!("{here}.{kind}"));
            if text(named, "/name").is_empty() {
                errors.push(FieldError::required(format!("{here}.name"), ""));
            }
            items(named, &here, errors);
        }
        for item in list(source, "/downwardAPI/items") {
            downward(item, &format!("{here}.downwardAPI"), errors);
        }
        if has(source, "serviceAccountToken") {
            let token = at(source, "/serviceAccountToken");
            let seconds = number(token, "/expirationSeconds").unwrap_or(LEAST_SECONDS);
            if seconds < LEAST_SECONDS {
                let here = format!("{here}.serviceAccountToken.expirationSeconds");
                let detail = "may not specify a duration less than 10 minutes";
                errors.push(FieldError::invalid(here, seconds, detail));
            }
            // Upstream leaves the source out of the path.
            file(text(token, "/path"), &format!("{path}.path"), errors);
        }
    }
}

fn file(place: &str, path: &str, errors: &mut Vec<FieldError>) {
    if place.is_empty() {
        errors.push(FieldError::required(path, ""));
    } else if place.starts_with('/') {
        errors.push(FieldError::invalid(path, place, "must be a relative path"));
    }
    no_way_up(place, path, errors);
    if place.starts_with("..") && !place.starts_with("../") && place != ".." {
        errors.push(FieldError::invalid(path, place, "must not start with '..'"));
    }
}
