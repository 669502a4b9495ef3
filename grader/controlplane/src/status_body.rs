//! A Status as text: its members in the order of Go's structs, which clients quote in errors of their own
//! (apimachinery/pkg/apis/meta/v1/types.go).

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

const STATUS: [&str; 8] =
    ["kind", "apiVersion", "metadata", "status", "message", "reason", "details", "code"];
const DETAILS: [&str; 6] = ["name", "group", "kind", "uid", "causes", "retryAfterSeconds"];
const CAUSE: [&str; 3] = ["reason", "message", "field"];

/// Serializes a `Status` in the order of a real server; members that no Status has are left out.
pub(crate) struct StatusBody<'a>(pub(crate) &'a Value);

impl Serialize for StatusBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        members(serializer, self.0, &STATUS, |map, key, value| match key {
            "details" => map.serialize_entry(key, &DetailsBody(value)),
            _ => map.serialize_entry(key, value),
        })
    }
}

struct DetailsBody<'a>(&'a Value);

impl Serialize for DetailsBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        members(serializer, self.0, &DETAILS, |map, key, value| match key {
            "causes" => map.serialize_entry(key, &CausesBody(value)),
            _ => map.serialize_entry(key, value),
        })
    }
}

struct CausesBody<'a>(&'a Value);

impl Serialize for CausesBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for cause in self.0.as_array().into_iter().flatten() {
            list.serialize_element(&CauseBody(cause))?;
        }
        list.end()
    }
}

struct CauseBody<'a>(&'a Value);

impl Serialize for CauseBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        members(serializer, self.0, &CAUSE, |map, key, value| map.serialize_entry(key, value))
    }
}

/// The members that there are, in this order.
fn members<S: Serializer>(
    serializer: S,
    object: &Value,
    order: &[&'static str],
    mut write: impl FnMut(&mut S::SerializeMap, &'static str, &Value) -> Result<(), S::Error>,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for key in order {
        if let Some(value) = object.get(key) {
            write(&mut map, key, value)?;
        }
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_in_the_order_of_go() {
        let status = json!({
            "apiVersion": "v1", "code": 422, "kind": "Status", "message": "m", "metadata": {"continue": "c"},
            "reason": "Invalid", "status": "Failure",
            "details": {
                "causes": [{"field": "f", "message": "m", "reason": "r"}, {"message": "n"}],
                "group": "g", "kind": "k", "name": "n", "retryAfterSeconds": 1, "uid": "u",
            },
        });
        let text = serde_json::to_string(&StatusBody(&status)).expect("JSON is text");
        let expected = concat!(
            r#"{"kind":"Status","apiVersion":"v1","metadata":{"continue":"c"},"status":"Failure","message":"m","#,
            r#""reason":"Invalid","details":{"name":"n","group":"g","kind":"k","uid":"u","causes":["#,
            r#"{"reason":"r","message":"m","field":"f"},{"message":"n"}],"retryAfterSeconds":1},"code":422}"#,
        );
        assert_eq!(text, expected);
        assert_eq!(serde_json::to_value(StatusBody(&status)).expect("JSON is a value"), status);
    }
}
