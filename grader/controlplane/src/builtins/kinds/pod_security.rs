//! Security contexts of pods and containers, and the operating system
//! (ValidatePodSecurityContext and ValidateSecurityContext in pkg/apis/core/validation/validation.go).

use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::names;
use crate::field_error::FieldError;
use serde_json::{Value, json};

/// Checks the security context of a PodSpec, and what else it shares with the host.
pub(super) fn validate(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let context = at(spec, "/securityContext");
    let inside = format!("{path}.securityContext");
    ids(context, &["fsGroup", "runAsUser", "runAsGroup"], &inside, errors);
    for (i, group) in list(context, "/supplementalGroups").iter().filter_map(Value::as_i64).enumerate() {
        let bad = names::in_range(group, 0, i64::from(i32::MAX)).into_iter();
        let path = format!("{inside}.supplementalGroups[{i}]");
        errors.extend(bad.map(|e| FieldError::invalid(path.as_str(), group, e)));
    }
    known(context, "fsGroupChangePolicy", &["Always", "OnRootMismatch"], &inside, errors);
    known(context, "supplementalGroupsPolicy", &["Merge", "Strict"], &inside, errors);
    seccomp(at(context, "/seccompProfile"), &format!("{inside}.seccompProfile"), errors);
    if at(spec, "/shareProcessNamespace") == true && at(spec, "/hostPID") == true {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(FieldError::invalid(format!("{inside}.shareProcessNamespace"), true, detail));
    }
    if has(spec, "os") {
        match text(spec, "/os/name") {
            "" => errors.push(FieldError::required(format!("{path}.os.name"), "")),
            "linux" | "windows" => {}
            other => {
                errors.push(FieldError::not_supported(format!("{path}.os"), other, ["linux", "windows"]));
            }
        }
    }
}

/// Checks the security context of a container.
pub(super) fn validate_container(container: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let context = at(container, "/securityContext");
    let path = format!("{path}.securityContext");
    if at(context, "/privileged") == true && at(context, "/allowPrivilegeEscalation") == false {
        let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
        errors.push(FieldError::invalid(path.as_str(), context.clone(), detail));
    }
    ids(context, &["runAsUser", "runAsGroup"], &path, errors);
    known(context, "procMount", &["Default", "Unmasked"], &path, errors);
    seccomp(at(context, "/seccompProfile"), &format!("{path}.seccompProfile"), errors);
}

fn ids(context: &Value, keys: &[&str], path: &str, errors: &mut Vec<FieldError>) {
    for key in keys {
        if let Some(id) = number(context, &format!("/{key}")) {
            let bad = names::in_range(id, 0, i64::from(i32::MAX)).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.{key}"), id, e)));
        }
    }
}

fn known(context: &Value, key: &str, known: &[&str], path: &str, errors: &mut Vec<FieldError>) {
    let value = text(context, &format!("/{key}"));
    if !value.is_empty() && !known.contains(&value) {
        errors.push(FieldError::not_supported(format!("{path}.{key}"), value, known));
    }
}

fn seccomp(profile: &Value, path: &str, errors: &mut Vec<FieldError>) {
    const TYPES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];
    if !profile.is_object() {
        return;
    }
    let (kind, file) = (text(profile, "/type"), text(profile, "/localhostProfile"));
    let at_file = format!("{path}.localhostProfile");
    match kind {
        "Localhost" if file.is_empty() => {
            errors.push(FieldError::required(at_file, "must be set when seccomp type is Localhost"));
        }
        "Localhost" => {}
        _ if !file.is_empty() => {
            let shown = json!({"Type": kind, "LocalhostProfile": file});
            let detail = "can only be set when seccomp type is Localhost";
            errors.push(FieldError::invalid(at_file, shown, detail));
        }
        _ => {}
    }
    if kind.is_empty() {
        errors.push(FieldError::required(
            format!("{path}.type"),
            "type is required when seccompProfile is set",
        ));
    } else if !TYPES.contains(&kind) {
        errors.push(FieldError::not_supported(format!("{path}.type"), kind, TYPES));
    }
}
