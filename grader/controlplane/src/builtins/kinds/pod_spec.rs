//! Checking PodSpecs and pod templates (ValidatePodSpec in pkg/apis/core/validation/validation.go).
//!
//! Left out: resource claims, and what only Windows has.

use super::containers;
use super::placement;
use super::pod_network;
use super::pod_security;
use super::sysctls;
use super::volumes;
use crate::builtins::fields::{has, list, members, number, text};
use crate::builtins::{meta, names};
use crate::field_error::FieldError;
use serde_json::Value;

/// Checks a pod template.
pub(super) fn validate_template(template: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = meta::validate_labels(members(template, "/metadata/labels"), &format!("{path}.labels"));
    let annotations = members(template, "/metadata/annotations");
    errors.extend(meta::validate_annotations(annotations, &format!("{path}.annotations")));
    let spec = template.get("spec").unwrap_or(&Value::Null);
    errors.extend(validate(spec, &format!("{path}.spec")));
    if !list(spec, "/ephemeralContainers").is_empty() {
        let detail = "ephemeral containers not allowed in pod template";
        errors.push(FieldError::forbidden(format!("{path}.spec.ephemeralContainers"), detail));
    }
    errors
}

/// Checks the spec of a pod or of a template.
pub(super) fn validate(spec: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let volumes = volumes::validate(list(spec, "/volumes"), &format!("{path}.volumes"), &mut errors);
    containers::validate(spec, &volumes, path, &mut errors);
    one_of(&mut errors, spec, path, "restartPolicy", &["Always", "OnFailure", "Never"]);
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    one_of(&mut errors, spec, path, "dnsPolicy", &policies);
    errors.extend(meta::validate_labels(members(spec, "/nodeSelector"), &format!("{path}.nodeSelector")));
    type NameCheck = fn(&str) -> Vec<String>;
    let checks: [(&str, NameCheck); 5] = [
        ("serviceAccountName", names::dns_subdomain),
        ("nodeName", names::dns_subdomain),
        ("hostname", names::dns_label),
        ("subdomain", names::dns_label),
        ("priorityClassName", names::dns_subdomain),
    ];
    for (key, check) in checks {
        let value = text(spec, &format!("/{key}"));
        if !value.is_empty() {
            errors.extend(
                check(value).into_iter().map(|e| FieldError::invalid(format!("{path}.{key}"), value, e)),
            );
        }
    }
    if let Some(seconds) = number(spec, "/activeDeadlineSeconds") {
        let bad = names::in_range(seconds, 1, i64::from(i32::MAX)).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.activeDeadlineSeconds"), seconds, e)));
    }
    placement::validate(spec, path, &mut errors);
    pod_network::validate(spec, path, &mut errors);
    pod_security::validate(spec, path, &mut errors);
    sysctls::validate(spec, path, &mut errors);
    for (i, toleration) in list(spec, "/tolerations").iter().enumerate() {
        tolerate(toleration, &format!("{path}.tolerations[{i}]"), &mut errors);
    }
    for (i, gate) in list(spec, "/readinessGates").iter().enumerate() {
        let path = format!("{path}.readinessGates[{i}].conditionType");
        let condition = text(gate, "/conditionType");
        let bad = names::qualified_name(condition).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(path.as_str(), condition, e)));
    }
    errors
}

/// A member that must be one of a few texts.
pub(super) fn one_of(errors: &mut Vec<FieldError>, object: &Value, path: &str, key: &str, known: &[&str]) {
    let path = format!("{path}.{key}");
    match text(object, &format!("/{key}")) {
        "" => errors.push(FieldError::required(path, "")),
        value if !known.contains(&value) => errors.push(FieldError::not_supported(path, value, known)),
        _ => {}
    }
}

/// A member that must not be below zero.
pub(super) fn not_negative(errors: &mut Vec<FieldError>, object: &Value, path: &str, key: &str) {
    if let Some(value) = number(object, &format!("/{key}")).filter(|value| *value < 0) {
        let detail = "must be greater than or equal to 0";
        let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        errors.push(FieldError::invalid(path, value, detail));
    }
}

