//! Nodes and how they run containers.

use super::printed::{Printed, condition, join};
use crate::builtins::fields::{members, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) fn node(node: &Printed<'_>) -> Value {
    let ready = condition(node.list("/status/conditions"), "Ready");
    let ready = ready.map_or("Unknown", |ready| if ready["status"] == "True" { "Ready" } else { "NotReady" });
    let status = if node.flag("/spec/unschedulable") {
        format!("{ready},SchedulingDisabled")
    } else {
        ready.to_owned()
    };
    let info = |key: &str, none| node.text_or(&format!("/status/nodeInfo/{key}"), none);
    let kernel = match info("architecture", "") {
        "" => info("kernelVersion", "<unknown>").to_owned(),
        architecture => format!("{} ({architecture})", info("kernelVersion", "<unknown>")),
    };
    json!([
        node.name(),
        status,
        roles(node),
        node.age(),
        info("kubeletVersion", ""),
        address(node, "InternalIP"),
        address(node, "ExternalIP"),
        info("osImage", "<unknown>"),
        kernel,
        info("containerRuntimeVersion", "<unknown>"),
    ])
}

fn roles(node: &Printed<'_>) -> String {
    let labels = members(node.object, "/metadata/labels").into_iter().flatten();
    let role = |(label, value): (&'_ String, &'_ Value)| match label.strip_prefix("node-role.kubernetes.io/")
    {
        Some(role) => Some(role.to_owned()),
        None if label == "kubernetes.io/role" => value.as_str().map(str::to_owned),
        None => None,
    };
    let roles: BTreeSet<String> = labels.filter_map(role).filter(|role| !role.is_empty()).collect();
    if roles.is_empty() { "<none>".to_owned() } else { join(roles.iter().map(String::as_str), ",") }
}

fn address<'a>(node: &Printed<'a>, type_: &str) -> &'a str {
    let mut addresses = node.list("/status/addresses").iter();
    addresses.find(|address| address["type"] == type_).map_or("<none>", |address| text(address, "/address"))
}

pub(super) fn runtime_class(class: &Printed<'_>) -> Value {
    json!([class.name(), class.text("/handler"), class.age()])
}
