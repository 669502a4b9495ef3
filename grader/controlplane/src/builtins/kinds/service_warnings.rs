//! What is told about a service that does nothing, or will do nothing soon (pkg/api/service/warnings.go).

use crate::builtins::fields::{at, list, text};
use crate::builtins::ip;
use serde_json::Value;

const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
const MODE: &str = "service.kubernetes.io/topology-mode";

/// The warnings of a service.
pub(super) fn of(service: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    if at(service, "/metadata/annotations").get(HINTS).is_some() {
        warnings.push(format!("annotation {HINTS} is deprecated, please use {MODE} instead"));
    }
    let addresses = list(service, "/spec/externalIPs").iter().filter_map(Value::as_str).enumerate();
    warnings.extend(
        addresses.filter_map(|(i, address)| ip::address_warning(address, &format!("spec.externalIPs[{i}]"))),
    );
    let has_external_ips = !list(service, "/spec/externalIPs").is_empty();
    if text(service, "/spec/clusterIP") == "None" {
        let ignored = [
            ("loadBalancerIP", !text(service, "/spec/loadBalancerIP").is_empty()),
            ("externalIPs", has_external_ips),
            ("SessionAffinity", text(service, "/spec/sessionAffinity") != "None"),
        ];
        let ignored = ignored.iter().filter(|(_, given)| *given);
        warnings.extend(ignored.map(|(field, _)| format!("spec.{field} is ignored for headless services")));
    } else if has_external_ips && text(service, "/spec/type") == "ExternalName" {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    } else if has_external_ips {
        let fate = "is deprecated and may no longer be implemented in some clusters";
        warnings.push(format!("spec.externalIPs {fate}"));
    }
    warnings.extend(ip::address_warning(text(service, "/spec/loadBalancerIP"), "spec.loadBalancerIP"));
    let ranges = list(service, "/spec/loadBalancerSourceRanges").iter().filter_map(Value::as_str).enumerate();
    warnings.extend(
        ranges.filter_map(|(i, range)| {
            ip::range_warning(range, &format!("spec.loadBalancerSourceRanges[{i}]"))
        }),
    );
    if text(service, "/spec/trafficDistribution") == "PreferClose" {
        let text = "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"";
        warnings.push(text.to_owned());
    }
    warnings
}
