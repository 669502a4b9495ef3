//! Services: what they may say (pkg/apis/core/validation/validation.go, pkg/registry/core/service/strategy.go).

use super::service_allocation;
use super::service_reach;
use super::service_warnings;
use crate::builtins::fields::{at, has, list, list_mut, members, number, set, text};
use crate::builtins::meta;
use crate::builtins::names::{self, NameRule};
use crate::builtins::rules::{Cluster, Rules, keep_all_but_status, keep_status};
use crate::error::ApiError;
use crate::field_error::FieldError;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) struct Service;

impl Rules for Service {
    fn names(&self) -> NameRule {
        NameRule::Label
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn admit(&self, new: &mut Value, old: Option<&Value>, cluster: &mut dyn Cluster) -> Result<(), ApiError> {
        service_allocation::allocate(new, old, cluster)
    }

    fn warnings(&self, service: &Value, _: Option<&Value>) -> Vec<String> {
        service_warnings::of(service)
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        if subresource == Some("status") {
            return keep_all_but_status(new, old);
        }
        keep_status(new, old);
        drop_what_the_type_does_not_have(new, old);
    }

    fn validate_create(&self, service: &Value) -> Vec<FieldError> {
        validate(service)
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() {
            return service_reach::validate_status(new);
        }
        let mut errors = kept_addresses(new, old);
        let port = |service: &Value| number(service, "/spec/healthCheckNodePort");
        if needs_health_check(new) && needs_health_check(old) && port(new) != port(old) {
            errors.push(FieldError::forbidden("spec.healthCheckNodePort", "field is immutable"));
        }
        errors.extend(validate(new));
        errors
    }
}

/// Whether the service has no address on purpose.
pub(super) fn is_headless(service: &Value) -> bool {
    list(service, "/spec/clusterIPs").first().is_some_and(|ip| ip == "None")
        || (list(service, "/spec/clusterIPs").is_empty() && text(service, "/spec/clusterIP") == "None")
}

/// Whether the service has addresses in the cluster, be it none.
pub(super) fn has_cluster_ip(service: &Value) -> bool {
    text(service, "/spec/type") != "ExternalName"
}

/// Whether the service has ports on every node.
pub(super) fn has_node_ports(service: &Value) -> bool {
    match text(service, "/spec/type") {
        "NodePort" => true,
        "LoadBalancer" => at(service, "/spec/allocateLoadBalancerNodePorts") != false,
        _ => false,
    }
}

/// Whether a load balancer asks every node, at a port for that, if it has endpoints.
pub(super) fn needs_health_check(service: &Value) -> bool {
    text(service, "/spec/type") == "LoadBalancer" && text(service, "/spec/externalTrafficPolicy") == "Local"
}

/// What another type had and the request did not change goes away with the type.
fn drop_what_the_type_does_not_have(new: &mut Value, old: &Value) {
    let same = |new: &Value, key: &str| at(new, "/spec").get(key) == at(old, "/spec").get(key);
    let mut gone: Vec<&str> = Vec::new();
    if has_cluster_ip(old) && !has_cluster_ip(new) {
        if same(new, "clusterIP") && same(new, "clusterIPs") {
            gone.extend(["clusterIP", "clusterIPs"]);
        }
        let own = ["ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"];
        gone.extend(own.into_iter().filter(|key| same(new, key)));
    }
    if text(old, "/spec/type") == "LoadBalancer" && text(new, "/spec/type") != "LoadBalancer" {
        let own = ["allocateLoadBalancerNodePorts", "loadBalancerClass"];
        gone.extend(own.into_iter().filter(|key| same(new, key)));
    }
    if needs_health_check(old) && !needs_health_check(new) && same(new, "healthCheckNodePort") {
        gone.push("healthCheckNodePort");
    }
    if is_external(old) && !is_external(new) && same(new, "externalTrafficPolicy") {
        gone.push("externalTrafficPolicy");
    }
    for key in gone {
        set(&mut new["spec"], key, None);
    }
    let ports = |service: &Value| -> Vec<Option<i64>> {
        list(service, "/spec/ports").iter().map(|port| number(port, "/nodePort")).collect()
    };
    if has_node_ports(old) && !has_node_ports(new) && ports(old) == ports(new) {
        list_mut(new, "/spec/ports").iter_mut().for_each(|port| set(port, "nodePort", None));
    }
    if text(new, "/spec/type") != "LoadBalancer" {
        set(&mut new["status"], "loadBalancer", Some(json!({})));
    }
}

/// Addresses do not change as long as the service has some.
fn kept_addresses(new: &Value, old: &Value) -> Vec<FieldError> {
    if !has_cluster_ip(new) || !has_cluster_ip(old) || (is_headless(new) && is_headless(old)) {
        return Vec::new();
    }
    let (after, before) = (list(new, "/spec/clusterIPs"), list(old, "/spec/clusterIPs"));
    let shown = || Value::from(after.to_vec());
    let changed =
        |i: usize| FieldError::invalid(format!("spec.clusterIPs[{i}]"), shown(), "may not change once set");
    if after.is_empty() && !before.is_empty() {
        let detail = "primary clusterIP can not be unset";
        return vec![FieldError::invalid("spec.clusterIPs[0]", shown(), detail)];
    }
    let pairs = before.iter().zip(after).enumerate();
    pairs.filter(|(_, (before, after))| before != after).map(|(i, _)| changed(i)).collect()
}

fn validate(service: &Value) -> Vec<FieldError> {
    const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    let mut errors = Vec::new();
    let kind = text(service, "/spec/type");
    let headless = is_headless(service);
    if list(service, "/spec/ports").is_empty() && !headless && kind != "ExternalName" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            let detail = format!("may not be set to 'None' for {kind} services");
            errors.push(FieldError::invalid("spec.clusterIPs[0]", "None", detail));
        }
        "ExternalName" => external_name(service, &mut errors),
        _ => {}
    }
    ports(service, &mut errors);
    errors.extend(meta::validate_labels(members(service, "/spec/selector"), "spec.selector"));
    match text(service, "/spec/sessionAffinity") {
        "" => errors.push(FieldError::required("spec.sessionAffinity", "")),
        "None" => {}
        "ClientIP" => {
            let seconds =
                number(service, "/spec/sessionAffinityConfig/clientIP/timeoutSeconds").unwrap_or_default();
            if !(1..=86400).contains(&seconds) {
                let path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
                let detail = "must be greater than 0 and less than 86400";
                errors.push(FieldError::invalid(path, seconds, detail));
            }
        }
        affinity => {
            let known = ["ClientIP", "None"];
            errors.push(FieldError::not_supported("spec.sessionAffinity", affinity, known));
        }
    }
    if kind.is_empty() {
        errors.push(FieldError::required("spec.type", ""));
    } else if !TYPES.contains(&kind) {
        errors.push(FieldError::not_supported("spec.type", kind, TYPES));
    }
    if has(at(service, "/spec"), "allocateLoadBalancerNodePorts") && kind != "LoadBalancer" {
        let path = "spec.allocateLoadBalancerNodePorts";
        errors.push(FieldError::forbidden(path, "may only be used when `type` is 'LoadBalancer'"));
    }
    for (key, known) in
        [("externalTrafficPolicy", ["Cluster", "Local"]), ("internalTrafficPolicy", ["Cluster", "Local"])]
    {
        let policy = text(service, &format!("/spec/{key}"));
        if !policy.is_empty() && !known.contains(&policy) {
            errors.push(FieldError::not_supported(format!("spec.{key}"), policy, known));
        }
    }
    let policy = text(service, "/spec/externalTrafficPolicy");
    if !policy.is_empty() && !is_external(service) {
        let detail = "may only be set for externally-accessible services";
        errors.push(FieldError::invalid("spec.externalTrafficPolicy", policy, detail));
    }
    service_reach::validate(service, &mut errors);
    errors
}

