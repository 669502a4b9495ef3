//! Addresses and node ports of Services (pkg/registry/core/service/storage/alloc.go).
//!
//! Free is what no stored Service has, so that nothing has to be kept or given back. The cluster has one family of
//! addresses, IPv4.

use super::service::{has_cluster_ip, has_node_ports, is_headless, needs_health_check};
use crate::builtins::fields::{at, has, list, list_mut, number, put, set, text};
use crate::builtins::rules::Cluster;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::object;
use crate::store::ResourceId;
use crate::system_objects::service_addresses::IP_ADDRESSES;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

const SERVICES: ResourceId = ResourceId::known("", "services");
/// 10.96.0.0/12, as kubeadm sets it up.
const FIRST_ADDRESS: u32 = u32::from_be_bytes([10, 96, 0, 0]);
const LAST_ADDRESS: u32 = u32::from_be_bytes([10, 111, 255, 255]);
/// Addresses below are left to those who ask for one.
const FIRST_FREE_ADDRESS: u32 = u32::from_be_bytes([10, 96, 1, 0]);
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;
/// The field of the port that answers whether a node has endpoints.
const HEALTH_CHECK: &str = "healthCheckNodePort";
/// Ports below are left to those who ask for one.
const FIRST_FREE_PORT: i64 = 30086;

/// Gives a new or changed Service what it needs and does not have.
///
/// # Errors
/// 422 for an address or a port that is taken or out of range.
pub(super) fn allocate(
    new: &mut Value,
    old: Option<&Value>,
    cluster: &mut dyn Cluster,
) -> Result<(), ApiError> {
    if let Some(old) = old {
        keep_allocated(new, old);
    }
    keep_addresses_in_step(new, old);
    let mut errors = Vec::new();
    if has_cluster_ip(new) {
        addresses(new, old, cluster, &mut errors);
        if errors.is_empty() {
            ports(new, old, cluster, &mut errors);
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid("", "Service", object::name(new), &errors))
}

/// An update that leaves out what the server chose keeps it.
fn keep_allocated(new: &mut Value, old: &Value) {
    if has_cluster_ip(old) && has_cluster_ip(new) {
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if !has(at(new, "/spec"), key) {
                set(&mut new["spec"], key, at(old, "/spec").get(key).cloned());
            }
        }
    }
    if needs_health_check(old) && needs_health_check(new) && !has(at(new, "/spec"), HEALTH_CHECK) {
        set(&mut new["spec"], HEALTH_CHECK, at(old, "/spec").get(HEALTH_CHECK).cloned());
    }
    if has_node_ports(old) && has_node_ports(new) {
        let before: Vec<(String, i64)> = list(old, "/spec/ports")
            .iter()
            .map(|port| (text(port, "/name").to_owned(), number(port, "/nodePort").unwrap_or_default()))
            .collect();
        let asked: BTreeSet<i64> =
            list(new, "/spec/ports").iter().filter_map(|p| number(p, "/nodePort")).collect();
        for port in list_mut(new, "/spec/ports").iter_mut().filter(|port| number(port, "/nodePort").is_none())
        {
            let name = text(port, "/name");
            let known = before.iter().find(|(known, port)| known == name && !asked.contains(port));
            if let Some((_, number)) = known.filter(|(_, number)| *number != 0) {
                put(port, &["nodePort"], *number);
            }
        }
    }
}

/// `clusterIP` is `clusterIPs[0]`, whichever of the two a client writes.
fn keep_addresses_in_step(new: &mut Value, old: Option<&Value>) {
    let address = text(new, "/spec/clusterIP").to_owned();
    let addresses = list(new, "/spec/clusterIPs").to_vec();
    let Some(old) = old else {
        if !address.is_empty() && addresses.is_empty() {
            put(new, &["spec", "clusterIPs"], json!([address]));
        }
        return;
    };
    let address_changed = address != text(old, "/spec/clusterIP");
    let addresses_changed = addresses != list(old, "/spec/clusterIPs");
    if address_changed && !addresses_changed {
        if address.is_empty() {
            set(&mut new["spec"], "clusterIPs", None);
        } else {
            put(new, &["spec", "clusterIPs"], json!([address]));
        }
    } else if addresses_changed && !address_changed {
        let first = addresses.first().cloned();
        set(&mut new["spec"], "clusterIP", first);
    }
}

