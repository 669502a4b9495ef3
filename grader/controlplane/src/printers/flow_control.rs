//! `flowcontrol.apiserver.k8s.io`.

use super::printed::{Printed, condition};
use crate::builtins::fields::{number, text};
use crate::object;
use serde_json::{Value, json};
use std::cmp::Ordering;

pub(super) fn flow_schema(schema: &Printed<'_>) -> Value {
    let dangling = condition(schema.list("/status/conditions"), "Dangling");
    json!([
        schema.name(),
        schema.text("/spec/priorityLevelConfiguration/name"),
        schema.number("/spec/matchingPrecedence"),
        schema.at("/spec/distinguisherMethod/type").as_str().unwrap_or("<none>"),
        schema.age(),
        dangling.map_or("?", |dangling| text(dangling, "/status")),
    ])
}

/// Flow schemas are shown in the order in which they are tried.
pub(super) fn order(left: &Value, right: &Value) -> Ordering {
    let key = |schema| (number(schema, "/spec/matchingPrecedence"), object::name(schema).to_owned());
    key(left).cmp(&key(right))
}

pub(super) fn priority_level(level: &Printed<'_>) -> Value {
    let or_none = |pointer: &str| match level.at(pointer) {
        Value::Null => "<none>".into(),
        value => value.clone(),
    };
    let queuing = |key: &str| or_none(&format!("/spec/limited/limitResponse/queuing/{key}"));
    json!([
        level.name(),
        level.text("/spec/type"),
        or_none("/spec/limited/nominalConcurrencyShares"),
        queuing("queues"),
        queuing("handSize"),
        queuing("queueLengthLimit"),
        level.age(),
    ])
}
