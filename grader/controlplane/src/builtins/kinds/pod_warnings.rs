//! What is allowed but odd about pods and pod templates (pkg/api/pod/warnings.go).
//!
//! Left out: files of one volume that hide each other, and annotations of AppArmor.

use super::placement::{PREFERRED, REQUIRED};
use super::{claim, resources};
use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::ip;
use crate::go_text;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Ports of one number that each further one is held against.
const MOST_PORTS_COMPARED: usize = 1_000;
/// Pairs of ports are not told beyond so many warnings: there can be far more of them than of ports.
const MOST_WARNINGS: usize = 1_000;

/// Texts for Warning headers about a pod (`root` is empty) or a template (`root` is its path and a dot).
pub(super) fn of(pod: &Value, root: &str) -> Vec<String> {
    let spec = at(pod, "/spec");
    let path = format!("{root}spec");
    let mut warnings = Vec::new();
    node_labels(spec, &path, &mut warnings);
    annotations(pod, root, &mut warnings);
    volumes(spec, &path, &mut warnings);
    names(spec, &path, &mut warnings);
    addresses(spec, &path, &mut warnings);
    fractions(at(spec, "/overhead"), &format!("{path}.overhead"), &mut warnings);
    let containers = containers(spec, &path);
    for (container, path) in &containers {
        fractions(at(container, "/resources/limits"), &format!("{path}.resources.limits"), &mut warnings);
        fractions(at(container, "/resources/requests"), &format!("{path}.resources.requests"), &mut warnings);
        environment(container, path, &mut warnings);
    }
    ports(&containers, &mut warnings);
    affinity(spec, &path, &mut warnings);
    warnings
}

fn containers<'a>(spec: &'a Value, path: &str) -> Vec<(&'a Value, String)> {
    let kinds = ["initContainers", "containers", "ephemeralContainers"].into_iter();
    let of_kind = |kind: &'static str| {
        let all = list(spec, &format!("/{kind}")).iter().enumerate();
        all.map(move |(i, container)| (container, format!("{path}.{kind}[{i}]")))
    };
    kinds.flat_map(of_kind).collect()
}

fn deprecated_label(key: &str) -> Option<&'static str> {
    Some(match key {
        "beta.kubernetes.io/arch" => "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os" => "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region" => {
            "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"
        }
        "failure-domain.beta.kubernetes.io/zone" => {
            "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"
        }
        "beta.kubernetes.io/instance-type" => {
            "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"
        }
        "app.kubernetes.io/created-by" => "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods" => {
            "deprecated since v1.22; use Taints and Tolerations instead"
        }
        "node-role.kubernetes.io/master" => "use \"node-role.kubernetes.io/control-plane\" instead",
        _ => return None,
    })
}

/// Labels of nodes that have new names.
fn node_labels(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    for key in at(spec, "/nodeSelector").as_object().into_iter().flat_map(|selector| selector.keys()) {
        let instead = deprecated_label(key);
        warnings.extend(instead.map(|instead| format!("{path}.nodeSelector[{key}]: {instead}")));
    }
    let nodes = at(spec, "/affinity/nodeAffinity");
    for (i, required) in list(nodes, &format!("/{REQUIRED}/nodeSelectorTerms")).iter().enumerate() {
        let path = format!("{path}.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[{i}]");
        node_term(required, &path, warnings);
    }
    for (i, preferred) in list(nodes, &format!("/{PREFERRED}")).iter().enumerate() {
        let path = format!("{path}.affinity.nodeAffinity.{PREFERRED}[{i}].preference");
        node_term(at(preferred, "/preference"), &path, warnings);
    }
    for (i, spread) in list(spec, "/topologySpreadConstraints").iter().enumerate() {
        let path = format!("{path}.topologySpreadConstraints[{i}]");
        let key = text(spread, "/topologyKey");
        let instead = deprecated_label(key);
        warnings.extend(instead.map(|text| format!("{path}.topologyKey: {key} is {text}")));
        no_selector(spread, &path, warnings);
    }
}

/// Labels of nodes that have new names, in a term of a selector.
pub(super) fn node_term(term: &Value, path: &str, warnings: &mut Vec<String>) {
    for (i, expression) in list(term, "/matchExpressions").iter().enumerate() {
        let key = text(expression, "/key");
        let instead = deprecated_label(key);
        warnings.extend(instead.map(|text| format!("{path}.matchExpressions[{i}].key: {key} is {text}")));
    }
}

fn no_selector(term: &Value, path: &str, warnings: &mut Vec<String>) {
    if !has(term, "labelSelector") {
        warnings.push(format!("{path}.labelSelector: a null labelSelector results in matching no pod"));
    }
}