fn addresses(new: &mut Value, old: Option<&Value>, cluster: &mut dyn Cluster, errors: &mut Vec<FieldError>) {
    families(new);
    if is_headless(new) {
        return;
    }
    let had_one = old.is_some_and(|old| has_cluster_ip(old) && !is_headless(old));
    if let Some(error) = disagreeing_addresses(new).filter(|_| old.is_none()) {
        errors.push(error);
        return;
    }
    let asked = list(new, "/spec/clusterIPs").first().and_then(Value::as_str).unwrap_or_default().to_owned();
    if had_one && !asked.is_empty() {
        // Whether it may differ is validation's to say.
        return;
    }
    let taken: BTreeSet<String> = cluster
        .list(&SERVICES, None)
        .iter()
        .flat_map(|service| list(service, "/spec/clusterIPs").to_vec())
        .filter_map(|ip| ip.as_str().map(str::to_owned))
        // What somebody else holds by an IPAddress of his own is taken, too.
        .chain(cluster.list(&IP_ADDRESSES, None).iter().map(|held| object::name(held).to_owned()))
        .collect();
    let refuse = |why: &str| {
        let detail = format!("failed to allocate IP {asked}: {why}");
        FieldError::invalid("spec.clusterIPs", json!([asked]), detail)
    };
    let address = if asked.is_empty() {
        let free = (FIRST_FREE_ADDRESS..LAST_ADDRESS).map(|n| Ipv4Addr::from(n).to_string());
        match free.into_iter().find(|ip| !taken.contains(ip)) {
            Some(ip) => ip,
            None => {
                let detail = "failed to allocate IP: range is full";
                errors.push(FieldError::invalid("spec.clusterIPs", Value::Null, detail));
                return;
            }
        }
    } else {
        match asked.parse::<Ipv4Addr>().map(u32::from) {
            Err(_) => {
                let detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
                errors.push(FieldError::invalid("spec.clusterIPs[0]", asked, detail));
                return;
            }
            Ok(n) if !(FIRST_ADDRESS..=LAST_ADDRESS).contains(&n) => {
                let why = format!(
                    "the provided IP ({asked}) is not in the valid range. The range of valid IPs is 10.96.0.0/12"
                );
                errors.push(refuse(&why));
                return;
            }
            Ok(_) if taken.contains(&asked) => {
                errors.push(refuse("provided IP is already allocated"));
                return;
            }
            Ok(_) => asked.clone(),
        }
    };
    let named = ["name", "generateName"].iter().any(|key| !object::metadata_text(new, key).is_empty());
    if !named && !cluster.is_dry_run() {
        // The address is held by an object that says for whom.
        let which = if asked.is_empty() { String::new() } else { format!(" {asked}") };
        let detail = format!(
            "failed to allocate IP{which}: IPAddress.networking.k8s.io \"{address}\" is invalid: spec.parentRef.name: \
             Required value"
        );
        errors.push(FieldError::invalid("spec.clusterIPs", json!([asked]), detail));
        return;
    }
    put(new, &["spec", "clusterIP"], address.as_str());
    put(new, &["spec", "clusterIPs"], json!([address]));
}

/// What is wrong with a new service whose `clusterIP` is not the first of its `clusterIPs`.
fn disagreeing_addresses(service: &Value) -> Option<FieldError> {
    let (address, addresses) = (text(service, "/spec/clusterIP"), list(service, "/spec/clusterIPs"));
    let first = addresses.first()?;
    let detail = match address {
        "" => "must be empty when `clusterIP` is not specified",
        _ if first == address => return None,
        _ => "first value must match `clusterIP`",
    };
    Some(FieldError::invalid("spec.clusterIPs", addresses.to_vec(), detail))
}

