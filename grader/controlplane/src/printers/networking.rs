//! `networking.k8s.io`.

use super::printed::{Printed, join};
use super::services::load_balancer;
use crate::builtins::fields::text;
use crate::selector::label;
use serde_json::{Value, json};

pub(super) fn ingress(ingress: &Printed<'_>) -> Value {
    json!([
        ingress.name(),
        ingress.at("/spec/ingressClassName").as_str().unwrap_or("<none>"),
        hosts(ingress.list("/spec/rules")),
        join(load_balancer(ingress).into_iter(), ","),
        if ingress.list("/spec/tls").is_empty() { "80" } else { "80, 443" },
        ingress.age(),
    ])
}

/// The hosts of the first rules. How many more there are counts rules, with a host or without.
fn hosts(rules: &[Value]) -> String {
    const MOST: usize = 3;
    let mut hosts = Vec::new();
    let mut more = false;
    for host in rules.iter().map(|rule| text(rule, "/host")) {
        more = hosts.len() == MOST;
        if more {
            break;
        }
        hosts.extend(Some(host).filter(|host| !host.is_empty()));
    }
    match (hosts.is_empty(), more) {
        (true, _) => "*".to_owned(),
        (false, false) => hosts.join(","),
        (false, true) => format!("{} + {} more...", hosts.join(","), rules.len() - MOST),
    }
}

pub(super) fn ingress_class(class: &Printed<'_>) -> Value {
    let annotations = "/metadata/annotations/ingressclass.kubernetes.io~1is-default-class";
    let default = if class.text(annotations) == "true" { " (default)" } else { "" };
    let parameters = class.at("/spec/parameters");
    let parameters = match (parameters.is_null(), parameters["apiGroup"].as_str()) {
        (true, _) => "<none>".to_owned(),
        (false, Some(group)) => {
            format!("{}.{group}/{}", text(parameters, "/kind"), text(parameters, "/name"))
        }
        (false, None) => format!("{}/{}", text(parameters, "/kind"), text(parameters, "/name")),
    };
    json!([format!("{}{default}", class.name()), class.text("/spec/controller"), parameters, class.age()])
}

pub(super) fn network_policy(policy: &Printed<'_>) -> Value {
    json!([policy.name(), label::format(policy.object.pointer("/spec/podSelector")), policy.age()])
}

pub(super) fn service_cidr(cidr: &Printed<'_>) -> Value {
    let cidrs = cidr.list("/spec/cidrs").iter().filter_map(Value::as_str);
    json!([cidr.name(), join(cidrs, ","), cidr.age()])
}

/// The age stands behind the last column, as in Kubernetes.
pub(super) fn ip_address(address: &Printed<'_>) -> Value {
    let parent = address.at("/spec/parentRef");
    let shown = if parent.is_null() {
        "<none>".to_owned()
    } else {
        let resource = match text(parent, "/group") {
            "" => text(parent, "/resource").to_owned(),
            group => format!("{}.{group}", text(parent, "/resource")),
        };
        let parts = [&resource.to_lowercase(), text(parent, "/namespace"), text(parent, "/name")];
        join(parts.into_iter().filter(|part| !part.is_empty()), "/")
    };
    json!([address.name(), shown, address.age()])
}