/// Whether anything outside of the cluster can reach the service through it.
fn is_external(service: &Value) -> bool {
    match text(service, "/spec/type") {
        "NodePort" | "LoadBalancer" => true,
        "ClusterIP" => !list(service, "/spec/externalIPs").is_empty(),
        _ => false,
    }
}

fn external_name(service: &Value, errors: &mut Vec<FieldError>) {
    for key in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if has(at(service, "/spec"), key) {
            let detail = "may not be set for ExternalName services";
            errors.push(FieldError::forbidden(format!("spec.{key}"), detail));
        }
    }
    match text(service, "/spec/externalName").trim_end_matches('.') {
        "" => errors.push(FieldError::required("spec.externalName", "")),
        name => {
            let bad = names::dns_subdomain(name).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid("spec.externalName", name, e)));
        }
    }
}

fn ports(service: &Value, errors: &mut Vec<FieldError>) {
    let all = list(service, "/spec/ports");
    let (mut seen_names, mut seen_ports, mut seen_node_ports) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (i, port) in all.iter().enumerate() {
        let path = format!("spec.ports[{i}]");
        match text(port, "/name") {
            "" if all.len() > 1 => errors.push(FieldError::required(format!("{path}.name"), "")),
            "" => {}
            name => {
                let bad = names::dns_label(name).into_iter();
                errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.name"), name, e)));
                if !seen_names.insert(name) {
                    errors.push(FieldError::duplicate(format!("{path}.name"), name));
                }
            }
        }
        let number = number(port, "/port").unwrap_or_default();
        let bad = names::port_number(number).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.port"), number, e)));
        let protocol = text(port, "/protocol");
        let known = ["SCTP", "TCP", "UDP"];
        if !known.contains(&protocol) {
            errors.push(FieldError::not_supported(format!("{path}.protocol"), protocol, known));
        }
        let target = at(port, "/targetPort");
        let bad = match target {
            Value::String(name) => names::port_name(name),
            number => names::port_number(number.as_i64().unwrap_or_default()),
        };
        errors.extend(
            bad.into_iter().map(|e| FieldError::invalid(format!("{path}.targetPort"), target.clone(), e)),
        );
        let application = text(port, "/appProtocol");
        if !application.is_empty() {
            let bad = names::qualified_name(application).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.appProtocol"), application, e)));
        }
        if !seen_ports.insert((protocol, number)) {
            // The text shows the Go struct.
            let shown = json!({
                "Name": "", "Protocol": protocol, "AppProtocol": null, "Port": number, "TargetPort": 0, "NodePort": 0,
            });
            errors.push(FieldError::duplicate(path.as_str(), shown));
        }
        node_port(service, port, &path, &mut seen_node_ports, errors);
    }
}

fn node_port<'a>(
    service: &Value,
    port: &'a Value,
    path: &str,
    seen: &mut BTreeSet<(&'a str, i64)>,
    errors: &mut Vec<FieldError>,
) {
    let Some(number) = number(port, "/nodePort").filter(|number| *number != 0) else { return };
    let path = format!("{path}.nodePort");
    if text(service, "/spec/type") == "ClusterIP" {
        let detail = "may not be used when `type` is 'ClusterIP'";
        errors.push(FieldError::forbidden(path.as_str(), detail));
    }
    if !seen.insert((text(port, "/protocol"), number)) {
        errors.push(FieldError::duplicate(path, number));
    }
}
