//! How deep objects may nest.

use crate::object;
use serde_json::Value;

/// How deep an object may nest. What is stored, with what the server adds to it, must be readable for whoever reads
/// JSON with a limit, as the server itself does.
const DEEPEST: usize = 100;
/// managedFields nest as deep as what is owned, and this much more: list, entry, `fieldsV1`.
const AROUND_OWNED: usize = 3;
pub(crate) const TOO_DEEP: &str = "exceeded max depth";

/// Whether an object nests deeper than an object may.
pub(crate) fn is_too_deep(object: &Value) -> bool {
    let depth = |(key, member): (&String, &Value)| match (key.as_str(), member) {
        ("metadata", Value::Object(metadata)) => {
            let own = metadata.iter().filter(|(key, _)| *key != "managedFields");
            1 + own.map(|(_, member)| object::depth(member)).max().unwrap_or_default()
        }
        _ => object::depth(member),
    };
    let owners = object::metadata_at(object, ["managedFields"]).map_or(0, object::depth);
    object.as_object().into_iter().flatten().any(|member| depth(member) >= DEEPEST)
        || owners > DEEPEST + AROUND_OWNED
}
