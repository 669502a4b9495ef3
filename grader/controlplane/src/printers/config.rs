//! Small kinds of the core group, and APIServices
//! (kube-aggregator/pkg/registry/apiservice/etcd/etcd.go).

use super::printed::{Printed, condition};
use crate::builtins::fields::text;
use serde_json::{Value, json};

pub(super) fn config_map(map: &Printed<'_>) -> Value {
    json!([map.name(), map.size("/data") + map.size("/binaryData"), map.age()])
}

pub(super) fn secret(secret: &Printed<'_>) -> Value {
    json!([secret.name(), secret.text("/type"), secret.size("/data"), secret.age()])
}

pub(super) fn namespace(namespace: &Printed<'_>) -> Value {
    json!([namespace.name(), namespace.text("/status/phase"), namespace.age()])
}

pub(super) fn component_status(component: &Printed<'_>) -> Value {
    match condition(component.list("/conditions"), "Healthy") {
        Some(healthy) => {
            let status = if healthy["status"] == "True" { "Healthy" } else { "Unhealthy" };
            json!([component.name(), status, text(healthy, "/message"), text(healthy, "/error")])
        }
        None => json!([component.name(), "Unknown", "", ""]),
    }
}

pub(super) fn api_service(service: &Printed<'_>) -> Value {
    let backend = service.at("/spec/service");
    let backend = match backend.is_null() {
        true => "Local".to_owned(),
        false => format!("{}/{}", text(backend, "/namespace"), text(backend, "/name")),
    };
    let available = match condition(service.list("/status/conditions"), "Available") {
        None => "Unknown".to_owned(),
        Some(available) => match (text(available, "/status"), text(available, "/reason")) {
            ("True", _) => "True".to_owned(),
            (status, "") => status.to_owned(),
            (status, reason) => format!("{status} ({reason})"),
        },
    };
    json!([service.name(), backend, available, service.age()])
}
