//! Stories of several writers on one object, and the laws that sets and apply obey.

mod laws;
mod managers;
mod refusals;
mod stories;

use super::*;
use crate::patch;
use crate::schema::Schema;
use serde_json::json;
use std::collections::BTreeMap;

/// A custom resource with a field of every kind.
pub(super) fn widget() -> Schema {
    let text = json!({"type": "string"});
    Schema::from_json(&json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "size": {"type": "integer"},
            "color": text,
            "ports": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"],
                "items": {"type": "object", "properties": {
                    "port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}, "name": text,
                }},
            },
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": text},
            "plain": {"type": "array", "items": {"type": "object", "properties": {"n": text}}},
            "gmap": {"type": "object", "additionalProperties": text},
            "amap": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": text},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "any": {"x-kubernetes-preserve-unknown-fields": true},
        }},
        "status": {"type": "object", "properties": {
            "phase": text,
            "conditions": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
                "items": {"type": "object", "properties": {"type": text, "status": text}},
            },
        }},
    }}))
    .expect("a schema")
}

/// One stored object and a clock that ticks a second per write.
pub(super) struct Story {
    schema: Schema,
    live: Option<Value>,
    seconds: i64,
}

impl Story {
    pub(super) fn new() -> Self {
        Story { schema: widget(), live: None, seconds: 0 }
    }

    fn writer<'a>(&mut self, manager: &'a str, subresource: &'a str) -> Writer<'a> {
        self.seconds += 1;
        Writer {
            manager,
            api_version: "x.io/v1",
            kind: "Widget",
            subresource,
            now: Timestamp::from_second(self.seconds).expect("a time"),
            reset_fields: if subresource.is_empty() { &[&["status"]] } else { &[&["metadata"], &["spec"]] },
            is_custom: true,
            versions: None,
        }
    }

    fn store(&mut self, mut object: Value) {
        let uid = "u".to_owned();
        object::set_metadata(&mut object, "uid", uid);
        self.live = Some(object);
    }

    pub(super) fn put(&mut self, manager: &str, rest: Value) {
        let writer = self.writer(manager, "");
        let mut object = object_of(rest);
        track_update(&self.schema, self.live.as_ref(), &mut object, &writer);
        self.store(object);
    }

    pub(super) fn patch(&mut self, manager: &str, subresource: &str, patch: Value) {
        let writer = self.writer(manager, subresource);
        let mut object = self.live.clone().expect("an object");
        patch::merge::apply(&mut object, &patch);
        track_update(&self.schema, self.live.as_ref(), &mut object, &writer);
        self.store(object);
    }

    pub(super) fn try_apply(
        &mut self,
        manager: &str,
        subresource: &str,
        rest: Value,
        force: bool,
    ) -> Result<(), ApplyError> {
        let writer = self.writer(manager, subresource);
        let applied = object_of(rest);
        let object = server_side_apply(&self.schema, self.live.as_ref(), &applied, &writer, force)?;
        self.store(object);
        Ok(())
    }

    pub(super) fn apply(&mut self, manager: &str, rest: Value) {
        self.try_apply(manager, "", rest, false).expect("no conflict");
    }

    /// The text of the conflict that an apply meets.
    pub(super) fn conflict(&mut self, manager: &str, rest: Value) -> String {
        self.try_apply(manager, "", rest, false).expect_err("a conflict").to_string()
    }

    pub(super) fn field(&self, pointer: &str) -> Option<&Value> {
        self.live.as_ref()?.pointer(pointer)
    }

    /// What each manager owns, by `name operation` and, where there is one, the subresource.
    pub(super) fn owners(&self) -> BTreeMap<String, Value> {
        let entries = self.field("/metadata/managedFields").and_then(Value::as_array);
        let name = |entry: &Value| {
            let part = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", part("manager"), part("operation"), part("subresource")).trim_end().to_owned()
        };
        entries.into_iter().flatten().map(|entry| (name(entry), entry["fieldsV1"].clone())).collect()
    }

    /// The second in which the entry of a manager was written.
    pub(super) fn time(&self, manager: &str) -> Option<String> {
        let entries = self.field("/metadata/managedFields")?.as_array()?;
        let entry = entries.iter().find(|entry| entry["manager"] == manager)?;
        Some(entry.get("time")?.as_str()?.to_owned())
    }
}

pub(super) fn object_of(rest: Value) -> Value {
    let mut object = json!({"apiVersion": "x.io/v1", "kind": "Widget", "metadata": {"name": "a"}});
    patch::merge::apply(&mut object, &rest);
    object
}

pub(super) fn owners<const N: usize>(expected: [(&str, Value); N]) -> BTreeMap<String, Value> {
    expected.into_iter().map(|(name, fields)| (name.to_owned(), fields)).collect()
}
