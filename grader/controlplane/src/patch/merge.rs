//! Merge patch (RFC 7386) as Kubernetes applies it.

use super::{PatchError, decode};
use crate::go_text;
use serde_json::Value;

/// Reads a merge patch, which must be an object.
///
/// # Errors
/// [`PatchError::Malformed`] with the text of the API server's decoder.
pub fn parse(bytes: &[u8]) -> Result<Value, PatchError> {
    match decode::decode(bytes) {
        Ok(patch @ Value::Object(_)) => Ok(patch),
        // Go's decoder takes null for an empty map, and the patch library then refuses it.
        Ok(Value::Null) => Err(PatchError::Malformed("Invalid JSON Patch".to_owned())),
        Ok(other) => Err(PatchError::Malformed(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            go_text::json_kind(&other)
        ))),
        Err(text) => Err(PatchError::Malformed(format!("error decoding patch: {text}"))),
    }
}

/// Merges `patch` into `document`: objects member by member, null removes, everything else replaces.
pub fn apply(document: &mut Value, patch: &Value) {
    match (document, patch) {
        (Value::Object(members), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    members.remove(key);
                } else if let Some(current) = members.get_mut(key) {
                    apply(current, value);
                } else {
                    members.insert(key.clone(), without_nulls(value));
                }
            }
        }
        // The patch library does not look into what replaces an object.
        (document @ Value::Object(_), patch) => *document = patch.clone(),
        (document, patch) => *document = without_nulls(patch),
    }
}

/// A copy without members that are null. Unlike the RFC, the library also looks into the items of arrays.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn check(document: Value, patch: Value, expected: Value) {
        let mut merged = document.clone();
        apply(&mut merged, &patch);
        assert_eq!(merged, expected, "{patch} on {document}");
    }

    #[test]
    fn the_examples_of_the_rfc() {
        check(json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"}));
        check(json!({"a": "b"}), json!({"a": null}), json!({}));
        check(json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"}));
        check(json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}}));
        check(json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]}));
        check(json!({"a": [1]}), json!({"a": [{"b": null}, null]}), json!({"a": [{}, null]}));
        check(json!({"a": {}}), json!({"a": [{"b": null}]}), json!({"a": [{"b": null}]}));
        check(json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1}));
        check(json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}}));
        check(json!({"a": "x"}), json!({"a": {"b": null, "c": 1}}), json!({"a": {"c": 1}}));
    }

    #[test]
    fn only_objects_are_merge_patches() {
        for (patch, expected) in [
            ("{", "error decoding patch: unexpected end of JSON input"),
            (
                "[]",
                "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
            ),
            ("null", "Invalid JSON Patch"),
        ] {
            assert_eq!(parse(patch.as_bytes()), Err(PatchError::Malformed(expected.to_owned())), "{patch}");
        }
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once_but_for_nulls(document in crate::patch::tests::any_json(), patch in crate::patch::tests::any_json()) {
            let mut once = document;
            apply(&mut once, &patch);
            let mut twice = once.clone();
            apply(&mut twice, &patch);
            prop_assert_eq!(without_nulls(&once), without_nulls(&twice));
        }

        #[test]
        fn an_empty_patch_of_an_object_changes_nothing(members in proptest::collection::btree_map("[a-c]", crate::patch::tests::any_json(), 0..4)) {
            let document: Value = members.into_iter().collect();
            let mut merged = document.clone();
            apply(&mut merged, &json!({}));
            prop_assert_eq!(merged, document);
        }
    }
}
