//! Checking containers (validateContainers in pkg/apis/core/validation/validation.go).

use super::pod_references;
use super::pod_security;
use super::pod_spec::{not_negative, one_of};
use super::{ephemeral_containers, resources};
use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::names;
use crate::field_error::FieldError;
use serde_json::Value;
use std::collections::BTreeSet;

const PORT_PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// Checks all containers of a PodSpec; `volumes` are the names of its volumes.
pub(super) fn validate(spec: &Value, volumes: &BTreeSet<&str>, path: &str, errors: &mut Vec<FieldError>) {
    let containers = list(spec, "/containers");
    if containers.is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    let mut seen = BTreeSet::new();
    let pod = PodTerms {
        grace: number(spec, "/terminationGracePeriodSeconds"),
        never_restarts: text(spec, "/restartPolicy") == "Never",
    };
    for (i, container) in containers.iter().enumerate() {
        let path = format!("{path}.containers[{i}]");
        common(container, volumes, &path, errors);
        unique_name(container, &mut seen, &path, errors);
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            check_probe(container, probe, &path, errors);
        }
        check_lifecycle(container, &pod, &path, errors);
        resize_policies(container, &pod, &path, errors);
    }
    host_port_conflicts(containers, &format!("{path}.containers"), errors);
    for (i, container) in list(spec, "/initContainers").iter().enumerate() {
        let path = format!("{path}.initContainers[{i}]");
        common(container, volumes, &path, errors);
        unique_name(container, &mut seen, &path, errors);
        let policies = ["Always", "Never", "OnFailure"];
        if has(container, "restartPolicy") {
            one_of(errors, container, &path, "restartPolicy", &policies);
        }
        let sidecar = text(container, "/restartPolicy") == "Always";
        if sidecar {
            check_lifecycle(container, &pod, &path, errors);
        }
        resize_policies(container, &pod, &path, errors);
        for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if sidecar && key != "lifecycle" {
                check_probe(container, key, &path, errors);
            } else if !sidecar && has(container, key) {
                let detail = "may not be set for init containers without restartPolicy=Always";
                errors.push(FieldError::forbidden(format!("{path}.{key}"), detail));
            }
        }
    }
    let others = seen.clone();
    for (i, container) in list(spec, "/ephemeralContainers").iter().enumerate() {
        let path = format!("{path}.ephemeralContainers[{i}]");
        common(container, volumes, &path, errors);
        unique_name(container, &mut seen, &path, errors);
        ephemeral_containers::validate(container, &others, &path, errors);
    }
}

/// What a pod says of all its containers.
struct PodTerms {
    /// How long a container may take to stop, in seconds.
    grace: Option<i64>,
    never_restarts: bool,
}

fn unique_name<'a>(
    container: &'a Value,
    seen: &mut BTreeSet<&'a str>,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    let name = text(container, "/name");
    if !seen.insert(name) {
        errors.push(FieldError::duplicate(format!("{path}.name"), name));
    }
}

fn common(container: &Value, volumes: &BTreeSet<&str>, path: &str, errors: &mut Vec<FieldError>) {
    match text(container, "/name") {
        "" => errors.push(FieldError::required(format!("{path}.name"), "")),
        name => {
            let bad = names::dns_label(name).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.name"), name, e)));
        }
    }
    if text(container, "/image").is_empty() {
        errors.push(FieldError::required(format!("{path}.image"), ""));
    }
    one_of(errors, container, path, "terminationMessagePolicy", &["File", "FallbackToLogsOnError"]);
    one_of(errors, container, path, "imagePullPolicy", &["Always", "IfNotPresent", "Never"]);
    ports(list(container, "/ports"), &format!("{path}.ports"), errors);
    environment(container, path, errors);
    mounts(container, volumes, path, errors);
    resources::validate(at(container, "/resources"), &format!("{path}.resources"), errors);
    pod_security::validate_container(container, path, errors);
}

fn ports(ports: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (i, port) in ports.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let name = text(port, "/name");
        if !name.is_empty() {
            let bad = names::port_name(name);
            if bad.is_empty() && !seen.insert(name) {
                errors.push(FieldError::duplicate(format!("{path}.name"), name));
            }
            errors.extend(bad.into_iter().map(|e| FieldError::invalid(format!("{path}.name"), name, e)));
        }
        match number(port, "/containerPort").unwrap_or_default() {
            0 => errors.push(FieldError::required(format!("{path}.containerPort"), "")),
            number => {
                let bad = names::port_number(number).into_iter();
                errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.containerPort"), number, e)));
            }
        }
        if let Some(number) = number(port, "/hostPort").filter(|number| *number != 0) {
            let bad = names::port_number(number).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.hostPort"), number, e)));
        }
        one_of(errors, port, &path, "protocol", &PORT_PROTOCOLS);
    }
}