fn annotations(pod: &Value, root: &str, warnings: &mut Vec<String>) {
    for (key, instead) in [
        (
            "scheduler.alpha.kubernetes.io/critical-pod",
            "non-functional in v1.16+; use the \"priorityClassName\" field instead",
        ),
        (
            "security.alpha.kubernetes.io/sysctls",
            "non-functional in v1.11+; use the \"sysctls\" field instead",
        ),
        (
            "security.alpha.kubernetes.io/unsafe-sysctls",
            "non-functional in v1.11+; use the \"sysctls\" field instead",
        ),
    ] {
        if at(pod, "/metadata/annotations").get(key).is_some() {
            warnings.push(format!("{root}metadata.annotations[{key}]: {instead}"));
        }
    }
}

/// A source of a volume that Kubernetes has given up.
pub(super) fn gone_source(volume: &Value, path: &str, warnings: &mut Vec<String>) {
    const GONE: [(&str, &str); 9] = [
        ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
        ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
        ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
        ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ];
    for (source, since) in GONE.iter().filter(|(source, _)| has(volume, source)) {
        // The Go field is spelled so, and the path with it.
        let source = if *source == "storageos" { "storageOS" } else { source };
        warnings.push(format!("{path}.{source}: {since}"));
    }
}

/// Sources that Kubernetes has given up, and projections of nothing.
fn volumes(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    for (i, volume) in list(spec, "/volumes").iter().enumerate() {
        gone_source(volume, &format!("{path}.volumes[{i}]"), warnings);
        let template = at(volume, "/ephemeral/volumeClaimTemplate/spec");
        let path = format!("{path}.volumes[{i}].ephemeral.volumeClaimTemplate.spec");
        warnings.extend(claim::warnings(template, &path));
    }
    for volume in list(spec, "/volumes") {
        let name = go_text::quote(text(volume, "/name"));
        for _ in list(volume, "/projected/sources").iter().filter(|source| is_empty(source)) {
            warnings.push(format!("volume {name} (Projected) has no sources provided"));
        }
    }
}

fn is_empty(object: &Value) -> bool {
    object.as_object().is_none_or(|members| members.values().all(Value::is_null))
}

/// Names and addresses that are there twice, or not at all.
fn names(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    for (field, key) in [("hostAliases", "ip"), ("imagePullSecrets", "name")] {
        let mut seen = BTreeSet::new();
        for (i, item) in list(spec, &format!("/{field}")).iter().enumerate() {
            let value = text(item, &format!("/{key}"));
            if !seen.insert(value) {
                let value = go_text::quote(value);
                warnings.push(format!("{path}.{field}[{i}].{key}: duplicate {key} {value}"));
            }
        }
    }
    for (i, secret) in list(spec, "/imagePullSecrets").iter().enumerate() {
        if text(secret, "/name").is_empty() {
            warnings.push(format!("{path}.imagePullSecrets[{i}].name: invalid empty name \"\""));
        }
    }
}

/// Addresses that others would write in another way.
fn addresses(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    let servers = list(spec, "/dnsConfig/nameservers").iter().filter_map(Value::as_str).enumerate();
    warnings.extend(servers.filter_map(|(i, server)| {
        ip::address_warning(server, &format!("{path}.dnsConfig.nameservers[{i}]"))
    }));
    let aliases = list(spec, "/hostAliases").iter().enumerate();
    warnings.extend(aliases.filter_map(|(i, alias)| {
        ip::address_warning(text(alias, "/ip"), &format!("{path}.hostAliases[{i}].ip"))
    }));
}

/// Parts of bytes.
fn fractions(amounts: &Value, path: &str, warnings: &mut Vec<String>) {
    for name in ["memory", "ephemeral-storage"] {
        let amount = amounts.get(name).and_then(resources::parse).filter(|amount| !amount.is_whole());
        warnings.extend(amount.map(|amount| {
            format!("{path}[{name}]: fractional byte value \"{amount}\" is invalid, must be an integer")
        }));
    }
}

/// Variables that hide others of their name without using them.
fn environment(container: &Value, path: &str, warnings: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (i, variable) in list(container, "/env").iter().enumerate() {
        let (name, value) = (text(variable, "/name"), text(variable, "/value"));
        if seen.insert(name) {
            continue;
        }
        let reference = format!("$({name})");
        if has(variable, "valueFrom") || value == reference || !value.contains(&reference) {
            let name = go_text::quote(name);
            warnings.push(format!(
                "{path}.env[{i}]: hides previous definition of {name}, which may be dropped when using apply"
            ));
        }
    }
}

struct Port<'a> {
    path: String,
    host_ip: &'a str,
    host_port: i64,
}

