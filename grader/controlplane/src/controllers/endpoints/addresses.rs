//! What a pod contributes to the endpoints of a Service (k8s.io/endpointslice/utils.go).

use super::is_headless;
use crate::controllers::{fields, pods};
use crate::object;
use serde_json::{Value, json};
use std::net::IpAddr;

/// Whether the pod can be reached at all, or could until a moment ago.
pub(super) fn has_endpoint(pod: &Value) -> bool {
    !pods::is_finished(pod) && !fields::text(pod, "/status/podIP").is_empty()
}

/// The families of a Service's addresses.
pub(super) fn families(service: &Value) -> Vec<&str> {
    let families: Vec<&str> =
        fields::items(service, "/spec/ipFamilies").iter().filter_map(Value::as_str).collect();
    if families.is_empty() { vec!["IPv4"] } else { families }
}

/// The family in which Endpoints are published.
pub(super) fn first_family(service: &Value) -> &str {
    families(service).first().copied().unwrap_or("IPv4")
}

/// The pod's address of a family.
pub(super) fn of_family(pod: &Value, family: &str) -> Option<String> {
    let addresses = fields::items(pod, "/status/podIPs").iter();
    let mut addresses = addresses.filter_map(|entry| entry["ip"].as_str()?.parse::<IpAddr>().ok());
    addresses.find(|address| address.is_ipv6() == (family == "IPv6")).map(|address| address.to_string())
}

/// An ObjectReference to the pod.
pub(super) fn target(pod: &Value) -> Value {
    json!({
        "kind": "Pod", "namespace": object::namespace(pod), "name": object::name(pod), "uid": object::uid(pod),
    })
}

/// The pod's own name below the Service's, where it has one.
pub(super) fn hostname<'a>(service: &Value, pod: &'a Value) -> Option<&'a str> {
    let hostname = fields::text(pod, "/spec/hostname");
    let named = !hostname.is_empty() && fields::text(pod, "/spec/subdomain") == object::name(service);
    named.then_some(hostname)
}

/// The ports that the pod serves for the Service; those that it does not have are left out. EndpointSlices name every
/// port, if only by the empty name.
pub(super) fn ports(service: &Value, pod: &Value, name_all: bool) -> Vec<Value> {
    let ports = fields::items(service, "/spec/ports");
    if ports.is_empty() && is_headless(service) {
        return Vec::new();
    }
    let served = ports.iter().filter_map(|port| {
        let mut served = json!({"port": find_port(pod, port)?, "protocol": port["protocol"]});
        let name = fields::text(port, "/name");
        if name_all || !name.is_empty() {
            served["name"] = name.into();
        }
        if !port["appProtocol"].is_null() {
            served["appProtocol"] = port["appProtocol"].clone();
        }
        Some(served)
    });
    served.collect()
}

/// A number, or the number of the container's port of that name.
fn find_port(pod: &Value, port: &Value) -> Option<i64> {
    let Some(name) = port["targetPort"].as_str() else { return port["targetPort"].as_i64() };
    let sidecars = fields::items(pod, "/spec/initContainers").iter();
    let sidecars = sidecars.filter(|container| container["restartPolicy"] == "Always");
    let containers = fields::items(pod, "/spec/containers").iter().chain(sidecars);
    let mut ports = containers.flat_map(|container| fields::items(container, "/ports"));
    let found = ports.find(|known| known["name"] == name && known["protocol"] == port["protocol"])?;
    found["containerPort"].as_i64()
}