/// One family, or both (of which the cluster has one) for a headless Service without a selector.
fn families(new: &mut Value) {
    let selectorless = is_headless(new) && !has(at(new, "/spec"), "selector");
    if !has(at(new, "/spec"), "ipFamilies") {
        let families = if selectorless { json!(["IPv4", "IPv6"]) } else { json!(["IPv4"]) };
        put(new, &["spec", "ipFamilies"], families);
        if selectorless && !has(at(new, "/spec"), "ipFamilyPolicy") {
            put(new, &["spec", "ipFamilyPolicy"], "RequireDualStack");
        }
    }
    if !has(at(new, "/spec"), "ipFamilyPolicy") {
        put(new, &["spec", "ipFamilyPolicy"], "SingleStack");
    }
}

/// The ports on every node: those of the service, and the one that answers whether a node has endpoints.
fn ports(new: &mut Value, old: Option<&Value>, cluster: &mut dyn Cluster, errors: &mut Vec<FieldError>) {
    if !has_node_ports(new) && !needs_health_check(new) {
        return;
    }
    let own: BTreeSet<i64> = old.map(held).unwrap_or_default().into_iter().collect();
    let all = cluster.list(&SERVICES, None);
    let others = all.iter().flat_map(|service| held(service)).filter(|port| !own.contains(port));
    // A dry run takes ports from nowhere in particular.
    let mut free = Ports { taken: others.collect(), own, any: cluster.is_dry_run() };
    if has_node_ports(new) {
        for (i, port) in list_mut(new, "/spec/ports").iter_mut().enumerate() {
            let asked = number(port, "/nodePort").filter(|number| *number != 0);
            match free.take(asked, format!("spec.ports[{i}].nodePort")) {
                Ok(taken) => put(port, &["nodePort"], taken),
                Err(error) => errors.push(error),
            }
        }
    }
    let had_one = old.is_some_and(needs_health_check);
    if errors.is_empty() && needs_health_check(new) && !had_one {
        let asked = number(new, "/spec/healthCheckNodePort").filter(|number| *number != 0);
        match free.take(asked, format!("spec.{HEALTH_CHECK}")) {
            Ok(taken) => put(new, &["spec", HEALTH_CHECK], taken),
            Err(error) => errors.push(error),
        }
    }
}

/// The ports on nodes that a service has.
fn held(service: &Value) -> Vec<i64> {
    let ports = list(service, "/spec/ports").iter().filter_map(|port| number(port, "/nodePort"));
    ports.chain(number(service, "/spec/healthCheckNodePort")).collect()
}

struct Ports {
    /// By other services, and by this one since.
    taken: BTreeSet<i64>,
    /// What the service had before.
    own: BTreeSet<i64>,
    /// Beyond the range, too.
    any: bool,
}

impl Ports {
    /// The port that is asked for, or the next free one.
    fn take(&mut self, asked: Option<i64>, path: String) -> Result<i64, FieldError> {
        let Some(asked) = asked else {
            let free = (FIRST_FREE_PORT..=*NODE_PORTS.end())
                .find(|port| !self.taken.contains(port) && !self.own.contains(port));
            let free = free.ok_or_else(|| FieldError::invalid(path, 0, "range is full"))?;
            self.taken.insert(free);
            return Ok(free);
        };
        if !self.any && !NODE_PORTS.contains(&asked) {
            let detail = "provided port is not in the valid range. The range of valid ports is 30000-32767";
            return Err(FieldError::invalid(path, asked, detail));
        }
        if !self.taken.insert(asked) && !self.own.contains(&asked) {
            return Err(FieldError::invalid(path, asked, "provided port is already allocated"));
        }
        Ok(asked)
    }
}