fn ports(containers: &[(&Value, String)], warnings: &mut Vec<String>) {
    let all = || {
        containers.iter().flat_map(|(container, path)| {
            let ports = list(container, "/ports").iter().enumerate();
            ports.map(move |(i, port)| (port, format!("{path}.ports[{i}]")))
        })
    };
    let mut seen: BTreeMap<(i64, &str), Vec<Port>> = BTreeMap::new();
    for (port, path) in all() {
        let (host_ip, host_port) = (text(port, "/hostIP"), number(port, "/hostPort").unwrap_or_default());
        let (protocol, inside) =
            (text(port, "/protocol"), number(port, "/containerPort").unwrap_or_default());
        if !host_ip.is_empty() && host_port == 0 {
            // The text shows the Go struct.
            warnings.push(format!(
                "{path}: hostIP set without hostPort: {{Name:{} HostPort:0 ContainerPort:{inside} \
                 Protocol:{protocol} HostIP:{host_ip}}}",
                text(port, "/name")
            ));
        }
        let others = seen.entry((inside, protocol)).or_default();
        for other in others.iter().take(MOST_PORTS_COMPARED) {
            if warnings.len() >= MOST_WARNINGS {
                return;
            }
            let how = if (host_ip, host_port) == (other.host_ip, other.host_port) {
                "duplicate"
            } else if host_port == 0 || other.host_port == 0 {
                "overlapping"
            } else if host_port == other.host_port && host_ip.is_empty() != other.host_ip.is_empty() {
                "dangerously ambiguous"
            } else {
                continue;
            };
            warnings.push(format!("{path}: {how} port definition with {}", other.path));
        }
        others.push(Port { path, host_ip, host_port });
    }
    let mut named: BTreeMap<&str, String> = BTreeMap::new();
    for (port, path) in all().filter(|(port, _)| !text(port, "/name").is_empty()) {
        let name = text(port, "/name");
        match named.get(name) {
            Some(other) => warnings.push(format!(
                "{path}: duplicate port name {} with {other}, services and probes that select ports by name will use \
                 {other}",
                go_text::quote(name)
            )),
            None => drop(named.insert(name, path)),
        }
    }
}

/// Terms about pods that select none.
fn affinity(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    for kind in ["podAffinity", "podAntiAffinity"] {
        let affinity = at(spec, &format!("/affinity/{kind}"));
        for (i, term) in list(affinity, &format!("/{REQUIRED}")).iter().enumerate() {
            no_selector(term, &format!("{path}.affinity.{kind}.{REQUIRED}[{i}]"), warnings);
        }
        for (i, preferred) in list(affinity, &format!("/{PREFERRED}")).iter().enumerate() {
            let path = format!("{path}.affinity.{kind}.{PREFERRED}[{i}].podAffinityTerm");
            no_selector(at(preferred, "/podAffinityTerm"), &path, warnings);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn odd_things_are_told() {
        let container = |extra: Value| json!({"containers": [extra]});
        let table = [
            (
                container(
                    json!({"ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "TCP"}]}),
                ),
                vec![
                    "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
                ],
            ),
            (
                container(json!({"ports": [
                    {"containerPort": 80, "protocol": "TCP", "hostPort": 1},
                    {"containerPort": 80, "protocol": "TCP", "hostPort": 1, "hostIP": "1.2.3.4"},
                    {"containerPort": 80, "protocol": "TCP"},
                ]})),
                vec![
                    "spec.containers[0].ports[1]: dangerously ambiguous port definition with spec.containers[0].ports[0]",
                    "spec.containers[0].ports[2]: overlapping port definition with spec.containers[0].ports[0]",
                    "spec.containers[0].ports[2]: overlapping port definition with spec.containers[0].ports[1]",
                ],
            ),
            (
                container(json!({"ports": [{"containerPort": 80, "protocol": "TCP", "hostIP": "1.2.3.4"}]})),
                vec![
                    "spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:1.2.3.4}",
                ],
            ),
            (
                container(json!({"env": [
                    {"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}, {"name": "A", "value": "3"},
                ]})),
                vec![
                    "spec.containers[0].env[2]: hides previous definition of \"A\", which may be dropped when using apply",
                ],
            ),
            (
                json!({"imagePullSecrets": [{}, {"name": "a"}, {"name": "a"}]}),
                vec![
                    "spec.imagePullSecrets[2].name: duplicate name \"a\"",
                    "spec.imagePullSecrets[0].name: invalid empty name \"\"",
                ],
            ),
            (
                json!({"volumes": [{"name": "v", "projected": {"sources": [{}]}}]}),
                vec!["volume \"v\" (Projected) has no sources provided"],
            ),
            (
                json!({"overhead": {"memory": "100m"}}),
                vec!["spec.overhead[memory]: fractional byte value \"100m\" is invalid, must be an integer"],
            ),
            (
                json!({"topologySpreadConstraints": [{"topologyKey": "failure-domain.beta.kubernetes.io/zone"}]}),
                vec![
                    "spec.topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
                    "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
                ],
            ),
        ];
        for (spec, expected) in table {
            assert_eq!(of(&json!({"spec": spec}), ""), expected, "{spec}");
        }
        let template = json!({"spec": {"imagePullSecrets": [{}]}});
        assert_eq!(
            of(&template, "spec.template."),
            ["spec.template.spec.imagePullSecrets[0].name: invalid empty name \"\""]
        );
    }
}
