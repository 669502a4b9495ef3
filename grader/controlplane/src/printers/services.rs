//! Services and what stands behind them.

use super::printed::{Printed, shortened};
use crate::builtins::fields::{list, number, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) fn service(service: &Printed<'_>) -> Value {
    let ports: Vec<String> = service.list("/spec/ports").iter().map(port).collect();
    let ports = if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") };
    json!([
        service.name(),
        service.text("/spec/type"),
        service.list("/spec/clusterIPs").first().and_then(Value::as_str).unwrap_or("<none>"),
        external_ips(service),
        ports,
        service.age(),
        service.labels("/spec/selector"),
    ])
}

fn port(port: &Value) -> String {
    let (number_, protocol) = (number(port, "/port").unwrap_or_default(), text(port, "/protocol"));
    match number(port, "/nodePort").unwrap_or_default() {
        0 => format!("{number_}/{protocol}"),
        node_port => format!("{number_}:{node_port}/{protocol}"),
    }
}

fn external_ips(service: &Printed<'_>) -> String {
    let mut external: Vec<&str> =
        service.list("/spec/externalIPs").iter().filter_map(Value::as_str).collect();
    let none = match service.text("/spec/type") {
        "ExternalName" => return service.text("/spec/externalName").to_owned(),
        "ClusterIP" | "NodePort" => "<none>",
        "LoadBalancer" => {
            let balanced = load_balancer(service);
            external.splice(0..0, balanced);
            "<pending>"
        }
        _ => return "<unknown>".to_owned(),
    };
    if external.is_empty() { none.to_owned() } else { external.join(",") }
}

/// Where a load balancer can be reached, each place once.
pub(super) fn load_balancer<'a>(object: &Printed<'a>) -> BTreeSet<&'a str> {
    let ingress = object.list("/status/loadBalancer/ingress").iter();
    let place = |ingress: &'a Value| match text(ingress, "/ip") {
        "" => text(ingress, "/hostname"),
        ip => ip,
    };
    ingress.map(place).filter(|place| !place.is_empty()).collect()
}

pub(super) fn endpoints(endpoints: &Printed<'_>) -> Value {
    let mut all = Vec::new();
    let subsets = endpoints.list("/subsets");
    for subset in subsets {
        let addresses = || list(subset, "/addresses").iter().map(|address| text(address, "/ip"));
        let ports = list(subset, "/ports");
        if ports.is_empty() {
            all.extend(addresses().map(str::to_owned));
        }
        for port in ports {
            let port = number(port, "/port").unwrap_or_default();
            all.extend(addresses().map(|ip| match ip.contains(':') {
                true => format!("[{ip}]:{port}"),
                false => format!("{ip}:{port}"),
            }));
        }
    }
    let shown = if subsets.is_empty() { "<none>".to_owned() } else { shortened(&all, 3, ",") };
    json!([endpoints.name(), shown, endpoints.age()])
}

pub(super) fn endpoint_slice(slice: &Printed<'_>) -> Value {
    let port = |port: &Value| match (number(port, "/port"), port["name"].as_str()) {
        (Some(number), _) => number.to_string(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => "*".to_owned(),
    };
    let ports: Vec<String> = slice.list("/ports").iter().map(port).collect();
    let endpoints = slice.list("/endpoints").iter();
    let addresses: Vec<String> = endpoints
        .flat_map(|endpoint| list(endpoint, "/addresses"))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let shown = |texts: &[String]| match shortened(texts, 3, ",") {
        empty if empty.is_empty() => "<unset>".to_owned(),
        shown => shown,
    };
    json!([slice.name(), slice.text("/addressType"), shown(&ports), shown(&addresses), slice.age()])
}
