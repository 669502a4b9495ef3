//! Reading and writing what every object has: TypeMeta and ObjectMeta of a JSON value.
//!
//! Readers answer with an empty text or nothing when a part is missing or of another type.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// How many objects and lists are inside of each other.
pub fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or_default()
}

/// A member of `metadata`, at any depth below it.
pub fn metadata_at<'a, const DEPTH: usize>(object: &'a Value, path: [&str; DEPTH]) -> Option<&'a Value> {
    path.iter().try_fold(object.get("metadata")?, |value, key| value.get(key))
}

/// A text member of `metadata`; empty when it is not there.
pub fn metadata_text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    metadata_text(object, "name")
}

/// `metadata.namespace`.
pub fn namespace(object: &Value) -> &str {
    metadata_text(object, "namespace")
}

/// `metadata.uid`.
pub fn uid(object: &Value) -> &str {
    metadata_text(object, "uid")
}

/// `metadata.resourceVersion`.
pub fn resource_version(object: &Value) -> &str {
    metadata_text(object, "resourceVersion")
}

/// `apiVersion`.
pub fn api_version(object: &Value) -> &str {
    object.get("apiVersion").and_then(Value::as_str).unwrap_or_default()
}

/// `kind`.
pub fn kind(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or_default()
}

/// `metadata.generation`; 0 when there is none.
pub fn generation(object: &Value) -> i64 {
    metadata_at(object, ["generation"]).and_then(Value::as_i64).unwrap_or_default()
}

/// Whether `metadata.deletionTimestamp` is set.
pub fn is_deleting(object: &Value) -> bool {
    metadata_at(object, ["deletionTimestamp"]).is_some_and(|time| !time.is_null())
}

/// `metadata.finalizers`.
pub fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    list(object, "finalizers").filter_map(Value::as_str)
}

/// `metadata.ownerReferences`.
pub fn owner_references(object: &Value) -> impl Iterator<Item = &Value> {
    list(object, "ownerReferences")
}

fn list<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    object
        .get("metadata")
        .and_then(|metadata| metadata.get(key))
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
}

/// `metadata` for writing; made when it is missing or no object.
///
/// # Assumptions
/// `object` is a JSON object.
pub fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    let metadata = &mut object["metadata"];
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    match metadata {
        Value::Object(map) => map,
        _ => unreachable!("it was made an object just above"),
    }
}

/// Sets a member of `metadata`.
pub fn set_metadata(object: &mut Value, key: &str, value: impl Into<Value>) {
    metadata_mut(object).insert(key.to_owned(), value.into());
}

/// A time as ObjectMeta carries it: RFC 3339 in UTC, whole seconds.
pub fn time(at: Timestamp) -> String {
    let seconds = Timestamp::from_second(at.as_second()).unwrap_or(at);
    seconds.to_string()
}