fn host_port_conflicts(containers: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (i, container) in containers.iter().enumerate() {
        for (j, port) in list(container, "/ports").iter().enumerate() {
            let Some(number) = number(port, "/hostPort").filter(|number| *number != 0) else { continue };
            let key = format!("{}/{}/{number}", text(port, "/protocol"), text(port, "/hostIP"));
            if !seen.insert(key.clone()) {
                errors.push(FieldError::duplicate(format!("{path}[{i}].ports[{j}].hostPort"), key));
            }
        }
    }
}

fn environment(container: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (i, variable) in list(container, "/env").iter().enumerate() {
        let path = format!("{path}.env[{i}]");
        match text(variable, "/name") {
            "" => errors.push(FieldError::required(format!("{path}.name"), "")),
            name => {
                let bad = names::env_var_name(name).into_iter();
                errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.name"), name, e)));
            }
        }
        if let Some(source) = variable.get("valueFrom") {
            value_from(source, text(variable, "/value"), &format!("{path}.valueFrom"), errors);
        }
    }
    let all = format!("{path}.envFrom");
    for (i, source) in list(container, "/envFrom").iter().enumerate() {
        let path = format!("{all}[{i}]");
        let prefix = text(source, "/prefix");
        if !prefix.is_empty() {
            let bad = names::env_var_name(prefix).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.prefix"), prefix, e)));
        }
        let sources: Vec<&str> =
            ["configMapRef", "secretRef"].into_iter().filter(|key| has(source, key)).collect();
        for key in &sources {
            if text(source, &format!("/{key}/name")).is_empty() {
                errors.push(FieldError::required(format!("{path}.{key}.name"), ""));
            }
        }
        let detail = match sources.len() {
            0 => "must specify one of: `configMapRef` or `secretRef`",
            1 => continue,
            _ => "may not have more than one field specified at a time",
        };
        errors.push(FieldError::invalid(all.as_str(), "", detail));
    }
}

fn value_from(source: &Value, value: &str, path: &str, errors: &mut Vec<FieldError>) {
    const SOURCES: [&str; 5] =
        ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
    let sources: Vec<&str> = SOURCES.into_iter().filter(|key| has(source, key)).collect();
    for key in &sources {
        let reference = at(source, &format!("/{key}"));
        let path = format!("{path}.{key}");
        match *key {
            "configMapKeyRef" | "secretKeyRef" => {
                if text(reference, "/name").is_empty() {
                    errors.push(FieldError::required(format!("{path}.name"), ""));
                }
                match text(reference, "/key") {
                    "" => errors.push(FieldError::required(format!("{path}.key"), "")),
                    key => {
                        let bad = names::config_map_key(key).into_iter();
                        errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.key"), key, e)));
                    }
                }
            }
            "fieldRef" => pod_references::field(reference, &pod_references::IN_ENVIRONMENT, &path, errors),
            "resourceFieldRef" => pod_references::resource(reference, false, &path, errors),
            _ => {}
        }
    }
    let detail = match sources.len() {
        0 => {
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        }
        _ if !value.is_empty() => "may not be specified when `value` is not empty",
        1 => return,
        _ => "may not have more than one field specified at a time",
    };
    errors.push(FieldError::invalid(path, "", detail));
}

fn mounts(container: &Value, volumes: &BTreeSet<&str>, path: &str, errors: &mut Vec<FieldError>) {
    let mut places = BTreeSet::new();
    for (i, mount) in list(container, "/volumeMounts").iter().enumerate() {
        let here = format!("{path}.volumeMounts[{i}]");
        let (name, place) = (text(mount, "/name"), text(mount, "/mountPath"));
        if name.is_empty() {
            errors.push(FieldError::required(format!("{here}.name"), ""));
        }
        if !volumes.contains(name) {
            errors.push(FieldError::not_found(format!("{here}.name"), name));
        }
        if place.is_empty() {
            errors.push(FieldError::required(format!("{here}.mountPath"), ""));
        }
        if !places.insert(place) {
            errors.push(FieldError::invalid(format!("{here}.mountPath"), place, "must be unique"));
        }
        let (below, expanded) = (text(mount, "/subPath"), text(mount, "/subPathExpr"));
        if !below.is_empty() && !expanded.is_empty() {
            let detail = "subPathExpr and subPath are mutually exclusive";
            errors.push(FieldError::invalid(format!("{here}.subPathExpr"), expanded, detail));
        }
        for key in ["subPath", "subPathExpr"] {
            let below = text(mount, &format!("/{key}"));
            // Upstream leaves the index out here.
            let path = format!("{path}.volumeMounts.{key}");
            if below.starts_with('/') {
                errors.push(FieldError::invalid(path.as_str(), below, "must be a relative path"));
            }
            if below.split('/').any(|part| part == "..") {
                errors.push(FieldError::invalid(path, below, "must not contain '..'"));
            }
        }
    }
    for (i, device) in list(container, "/volumeDevices").iter().enumerate() {
        let here = format!("{path}.volumeDevices[{i}]");
        let name = text(device, "/name");
        if !volumes.contains(name) {
            errors.push(FieldError::not_found(format!("{here}.name"), name));
        }
        if text(device, "/devicePath").is_empty() {
            errors.push(FieldError::required(format!("{here}.devicePath"), ""));
        }
    }
}

