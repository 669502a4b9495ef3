//! Kernel parameters of pods (`validateSysctls` in pkg/apis/core/validation/validation.go,
//! component-helpers/node/util/sysctl).

use crate::builtins::fields::{at, list, text};
use crate::field_error::FieldError;
use serde_json::Value;
use std::collections::BTreeSet;

const LONGEST: usize = 253;
const PATTERN: &str = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

/// Checks `securityContext.sysctls` of a pod.
pub(super) fn validate(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (i, sysctl) in list(spec, "/securityContext/sysctls").iter().enumerate() {
        let (path, name) = (format!("{path}.securityContext.sysctls[{i}].name"), text(sysctl, "/name"));
        if name.is_empty() {
            errors.push(FieldError::required(path.as_str(), ""));
        } else if !is_name(name) {
            let detail = format!("must have at most {LONGEST} characters and match regex {PATTERN}");
            errors.push(FieldError::invalid(path.as_str(), name, detail));
        } else if !seen.insert(name) {
            errors.push(FieldError::duplicate(path.as_str(), name));
        }
        let shared = match namespace(&with_dots(name)) {
            Some("Net") if at(spec, "/hostNetwork") == true => "hostNetwork",
            Some("IPC") if at(spec, "/hostIPC") == true => "hostIPC",
            _ => continue,
        };
        errors.push(FieldError::invalid(path, name, format!("may not be specified when '{shared}' is true")));
    }
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= LONGEST
        && name.split(['.', '/']).all(|part| {
            part.starts_with(plain)
                && part.ends_with(plain)
                && part.chars().all(|c| plain(c) || c == '-' || c == '_')
        })
}

/// A name may have slashes where it otherwise has dots, and then the other way round.
fn with_dots(name: &str) -> String {
    if name.find(['.', '/']).is_none_or(|first| name[first..].starts_with('.')) {
        return name.to_owned();
    }
    let swap = |c| match c {
        '.' => '/',
        '/' => '.',
        c => c,
    };
    name.chars().map(swap).collect()
}

/// The namespace of the kernel that a parameter belongs to.
fn namespace(name: &str) -> Option<&'static str> {
    const SHARED_MEMORY: [&str; 10] = [
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
        "kernel.shm",
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.msg",
    ];
    let name = name.split('*').next().unwrap_or_default();
    if SHARED_MEMORY.contains(&name) || name.starts_with("fs.mqueue.") {
        Some("IPC")
    } else {
        name.starts_with("net.").then_some("Net")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_those_of_the_kernel() {
        let table = [
            ("kernel.shm_rmid_forced", true),
            ("net/ipv4/conf.all/rp_filter", true),
            ("foo-", false),
            ("bar..", false),
            ("Kernel.sem", false),
        ];
        for (name, good) in table {
            assert_eq!(is_name(name), good, "{name}");
        }
    }

    #[test]
    fn parameters_of_the_host_are_not_the_pods() {
        let spec = json!({"hostNetwork": true, "securityContext": {"sysctls": [
            {"name": "net/ipv4/tcp", "value": "1"}, {"name": "kernel.sem", "value": "1"}, {"name": "kernel.sem"},
        ]}});
        let mut errors = Vec::new();
        validate(&spec, "spec", &mut errors);
        let texts: Vec<String> = errors.iter().map(FieldError::message).collect();
        assert_eq!(
            texts,
            [
                "Invalid value: \"net/ipv4/tcp\": may not be specified when \
                 'hostNetwork' is true",
                "Duplicate value: \"kernel.sem\"",
            ]
        );
    }
}
