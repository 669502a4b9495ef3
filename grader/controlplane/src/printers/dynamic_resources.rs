//! `resource.k8s.io`.

use super::printed::Printed;
use crate::object;
use serde_json::{Value, json};

pub(super) fn claim(claim: &Printed<'_>) -> Value {
    let allocated = !claim.at("/status/allocation").is_null();
    let reserved = allocated && !claim.list("/status/reservedFor").is_empty();
    let deleted = object::is_deleting(claim.object);
    let states = [
        (deleted, "deleted"),
        (!allocated && !deleted, "pending"),
        (allocated, "allocated"),
        (reserved, "reserved"),
    ];
    let states: Vec<&str> = states.iter().filter(|(holds, _)| *holds).map(|(_, state)| *state).collect();
    json!([claim.name(), states.join(","), claim.age()])
}

pub(super) fn slice(slice: &Printed<'_>) -> Value {
    json!([
        slice.name(),
        slice.text("/spec/nodeName"),
        slice.text("/spec/driver"),
        slice.text("/spec/pool/name"),
        slice.age(),
    ])
}