fn check_probe(container: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    let Some(probe) = container.get(key).filter(|probe| probe.is_object()) else { return };
    let path = format!("{path}.{key}");
    handler(probe, &["exec", "httpGet", "tcpSocket", "grpc"], &path, errors);
    for key in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        not_negative(errors, probe, &path, key);
    }
    let grace = number(probe, "/terminationGracePeriodSeconds");
    if let Some(seconds) = grace.filter(|seconds| *seconds <= 0) {
        let path = format!("{path}.terminationGracePeriodSeconds");
        errors.push(FieldError::invalid(path, seconds, "must be greater than 0"));
    }
    let successes = number(probe, "/successThreshold").unwrap_or_default();
    match (key, grace) {
        ("readinessProbe", Some(seconds)) => {
            let path = format!("{path}.terminationGracePeriodSeconds");
            errors.push(FieldError::invalid(path, seconds, "must not be set for readinessProbes"));
        }
        ("readinessProbe", None) => {}
        _ if successes != 1 => {
            errors.push(FieldError::invalid(format!("{path}.successThreshold"), successes, "must be 1"));
        }
        _ => {}
    }
}

fn check_lifecycle(container: &Value, pod: &PodTerms, path: &str, errors: &mut Vec<FieldError>) {
    for key in ["postStart", "preStop"] {
        let hook = at(container, &format!("/lifecycle/{key}"));
        if !hook.is_object() {
            continue;
        }
        let path = format!("{path}.lifecycle.{key}");
        handler(hook, &["exec", "httpGet", "tcpSocket", "sleep"], &path, errors);
        let seconds = number(hook, "/sleep/seconds");
        if let (Some(seconds), Some(grace)) = (seconds, pod.grace)
            && !(0..=grace).contains(&seconds)
        {
            let detail =
                format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
            errors.push(FieldError::invalid(format!("{path}.sleep"), seconds, detail));
        }
    }
}

/// What happens to the container when its resources change.
fn resize_policies(container: &Value, pod: &PodTerms, path: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.resizePolicy");
    let mut seen = BTreeSet::new();
    for (i, policy) in list(container, "/resizePolicy").iter().enumerate() {
        let (resource, restart) = (text(policy, "/resourceName"), text(policy, "/restartPolicy"));
        if !seen.insert(resource) {
            errors.push(FieldError::duplicate(format!("{path}[{i}]"), resource));
        }
        // Upstream leaves the index out of these paths.
        for (value, known) in [(resource, ["cpu", "memory"]), (restart, ["NotRequired", "RestartContainer"])]
        {
            if value.is_empty() {
                errors.push(FieldError::required(path.as_str(), ""));
            } else if !known.contains(&value) {
                errors.push(FieldError::not_supported(path.as_str(), value, known));
            }
        }
        if pod.never_restarts && restart != "NotRequired" {
            let detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            errors.push(FieldError::invalid(path.as_str(), restart, detail));
        }
    }
}

fn handler(handler: &Value, kinds: &[&str], path: &str, errors: &mut Vec<FieldError>) {
    let mut first = true;
    for kind in kinds.iter().filter(|kind| has(handler, kind)) {
        let action = at(handler, &format!("/{kind}"));
        let path = format!("{path}.{kind}");
        if !std::mem::take(&mut first) {
            errors.push(FieldError::forbidden(path, "may not specify more than 1 handler type"));
            continue;
        }
        match *kind {
            "exec" if list(action, "/command").is_empty() => {
                errors.push(FieldError::required(format!("{path}.command"), ""));
            }
            "httpGet" | "tcpSocket" | "grpc" => port_number_or_name(at(action, "/port"), &path, errors),
            _ => {}
        }
        if *kind == "httpGet" {
            let scheme = text(action, "/scheme");
            if !["HTTP", "HTTPS"].contains(&scheme) {
                errors.push(FieldError::not_supported(format!("{path}.scheme"), scheme, ["HTTP", "HTTPS"]));
            }
            for header in list(action, "/httpHeaders") {
                let name = text(header, "/name");
                let wrong = names::http_header(name);
                errors.extend(wrong.map(|e| FieldError::invalid(format!("{path}.httpHeaders"), name, e)));
            }
        }
    }
    if first {
        errors.push(FieldError::required(path, "must specify a handler type"));
    }
}

fn port_number_or_name(port: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.port");
    let bad = match port {
        Value::String(name) => names::port_name(name),
        number => names::port_number(number.as_i64().unwrap_or_default()),
    };
    errors.extend(bad.into_iter().map(|e| FieldError::invalid(path.as_str(), port.clone(), e)));
}
