//! Endpoints (ValidateEndpoints in pkg/apis/core/validation/validation.go, pkg/registry/core/endpoint/strategy.go).

use crate::builtins::fields::{at, list, number, text};
use crate::builtins::rules::Rules;
use crate::builtins::{ip, names};
use crate::field_error::FieldError;
use serde_json::Value;
use std::net::IpAddr;

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const LISTS: [&str; 2] = ["addresses", "notReadyAddresses"];

pub(super) struct Endpoints;

impl Rules for Endpoints {
    fn creates_on_update(&self) -> bool {
        true
    }

    fn validate_create(&self, endpoints: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        for (number, subset) in list(endpoints, "/subsets").iter().enumerate() {
            validate_subset(subset, &format!("subsets[{number}]"), &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        // What was written before there was a rule may stay.
        if at(new, "/subsets") == at(old, "/subsets") { Vec::new() } else { self.validate_create(new) }
    }

    fn warnings(&self, endpoints: &Value, _old: Option<&Value>) -> Vec<String> {
        let mut warnings = Vec::new();
        for (i, subset) in list(endpoints, "/subsets").iter().enumerate() {
            for key in LISTS {
                for (j, address) in list(subset, &format!("/{key}")).iter().enumerate() {
                    let path = format!("subsets[{i}].{key}[{j}].ip");
                    warnings.extend(ip::address_warning(text(address, "/ip"), &path));
                }
            }
        }
        warnings
    }
}

fn validate_subset(subset: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let addresses = LISTS.map(|key| list(subset, &format!("/{key}")));
    if addresses.iter().all(|addresses| addresses.is_empty()) {
        let detail = "must specify `addresses` or `notReadyAddresses`";
        errors.push(FieldError::required(path, detail));
    }
    for (key, addresses) in LISTS.into_iter().zip(addresses) {
        for (number, address) in addresses.iter().enumerate() {
            validate_address(address, &format!("{path}.{key}[{number}]"), errors);
        }
    }
    let ports = list(subset, "/ports");
    for (number, port) in ports.iter().enumerate() {
        validate_port(port, ports.len() > 1, &format!("{path}.ports[{number}]"), errors);
    }
}

fn validate_address(address: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (given, field) = (text(address, "/ip"), format!("{path}.ip"));
    errors.extend(ip::address(given).map(|detail| FieldError::invalid(field.as_str(), given, detail)));
    let host = text(address, "/hostname");
    if !host.is_empty() {
        let wrong = names::dns_label(host);
        errors.extend(FieldError::invalid_for_each(&format!("{path}.hostname"), host, wrong));
    }
    if let Some(node) = at(address, "/nodeName").as_str() {
        let wrong = names::dns_subdomain(node);
        errors.extend(FieldError::invalid_for_each(&format!("{path}.nodeName"), node, wrong));
    }
    match given.parse::<IpAddr>() {
        Ok(address) => errors.extend(FieldError::invalid_for_each(&field, given, ip::unreachable(address))),
        Err(_) if ip::is_address(given) => {}
        Err(_) => errors.push(FieldError::invalid(field, given, "must be a valid IP address")),
    }
}

fn validate_port(port: &Value, needs_name: bool, path: &str, errors: &mut Vec<FieldError>) {
    let (name, field) = (text(port, "/name"), format!("{path}.name"));
    if !name.is_empty() {
        errors.extend(FieldError::invalid_for_each(&field, name, names::dns_label(name)));
    } else if needs_name {
        errors.push(FieldError::required(field, ""));
    }
    let given = number(port, "/port").unwrap_or_default();
    let wrong = names::port_number(given).into_iter();
    errors.extend(wrong.map(|detail| FieldError::invalid(format!("{path}.port"), given, detail)));
    let (protocol, field) = (text(port, "/protocol"), format!("{path}.protocol"));
    if protocol.is_empty() {
        errors.push(FieldError::required(field, ""));
    } else if !PROTOCOLS.contains(&protocol) {
        errors.push(FieldError::not_supported(field, protocol, PROTOCOLS));
    }
    if let Some(protocol) = at(port, "/appProtocol").as_str() {
        let wrong = names::qualified_name(protocol);
        errors.extend(FieldError::invalid_for_each(&format!("{path}.appProtocol"), protocol, wrong));
    }
}
