//! The members of objects, read and written as Go does it.

use crate::go_text;
use serde_json::{Map, Value};

/// Drops the members that are null.
pub(super) fn compact(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, member)| !member.is_null());
            kept.map(|(key, member)| (key, compact(member))).collect::<Map<String, Value>>().into()
        }
        other => other,
    }
}

/// A member of the text of an object; nothing is left out.
pub(super) type Member<'a> = (&'a str, Option<String>);

/// An object with its members in this order, as Go writes structs.
pub(super) fn ordered(members: &[Member<'_>]) -> String {
    let shown = members.iter().filter_map(|(key, text)| Some(format!("\"{key}\":{}", text.as_ref()?)));
    format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
}

/// A list; none when it would be empty.
pub(super) fn array(items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| format!("[{}]", items.join(",")))
}

/// A value that is left out when it is null.
pub(super) fn leaf(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| go_text::json(value))
}

/// A value that is written in any case; a quantity is zero then.
pub(super) fn always(value: &Value) -> Option<String> {
    Some(leaf(value).unwrap_or_else(|| "\"0\"".to_owned()))
}
