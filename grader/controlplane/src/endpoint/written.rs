//! The order in which the members of an object are written.
//!
//! Go writes a struct in the order of its fields, and all built-in types begin with the same three. Custom resources are
//! maps there, which are written by their keys. Clients see the difference where they read the first member that is not
//! what they expect.

use crate::status_body::StatusBody;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

const FIRST: [&str; 3] = ["kind", "apiVersion", "metadata"];

/// An object in its order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written<'a> {
    pub(crate) object: &'a Value,
    is_map: bool,
}

impl<'a> Written<'a> {
    /// An object of a type of Kubernetes.
    pub(crate) fn of_struct(object: &'a Value) -> Self {
        Self { object, is_map: false }
    }

    /// A custom resource.
    pub(crate) fn of_map(object: &'a Value) -> Self {
        Self { object, is_map: true }
    }
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value::Object(members) = self.object else { return self.object.serialize(serializer) };
        if self.is_map {
            return members.serialize(serializer);
        }
        if self.object["kind"] == "Status" && self.object["apiVersion"] == "v1" {
            return StatusBody(self.object).serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(members.len()))?;
        for first in FIRST {
            if let Some(value) = members.get(first) {
                map.serialize_entry(first, value)?;
            }
        }
        for (key, value) in members.iter().filter(|(key, _)| !FIRST.contains(&key.as_str())) {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn structs_begin_with_what_they_are_and_maps_are_sorted() {
        let object =
            json!({"apiVersion": "v1", "data": {"b": "1", "a": "2"}, "kind": "ConfigMap", "metadata": {}});
        let text = |written: Written<'_>| serde_json::to_string(&written).expect("JSON");
        assert_eq!(
            text(Written::of_struct(&object)),
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{},"data":{"a":"2","b":"1"}}"#
        );
        assert_eq!(
            text(Written::of_map(&object)),
            r#"{"apiVersion":"v1","data":{"a":"2","b":"1"},"kind":"ConfigMap","metadata":{}}"#
        );
        assert_eq!(text(Written::of_struct(&json!("x"))), r#""x""#);
    }
}
