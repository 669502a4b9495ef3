//! Reading and writing members of JSON objects, as rules of kinds need it: what is missing or of another type
//! reads as empty.

use serde_json::{Map, Value};

/// The value at a JSON pointer; `null` when there is none.
pub(crate) fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    static NULL: Value = Value::Null;
    // `Value::pointer` allocates for each step; only an escaped one is worth it.
    let found = if pointer.contains('~') {
        value.pointer(pointer)
    } else {
        pointer.split('/').skip(1).try_fold(value, |value, key| match value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            other => other.get(key),
        })
    };
    found.unwrap_or(&NULL)
}

/// The text at a JSON pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    at(value, pointer).as_str().unwrap_or_default()
}

/// The number at a JSON pointer.
pub(crate) fn number(value: &Value, pointer: &str) -> Option<i64> {
    at(value, pointer).as_i64()
}

/// The list at a JSON pointer.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    at(value, pointer).as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The list at a JSON pointer, for changing its items.
pub(crate) fn list_mut<'a>(value: &'a mut Value, pointer: &str) -> &'a mut [Value] {
    value.pointer_mut(pointer).and_then(Value::as_array_mut).map(Vec::as_mut_slice).unwrap_or_default()
}

/// The members of the object at a JSON pointer.
pub(crate) fn members<'a>(value: &'a Value, pointer: &str) -> Option<&'a Map<String, Value>> {
    at(value, pointer).as_object()
}

/// Whether a member is there and not `null`.
pub(crate) fn has(value: &Value, key: &str) -> bool {
    value.get(key).is_some_and(|v| !v.is_null())
}

/// Sets a member of an object unless it has a value; the empty text is none.
pub(crate) fn default_to(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Value::Object(map) = object
        && map.get(key).is_none_or(|v| v.is_null() || v == "")
    {
        map.insert(key.to_owned(), value.into());
    }
}

/// Sets a member of an object, or takes it away.
pub(crate) fn set(object: &mut Value, key: &str, value: Option<Value>) {
    if let Value::Object(map) = object {
        match value {
            Some(value) => map.insert(key.to_owned(), value),
            None => map.remove(key),
        };
    }
}

/// Sets a member of the object at a JSON pointer, whose objects are made as needed.
pub(crate) fn put(object: &mut Value, path: &[&str], value: impl Into<Value>) {
    let mut place = object;
    for key in path {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[*key];
    }
    *place = value.into();
}
