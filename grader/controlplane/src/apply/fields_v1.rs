//! The JSON form of a set of fields, `fieldsV1` (structured-merge-diff/fieldpath/serialize.go).
//!
//! Each key is a path element: `f:name`, `k:{"port":80}`, `v:"value"`, `i:0`; `.` in an object says that the field
//! itself is in the set, which an empty object says as well.

use super::path::PathElement;
use super::set::Set;
use crate::go_text;
use serde_json::{Map, Value};

/// Writes a set.
pub fn encode(set: &Set) -> Value {
    Value::Object(object(set))
}

fn object(set: &Set) -> Map<String, Value> {
    let mut object = Map::new();
    for entry in set.entries() {
        let mut below = object_of(&entry.below);
        if entry.member && !entry.below.is_empty() {
            below.insert(".".to_owned(), Value::Object(Map::new()));
        }
        object.insert(encode_element(&entry.element), Value::Object(below));
    }
    object
}

fn object_of(set: &Set) -> Map<String, Value> {
    if set.is_empty() { Map::new() } else { object(set) }
}

fn encode_element(element: &PathElement) -> String {
    match element {
        PathElement::Field(name) => {
            let mut key = String::with_capacity(name.len() + 2);
            key.push_str("f:");
            key.push_str(name);
            key
        }
        PathElement::Key(keys) => {
            let keys: Map<String, Value> = keys.iter().cloned().collect();
            format!("k:{}", go_text::json(&Value::Object(keys)))
        }
        PathElement::Value(value) => format!("v:{}", go_text::json(value)),
        PathElement::Index(index) => format!("i:{index}"),
    }
}

/// Reads a set. Path elements of unknown kinds are dropped, as upstream does.
///
/// # Errors
/// The text of the first key that is no path element.
pub fn decode(fields: &Value) -> Result<Set, String> {
    match fields {
        Value::Object(members) => Ok(decode_members(members)?.0),
        Value::Null => Ok(Set::default()),
        _ => Err("expected a JSON object".to_owned()),
    }
}

/// The set in an object, and whether the field that the object stands for is itself in the set.
fn decode_members(members: &Map<String, Value>) -> Result<(Set, bool), String> {
    let mut member = false;
    let mut entries = Vec::with_capacity(members.len());
    for (key, value) in members {
        if key == "." {
            member = true;
            continue;
        }
        let Some(element) = decode_element(key)? else { continue };
        let (below, is_member) = match value {
            Value::Object(members) => decode_members(members)?,
            _ => (Set::default(), true),
        };
        entries.push((element, is_member, below));
    }
    // Texts have another order than what they stand for.
    entries.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    let mut set = Set::default();
    entries.into_iter().for_each(|(element, is_member, below)| set.add(element, is_member, below));
    let member = member || set.is_empty();
    Ok((set, member))
}

fn decode_element(key: &str) -> Result<Option<PathElement>, String> {
    let Some((kind, rest)) = key.split_once(':').filter(|(kind, _)| kind.len() == 1) else {
        return Err(format!("missing colon: {key}"));
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).map_err(|error| format!("{key}: {error}"));
    Ok(match kind {
        "f" => Some(PathElement::Field(rest.to_owned())),
        "v" => Some(PathElement::Value(json(rest)?)),
        "k" => match json(rest)? {
            Value::Object(keys) => Some(PathElement::Key(keys.into_iter().collect())),
            _ => return Err(format!("{key}: expected a JSON object")),
        },
        "i" => Some(PathElement::Index(rest.parse().map_err(|error| format!("{key}: {error}"))?)),
        _ => None,
    })
}
