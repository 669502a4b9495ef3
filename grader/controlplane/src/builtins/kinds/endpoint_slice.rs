//! EndpointSlices (pkg/apis/discovery/validation/validation.go).

use crate::builtins::fields::{at, list, list_mut, set, text};
use crate::builtins::rules::{Rules, spec_differs};
use crate::builtins::{ip, names};
use crate::field_error::FieldError;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

const FAMILIES: [&str; 3] = ["FQDN", "IPv4", "IPv6"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const MOST_ENDPOINTS: usize = 1000;
const MOST_ADDRESSES: usize = 100;
const MOST_PORTS: usize = 20_000;
const MOST_HINTS: usize = 8;

pub(super) struct EndpointSlice;

impl Rules for EndpointSlice {
    fn counts_generation(&self) -> bool {
        true
    }

    fn is_new_generation(&self, new: &Value, old: &Value) -> bool {
        spec_differs(new, old) || at(new, "/metadata/labels") != at(old, "/metadata/labels")
    }

    /// Where an endpoint is has fields of its own since `v1`.
    fn prepare_for_create(&self, slice: &mut Value) {
        for endpoint in list_mut(slice, "/endpoints") {
            set(endpoint, "deprecatedTopology", None);
        }
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, _subresource: Option<&str>) {
        if at(new, "/endpoints") != at(old, "/endpoints") {
            self.prepare_for_create(new);
        }
    }

    fn validate_create(&self, slice: &Value) -> Vec<FieldError> {
        let mut errors = frame(slice);
        endpoints(slice, &mut errors);
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = frame(new);
        // What was written before there was a rule may stay.
        if at(new, "/endpoints") != at(old, "/endpoints") {
            endpoints(new, &mut errors);
        }
        let family = at(new, "/addressType");
        if family != at(old, "/addressType") {
            errors.push(FieldError::invalid("addressType", family.clone(), "field is immutable"));
        }
        errors
    }
}

/// Checks all but the endpoints.
fn frame(slice: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    match text(slice, "/addressType") {
        "" => errors.push(FieldError::required("addressType", "")),
        family if !FAMILIES.contains(&family) => {
            errors.push(FieldError::not_supported("addressType", family, FAMILIES));
        }
        _ => {}
    }
    let ports = list(slice, "/ports");
    if ports.len() > MOST_PORTS {
        errors.push(FieldError::too_many("ports", ports.len(), MOST_PORTS));
        return errors;
    }
    let mut seen = BTreeSet::new();
    for (number, port) in ports.iter().enumerate() {
        let path = format!("ports[{number}]");
        let name = text(port, "/name");
        if !name.is_empty() {
            errors.extend(FieldError::invalid_for_each(
                &format!("{path}.name"),
                name,
                names::dns_label(name),
            ));
        }
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(format!("{path}.name"), name));
        }
        let protocol = text(port, "/protocol");
        if !PROTOCOLS.contains(&protocol) {
            errors.push(FieldError::not_supported(format!("{path}.protocol"), protocol, PROTOCOLS));
        }
        if let Some(protocol) = at(port, "/appProtocol").as_str() {
            let wrong = names::qualified_name(protocol);
            errors.extend(FieldError::invalid_for_each(&format!("{path}.appProtocol"), protocol, wrong));
        }
    }
    errors
}

fn endpoints(slice: &Value, errors: &mut Vec<FieldError>) {
    let endpoints = list(slice, "/endpoints");
    if endpoints.len() > MOST_ENDPOINTS {
        errors.push(FieldError::too_many("endpoints", endpoints.len(), MOST_ENDPOINTS));
        return;
    }
    let family = text(slice, "/addressType");
    for (number, endpoint) in endpoints.iter().enumerate() {
        let path = format!("endpoints[{number}]");
        addresses(endpoint, family, &format!("{path}.addresses"), errors);
        if let Some(node) = at(endpoint, "/nodeName").as_str() {
            let wrong = names::dns_subdomain(node);
            errors.extend(FieldError::invalid_for_each(&format!("{path}.nodeName"), node, wrong));
        }
        if let Some(host) = at(endpoint, "/hostname").as_str() {
            let wrong = names::dns_label(host);
            errors.extend(FieldError::invalid_for_each(&format!("{path}.hostname"), host, wrong));
        }
        hints(at(endpoint, "/hints"), &format!("{path}.hints"), errors);
    }
}

fn addresses(endpoint: &Value, family: &str, path: &str, errors: &mut Vec<FieldError>) {
    let addresses = list(endpoint, "/addresses");
    if addresses.is_empty() {
        errors.push(FieldError::required(path, "must contain at least 1 address"));
    } else if addresses.len() > MOST_ADDRESSES {
        errors.push(FieldError::too_many(path, addresses.len(), MOST_ADDRESSES));
    }
    for (number, address) in addresses.iter().filter_map(Value::as_str).enumerate() {
        let own = format!("{path}[{number}]");
        match family {
            "FQDN" => domain(address, &own, errors),
            "IPv4" | "IPv6" => match (ip::canonical_address(address), address.parse::<IpAddr>()) {
                (None, Ok(ip)) => {
                    if ip.is_ipv6() != (family == "IPv6") {
                        let detail = format!("must be an {family} address");
                        errors.push(FieldError::invalid(path, address, detail));
                    }
                    errors.extend(FieldError::invalid_for_each(&own, address, ip::unreachable(ip)));
                }
                (wrong, _) => {
                    errors.extend(wrong.map(|detail| FieldError::invalid(own, address, detail)));
                }
            },
            _ => {}
        }
    }
}

/// A full name, with or without the dot at its end.
fn domain(address: &str, path: &str, errors: &mut Vec<FieldError>) {
    if address.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    let name = address.strip_suffix('.').unwrap_or(address);
    let wrong = names::dns_subdomain(name);
    if !wrong.is_empty() {
        errors.push(FieldError::invalid(path, name, wrong.join(",")));
    } else if !name.contains('.') {
        let detail = "should be a domain with at least two segments separated by dots";
        errors.push(FieldError::invalid(path, name, detail));
    } else if let Some(label) = name.split('.').find(|label| !names::dns_label(label).is_empty()) {
        errors.push(FieldError::invalid(path, label, names::dns_label(label).join(",")));
    }
}

/// For whom an endpoint is meant.
fn hints(hints: &Value, path: &str, errors: &mut Vec<FieldError>) {
    type Check = fn(&str) -> Vec<String>;
    let lists: [(&str, Check); 2] = [("forZones", names::label_value), ("forNodes", names::dns_subdomain)];
    for (key, check) in lists {
        let hints = list(hints, &format!("/{key}"));
        let path = format!("{path}.{key}");
        if hints.len() > MOST_HINTS {
            errors.push(FieldError::too_many(path, hints.len(), MOST_HINTS));
            return;
        }
        let mut seen = BTreeSet::new();
        for (number, hint) in hints.iter().enumerate() {
            let (name, path) = (text(hint, "/name"), format!("{path}[{number}].name"));
            if !seen.insert(name) {
                errors.push(FieldError::duplicate(&path, name));
            }
            errors.extend(FieldError::invalid_for_each(&path, name, check(name)));
        }
    }
}
