//! Names and ports of pods: DNS, host aliases, the network of the host
//! (validatePodDNSConfig, validateHostNetwork and ValidateHostAliases in pkg/apis/core/validation/validation.go).

use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::{ip, names};
use crate::field_error::FieldError;
use serde_json::Value;

const MOST_NAMESERVERS: usize = 3;
const MOST_SEARCHES: usize = 32;
const LONGEST_SEARCHES: usize = 2048;

/// Checks what a PodSpec says about names and ports.
pub(super) fn validate(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let own_dns = text(spec, "/dnsPolicy") == "None";
    if has(spec, "dnsConfig") {
        dns(at(spec, "/dnsConfig"), own_dns, &format!("{path}.dnsConfig"), errors);
    } else if own_dns {
        let detail = "must provide `dnsConfig` when `dnsPolicy` is None";
        errors.push(FieldError::required(format!("{path}.dnsConfig"), detail));
    }
    for (i, alias) in list(spec, "/hostAliases").iter().enumerate() {
        let path = format!("{path}.hostAliases[{i}]");
        let address = text(alias, "/ip");
        let bad = ip::address(address);
        errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.ip"), address, e)));
        for (j, name) in list(alias, "/hostnames").iter().filter_map(Value::as_str).enumerate() {
            let bad = names::dns_subdomain(name).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.hostnames[{j}]"), name, e)));
        }
    }
    if at(spec, "/hostNetwork") == true {
        for kind in ["containers", "initContainers"] {
            for (i, container) in list(spec, &format!("/{kind}")).iter().enumerate() {
                host_ports(container, &format!("{path}.{kind}[{i}]"), errors);
            }
        }
    }
}

fn host_ports(container: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (i, port) in list(container, "/ports").iter().enumerate() {
        let host = number(port, "/hostPort").unwrap_or_default();
        if host != number(port, "/containerPort").unwrap_or_default() {
            let detail = "must match `containerPort` when `hostNetwork` is true";
            errors.push(FieldError::invalid(format!("{path}.ports[{i}].hostPort"), host, detail));
        }
    }
}

fn dns(config: &Value, own_dns: bool, path: &str, errors: &mut Vec<FieldError>) {
    let servers = list(config, "/nameservers");
    let at_servers = format!("{path}.nameservers");
    if own_dns && servers.is_empty() {
        let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        errors.push(FieldError::required(at_servers.as_str(), detail));
    }
    if servers.len() > MOST_NAMESERVERS {
        let detail = format!("must not have more than {MOST_NAMESERVERS} nameservers");
        errors.push(FieldError::invalid(at_servers.as_str(), servers.to_vec(), detail));
    }
    for (i, server) in servers.iter().filter_map(Value::as_str).enumerate() {
        let bad = ip::address(server);
        errors.extend(bad.map(|e| FieldError::invalid(format!("{at_servers}[{i}]"), server, e)));
    }
    let searches = list(config, "/searches");
    let at_searches = format!("{path}.searches");
    if searches.len() > MOST_SEARCHES {
        let detail = format!("must not have more than {MOST_SEARCHES} search paths");
        errors.push(FieldError::invalid(at_searches.as_str(), searches.to_vec(), detail));
    }
    let together: Vec<&str> = searches.iter().filter_map(Value::as_str).collect();
    if together.join(" ").len() > LONGEST_SEARCHES {
        let detail = format!(
            "must not have more than {LONGEST_SEARCHES} characters (including spaces) in the search list"
        );
        errors.push(FieldError::invalid(at_searches.as_str(), searches.to_vec(), detail));
    }
    for (i, search) in together.into_iter().enumerate().filter(|(_, search)| *search != ".") {
        let bad =
            names::dns_subdomain_with_underscore(search.strip_suffix('.').unwrap_or(search)).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(format!("{at_searches}[{i}]"), search, e)));
    }
    for (i, option) in list(config, "/options").iter().enumerate() {
        if text(option, "/name").is_empty() {
            errors.push(FieldError::required(format!("{path}.options[{i}]"), "must not be empty"));
        }
    }
}