/// Checks one toleration.
pub(super) fn tolerate(toleration: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (key, operator) = (text(toleration, "/key"), text(toleration, "/operator"));
    let (value, effect) = (text(toleration, "/value"), text(toleration, "/effect"));
    if !key.is_empty() {
        let bad = names::qualified_name(key).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.key"), key, e)));
    } else if operator != "Exists" {
        let detail =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.push(FieldError::invalid(format!("{path}.operator"), operator, detail));
    }
    if has(toleration, "tolerationSeconds") && effect != "NoExecute" {
        let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.push(FieldError::invalid(format!("{path}.effect"), effect, detail));
    }
    match operator {
        "" | "Equal" => {
            let bad = names::label_value(value);
            if !bad.is_empty() {
                errors.push(FieldError::invalid(format!("{path}.operator"), value, bad.join(";")));
            }
        }
        "Exists" if !value.is_empty() => {
            let detail = "value must be empty when `operator` is 'Exists'";
            errors.push(FieldError::invalid(format!("{path}.operator"), value, detail));
        }
        "Exists" => {}
        _ => {
            errors.push(FieldError::not_supported(format!("{path}.operator"), operator, ["Equal", "Exists"]))
        }
    }
    let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    if !effect.is_empty() && !effects.contains(&effect) {
        errors.push(FieldError::not_supported(format!("{path}.effect"), effect, effects));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(mut spec: Value, expected: &[&str]) {
        let pod = spec.as_object_mut().unwrap();
        for (key, usual) in [
            ("restartPolicy", json!("Always")),
            ("dnsPolicy", json!("ClusterFirst")),
            ("containers", json!([container(json!({}))])),
        ] {
            pod.entry(key).or_insert(usual);
        }
        let errors: Vec<String> = validate(&spec, "spec").iter().map(ToString::to_string).collect();
        assert_eq!(errors, expected, "{spec}");
    }

    fn container(mut extra: Value) -> Value {
        let usual = json!({"name": "c", "image": "i", "terminationMessagePolicy": "File", "imagePullPolicy": "Always"});
        for (key, value) in usual.as_object().unwrap() {
            extra[key] = value.clone();
        }
        extra
    }

    #[test]
    fn places_are_checked() {
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        let nodes =
            |terms: Value| json!({"affinity": {"nodeAffinity": {required: {"nodeSelectorTerms": terms}}}});
        let at = format!("spec.affinity.nodeAffinity.{required}.nodeSelectorTerms");
        check(
            nodes(json!([])),
            &[&format!("{at}: Required value: must have at least one node selector term")],
        );
        check(
            nodes(json!([{"matchExpressions": [{"key": "a", "operator": "In"}]}])),
            &[&format!(
                "{at}[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
            )],
        );
        check(
            nodes(json!([{"matchFields": [{"key": "a", "operator": "In", "values": ["x"]}]}])),
            &[&format!("{at}[0].matchFields[0].key: Invalid value: \"a\": not a valid field selector key")],
        );
        check(nodes(json!([{"matchExpressions": [{"key": "a", "operator": "Exists"}]}])), &[]);
        let spread = json!({"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"});
        check(
            json!({"topologySpreadConstraints": [spread, spread]}),
            &[
                "spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: \"{z, DoNotSchedule}\"",
            ],
        );
        check(
            json!({"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway"}]}),
            &["spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"],
        );
        check(
            json!({"schedulingGates": [{"name": "a"}, {"name": "a"}]}),
            &["spec.schedulingGates[1]: Duplicate value: \"a\""],
        );
    }

    #[test]
    fn names_ports_and_identities_are_checked() {
        check(
            json!({"dnsPolicy": "None"}),
            &["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
        );
        check(
            json!({"dnsConfig": {"nameservers": ["x"]}}),
            &[
                "spec.dnsConfig.nameservers[0]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            ],
        );
        check(
            json!({"hostNetwork": true, "containers": [container(json!({
                "ports": [{"containerPort": 80, "hostPort": 81, "protocol": "TCP"}]
            }))]}),
            &[
                "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true",
            ],
        );
        check(
            json!({"shareProcessNamespace": true, "hostPID": true, "securityContext": {"fsGroup": -1}}),
            &[
                "spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive",
                "spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled",
            ],
        );
        check(
            json!({"os": {"name": "mac"}}),
            &["spec.os: Unsupported value: \"mac\": supported values: \"linux\", \"windows\""],
        );
    }

    #[test]
    fn files_and_references_are_checked() {
        let volume = |source: Value| {
            let mut volume = source;
            volume["name"] = "v".into();
            json!({"volumes": [volume]})
        };
        check(
            volume(json!({"hostPath": {"path": "/a/../b"}})),
            &["spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"],
        );
        check(
            volume(json!({"projected": {"sources": [{"secret": {}}]}})),
            &["spec.volumes[0].projected.sources[0].secret.name: Required value"],
        );
        check(
            volume(json!({"downwardAPI": {"items": [{"path": "../x"}]}})),
            &[
                "spec.volumes[0].downwardAPI.path: Invalid value: \"../x\": must not contain '..'",
                "spec.volumes[0].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required",
            ],
        );
        let reference = |path: &str| {
            let field = json!({"apiVersion": "v1", "fieldPath": path});
            json!({"containers": [container(json!({"env": [{"name": "A", "valueFrom": {"fieldRef": field}}]}))]})
        };
        check(reference("metadata.labels['a']"), &[]);
        check(
            reference("spec.foo"),
            &[
                "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.foo\": error converting fieldPath: field label not supported: spec.foo",
            ],
        );
    }
}
