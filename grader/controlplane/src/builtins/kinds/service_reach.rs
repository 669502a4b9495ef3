//! How services are reached from outside: addresses, load balancers, families
//! (ValidateService in pkg/apis/core/validation/validation.go, pkg/registry/core/service/storage/alloc.go).

use super::service::is_headless;
use crate::builtins::fields::{list, members, number, text};
use crate::builtins::{ip, names};
use crate::field_error::FieldError;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Checks what a service says about ways to it.
pub(super) fn validate(service: &Value, errors: &mut Vec<FieldError>) {
    let is_balanced = text(service, "/spec/type") == "LoadBalancer";
    let only_balanced = "may only be used when `type` is 'LoadBalancer'";
    for (i, external) in list(service, "/spec/externalIPs").iter().filter_map(Value::as_str).enumerate() {
        let path = format!("spec.externalIPs[{i}]");
        match (ip::address(external), external.parse()) {
            (None, Ok(address)) => {
                errors.extend(FieldError::invalid_for_each(&path, external, ip::unreachable(address)));
            }
            (wrong, _) => errors.extend(wrong.map(|detail| FieldError::invalid(path, external, detail))),
        }
    }
    let ranges = list(service, "/spec/loadBalancerSourceRanges");
    if !ranges.is_empty() {
        // Upstream writes the field like this.
        let path = "spec.LoadBalancerSourceRanges";
        if !is_balanced {
            errors.push(FieldError::forbidden(path, only_balanced));
        }
        for (i, range) in ranges.iter().filter_map(Value::as_str).map(str::trim).enumerate() {
            let bad = ip::range(range);
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}[{i}]"), range, e)));
        }
    }
    let class = text(service, "/spec/loadBalancerClass");
    if !class.is_empty() {
        let path = "spec.loadBalancerClass";
        if !is_balanced {
            errors.push(FieldError::forbidden(path, only_balanced));
        }
        let bad = names::qualified_name(class).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(path, class, e)));
    }
    let port = number(service, "/spec/healthCheckNodePort").unwrap_or_default();
    if port != 0 && !(is_balanced && text(service, "/spec/externalTrafficPolicy") == "Local") {
        let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        errors.push(FieldError::invalid("spec.healthCheckNodePort", port, detail));
    }
    let distribution = text(service, "/spec/trafficDistribution");
    let known = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    if !distribution.is_empty() && !known.contains(&distribution) {
        errors.push(FieldError::not_supported("spec.trafficDistribution", distribution, known));
    }
    families(service, errors);
}

/// The cluster has addresses of one family, IPv4. Endpoints that nobody selects may have others.
fn families(service: &Value, errors: &mut Vec<FieldError>) {
    let selects = members(service, "/spec/selector").is_some_and(|labels| !labels.is_empty());
    if is_headless(service) && !selects {
        return;
    }
    let mut seen = BTreeSet::new();
    for (i, family) in list(service, "/spec/ipFamilies").iter().filter_map(Value::as_str).enumerate() {
        let path = format!("spec.ipFamilies[{i}]");
        if !seen.insert(family) {
            errors.push(FieldError::duplicate(path.as_str(), family));
        }
        match family {
            "IPv4" => {}
            "IPv6" => errors.push(FieldError::invalid(path, family, "not configured on this cluster")),
            other => errors.push(FieldError::not_supported(path, other, ["IPv4", "IPv6"])),
        }
    }
    match text(service, "/spec/ipFamilyPolicy") {
        "" | "SingleStack" | "PreferDualStack" => {}
        policy @ "RequireDualStack" => {
            let detail = "this cluster is not configured for dual-stack services";
            errors.push(FieldError::invalid("spec.ipFamilyPolicy", policy, detail));
        }
        other => {
            let known = ["PreferDualStack", "RequireDualStack", "SingleStack"];
            errors.push(FieldError::not_supported("spec.ipFamilyPolicy", other, known));
        }
    }
}

/// Checks what a load balancer has reported.
pub(super) fn validate_status(service: &Value) -> Vec<FieldError> {
    let points = list(service, "/status/loadBalancer/ingress");
    if text(service, "/spec/type") != "LoadBalancer" && !points.is_empty() {
        let detail = "may only be used when `spec.type` is 'LoadBalancer'";
        return vec![FieldError::forbidden("status.loadBalancer.ingress", detail)];
    }
    balancing_points(service)
}

/// Checks where a Service or an Ingress is reached from outside.
pub(super) fn balancing_points(object: &Value) -> Vec<FieldError> {
    let path = "status.loadBalancer.ingress";
    let mut errors = Vec::new();
    for (i, point) in list(object, "/status/loadBalancer/ingress").iter().enumerate() {
        let (address, name) = (text(point, "/ip"), text(point, "/hostname"));
        if !address.is_empty() {
            let bad = ip::address(address);
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}[{i}].ip"), address, e)));
        }
        let mode = text(point, "/ipMode");
        if !matches!(mode, "" | "VIP" | "Proxy") {
            let path = format!("{path}[{i}].ipMode");
            errors.push(FieldError::not_supported(path, mode, ["Proxy", "VIP"]));
        }
        if !name.is_empty() {
            let path = format!("{path}[{i}].hostname");
            errors.extend(
                names::dns_subdomain(name).into_iter().map(|e| FieldError::invalid(path.as_str(), name, e)),
            );
            if name.parse::<IpAddr>().is_ok() {
                let detail = "must be a DNS name, not an IP address";
                errors.push(FieldError::invalid(path, name, detail));
            }
        }
    }
    errors
}
