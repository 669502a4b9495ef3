//! JSON patch (RFC 6902) in the dialect of the library that the API server uses
//! (gopkg.in/evanphx/json-patch.v4).
//!
//! It differs from the RFC, and clients have come to rely on it: `replace` of a missing member adds it, `test`
//! of a missing member against null holds (kube's finalizer helper sends that), `copy` of a missing member
//! writes null, and negative array indices count from the end.

mod growth;
mod place;

use self::growth::Growth;
use self::place::place;
use super::{PatchError, decode};
use crate::go_text;
use serde_json::{Map, Value};

/// The most operations one patch may have (apiserver/pkg/endpoints/handlers/patch.go).
pub const MAX_OPERATIONS: usize = 10_000;

/// The names that an operation may have; others are errors under strict field validation.
const MEMBERS: [&str; 4] = ["op", "path", "from", "value"];

/// A decoded JSON patch.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    operations: Vec<Map<String, Value>>,
}

/// Applies the JSON patch in `patch` to `document`.
///
/// # Errors
/// See [`PatchError`].
pub fn apply(document: &Value, patch: &[u8]) -> Result<Value, PatchError> {
    Patch::parse(patch)?.apply(document)
}

impl Patch {
    /// Reads a patch: an array of operations.
    ///
    /// # Errors
    /// [`PatchError::Malformed`] or [`PatchError::TooManyOperations`].
    pub fn parse(bytes: &[u8]) -> Result<Patch, PatchError> {
        let malformed = |text: String| PatchError::Malformed(format!("error decoding patch: {text}"));
        let items = match decode::decode(bytes).map_err(malformed)? {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            other => {
                return Err(malformed(format!(
                    "json: cannot unmarshal {} into Go value of type []handlers.jsonPatchOp",
                    go_text::json_kind(&other)
                )));
            }
        };
        let mut operations = Vec::with_capacity(items.len());
        for item in items {
            let operation = match item {
                Value::Object(operation) => operation,
                Value::Null => Map::new(),
                other => {
                    return Err(malformed(format!(
                        "json: cannot unmarshal {} into Go value of type handlers.jsonPatchOp",
                        go_text::json_kind(&other)
                    )));
                }
            };
            for member in ["op", "path", "from"] {
                if let Some(value) = operation.get(member)
                    && !matches!(value, Value::String(_) | Value::Null)
                {
                    return Err(malformed(format!(
                        "json: cannot unmarshal {} into Go struct field jsonPatchOp.{member} of type string",
                        go_text::json_kind(value)
                    )));
                }
            }
            operations.push(operation);
        }
        if operations.len() > MAX_OPERATIONS {
            return Err(PatchError::TooManyOperations(operations.len()));
        }
        Ok(Patch { operations })
    }

    /// The members that no operation knows, in the words of strict field validation.
    pub fn unknown_members(&self) -> Vec<String> {
        let mut unknown = Vec::new();
        for (index, operation) in self.operations.iter().enumerate() {
            for member in operation.keys().filter(|member| !MEMBERS.contains(&member.as_str())) {
                unknown.push(format!("json patch unknown field \"[{index}].{member}\""));
            }
        }
        unknown
    }

    /// Applies all operations in order, to a copy.
    ///
    /// # Errors
    /// [`PatchError::DoesNotApply`] with the first operation that fails.
    pub fn apply(&self, document: &Value) -> Result<Value, PatchError> {
        let mut document = document.clone();
        let mut growth = Growth::of(&document);
        for operation in &self.operations {
            apply_operation(&mut document, operation, &mut growth)
                .map_err(|reason| PatchError::DoesNotApply { reason })?;
        }
        Ok(document)
    }
}

fn apply_operation(
    document: &mut Value,
    operation: &Map<String, Value>,
    growth: &mut Growth,
) -> Result<(), String> {
    let text = |member: &str| operation.get(member).and_then(Value::as_str);
    let op = text("op").unwrap_or("unknown");
    let path = || text("path").ok_or_else(|| format!("{op} operation failed to decode path: missing value"));
    let from = || text("from").ok_or_else(|| format!("{op} operation failed to decode from: missing value"));
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match op {
        "add" => {
            let value = value();
            growth.puts(path()?, &value)?;
            add(document, "add", path()?, value)
        }
        "remove" => {
            let path = path()?;
            let mut place = place(document, path).ok_or_else(|| {
                format!("remove operation does not apply: doc is missing path: \"{path}\": missing value")
            })?;
            place.remove().map(drop).map_err(|error| format!("error in remove for path: '{path}': {error}"))
        }
        "replace" => {
            let value = value();
            growth.puts(path()?, &value)?;
            replace(document, path()?, value)
        }
        "move" => {
            let from = from()?;
            let mut source = place(document, from).ok_or_else(|| {
                format!("move operation does not apply: doc is missing from path: {from}: missing value")
            })?;
            let moved = source
                .remove()
                .map_err(|error| format!("error in move for path: '{}': {error}", source.key))?;
            growth.moves(path()?, from, &moved, document)?;
            add(document, "move", path()?, moved)
        }
        "copy" => {
            let from = from()?;
            let source = place(document, from).ok_or_else(|| {
                format!("copy operation does not apply: doc is missing from path: {from}: missing value")
            })?;
            let value = source.get().map_err(|error| format!("error in copy for from: '{from}': {error}"))?;
            let value = value.cloned().unwrap_or(Value::Null);
            growth.copies(path()?, &value)?;
            add(document, "copy", path()?, value)
        }
        "test" => test(document, path()?, operation.get("value")),
        other => Err(format!("Unexpected kind: {other}")),
    }
}

fn add(document: &mut Value, op: &str, path: &str, value: Value) -> Result<(), String> {
    let Some(mut place) = place(document, path) else {
        return Err(match op {
            "add" => format!("add operation does not apply: doc is missing path: \"{path}\": missing value"),
            _ => format!(
                "{op} operation does not apply: doc is missing destination path: {path}: missing value"
            ),
        });
    };
    place.add(value).map_err(|error| match op {
        "copy" => format!("error while adding value during copy: {error}"),
        _ => format!("error in {op} for path: '{path}': {error}"),
    })
}

fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        if !value.is_object() && !value.is_array() {
            return Err("replace operation value must be object or array: %!w(<nil>)".to_owned());
        }
        *document = value;
        return Ok(());
    }
    let mut place = place(document, path).ok_or_else(|| {
        format!("replace operation does not apply: doc is missing path: {path}: missing value")
    })?;
    if place.get().is_err() {
        return Err(format!("replace operation does not apply: doc is missing key: {path}: missing value"));
    }
    place.set(value).map_err(|error| format!("error in remove for path: '{path}': {error}"))
}

fn test(document: &mut Value, path: &str, expected: Option<&Value>) -> Result<(), String> {
    let failed = || Err(format!("testing value {path} failed: test failed"));
    if path.is_empty() {
        return if expected == Some(document) { Ok(()) } else { failed() };
    }
    let place = place(document, path)
        .ok_or_else(|| format!("test operation does not apply: is missing path: {path}: missing value"))?;
    let found = place.get().map_err(|error| format!("error in test for path: '{path}': {error}"))?;
    // Missing and null are the same, on both sides.
    if found.unwrap_or(&Value::Null) == expected.unwrap_or(&Value::Null) { Ok(()) } else { failed() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn patched(document: &Value, patch: Value) -> Result<Value, PatchError> {
        apply(document, patch.to_string().as_bytes())
    }

    #[test]
    fn operations_change_the_document() {
        let document = json!({"a": {"b": "1", "n": null}, "l": [1, 2, 3], "x/y~z": 0});
        for (patch, expected) in [
            (json!([{"op": "add", "path": "/a/c", "value": 2}]), json!({"a": {"b": "1", "n": null, "c": 2}})),
            (json!([{"op": "add", "path": "/a/c"}]), json!({"a": {"b": "1", "n": null, "c": null}})),
            (json!([{"op": "add", "path": "/l/-", "value": 4}]), json!({"l": [1, 2, 3, 4]})),
            (json!([{"op": "add", "path": "/l/0", "value": 0}]), json!({"l": [0, 1, 2, 3]})),
            (json!([{"op": "add", "path": "/l/-1", "value": 4}]), json!({"l": [1, 2, 3, 4]})),
            (json!([{"op": "remove", "path": "/l/-1"}]), json!({"l": [1, 2]})),
            (json!([{"op": "replace", "path": "/l/1", "value": 9}]), json!({"l": [1, 9, 3]})),
            (
                json!([{"op": "replace", "path": "/a/new", "value": 9}]),
                json!({"a": {"b": "1", "n": null, "new": 9}}),
            ),
            (json!([{"op": "remove", "path": "/x~1y~0z"}]), json!({"x/y~z": null})),
            (
                json!([{"op": "move", "from": "/a/b", "path": "/l/0"}]),
                json!({"a": {"n": null}, "l": ["1", 1, 2, 3]}),
            ),
            (
                json!([{"op": "copy", "from": "/a/nope", "path": "/a/c"}]),
                json!({"a": {"b": "1", "n": null, "c": null}}),
            ),
            (json!([{"op": "test", "path": "/a/nope", "value": null}]), json!({})),
            (json!([{"op": "test", "path": "/a/nope"}]), json!({})),
            (json!([{"op": "test", "path": "/a/n", "value": null}]), json!({})),
            (json!([{"op": "test", "path": "/a", "value": {"n": null, "b": "1"}}]), json!({})),
        ] {
            let mut wanted = document.clone();
            for (key, value) in expected.as_object().expect("an object") {
                match value {
                    Value::Null => drop(wanted.as_object_mut().expect("an object").remove(key)),
                    value => wanted[key] = value.clone(),
                }
            }
            assert_eq!(patched(&document, patch.clone()), Ok(wanted), "{patch}");
        }
    }

    #[test]
    fn a_document_cannot_grow_without_end() {
        let refused = |operations: Vec<Value>| match patched(&json!({"a": {}}), operations.into()) {
            Err(PatchError::DoesNotApply { reason }) => reason,
            other => panic!("{other:?}"),
        };
        let doubling = |index| json!({"op": "copy", "from": "/a", "path": format!("/a/{index}")});
        let reason = refused((0..40).map(doubling).collect());
        assert!(reason.contains("exceeding the limit 3145728"), "{reason}");

        let nesting = |_| {
            [
                json!({"op": "add", "path": "/b", "value": {}}),
                json!({"op": "move", "from": "/a", "path": "/b/a"}),
                json!({"op": "move", "from": "/b", "path": "/a"}),
            ]
        };
        assert_eq!(refused((0..3_000).flat_map(nesting).collect()), "the document would nest too deeply");
        let sideways = |_| json!({"op": "move", "from": "/a", "path": "/a"});
        assert!(patched(&json!({"a": {}}), (0..3_000).map(sideways).collect()).is_ok());
        let deeper = |index| json!({"op": "copy", "from": "/a", "path": format!("/b/c/{index}")});
        assert!(patched(&json!({"a": {}, "b": {"c": {}}}), (0..3_000).map(deeper).collect()).is_ok());
        let up_and_down = |_| {
            [
                json!({"op": "move", "from": "/a", "path": "/b/c/a"}),
                json!({"op": "move", "from": "/b/c/a", "path": "/d"}),
                json!({"op": "add", "path": "/a", "value": {}}),
            ]
        };
        assert!(
            patched(&json!({"a": {}, "b": {"c": {}}}), (0..2_000).flat_map(up_and_down).collect()).is_ok()
        );
    }

    #[test]
    fn operations_that_do_not_apply_say_why() {
        let document = json!({"a": {"b": "1"}, "l": [1], "s": "text"});
        for (operation, expected) in [
            (
                json!({"op": "add", "path": "/n/c", "value": 2}),
                "add operation does not apply: doc is missing path: \"/n/c\": missing value",
            ),
            (
                json!({"op": "add", "path": "", "value": {}}),
                "add operation does not apply: doc is missing path: \"\": missing value",
            ),
            (
                json!({"op": "add", "path": "/s/c"}),
                "add operation does not apply: doc is missing path: \"/s/c\": missing value",
            ),
            (
                json!({"op": "add", "path": "/l/x"}),
                "error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
            ),
            (
                json!({"op": "add", "path": "/l/2"}),
                "error in add for path: '/l/2': Unable to access invalid index: 2: invalid index referenced",
            ),
            (
                json!({"op": "remove", "path": "/a/c"}),
                "error in remove for path: '/a/c': Unable to remove nonexistent key: c: missing value",
            ),
            (
                json!({"op": "replace", "path": "/l/1"}),
                "replace operation does not apply: doc is missing key: /l/1: missing value",
            ),
            (
                json!({"op": "replace", "path": "", "value": 1}),
                "replace operation value must be object or array: %!w(<nil>)",
            ),
            (json!({"op": "move", "path": "/a/c"}), "move operation failed to decode from: missing value"),
            (
                json!({"op": "move", "from": "/a/x", "path": "/a/c"}),
                "error in move for path: 'x': Unable to remove nonexistent key: x: missing value",
            ),
            (
                json!({"op": "copy", "from": "/l/1", "path": "/a/c"}),
                "error in copy for from: '/l/1': Unable to access invalid index: 1: invalid index referenced",
            ),
            (json!({"op": "test", "path": "/a/b", "value": 1}), "testing value /a/b failed: test failed"),
            (
                json!({"op": "test", "path": "/n/b", "value": null}),
                "test operation does not apply: is missing path: /n/b: missing value",
            ),
            (json!({"op": "frob", "path": "/a/b"}), "Unexpected kind: frob"),
            (json!(null), "Unexpected kind: unknown"),
            (json!({"op": "add"}), "add operation failed to decode path: missing value"),
        ] {
            let error = PatchError::DoesNotApply { reason: expected.to_owned() };
            assert_eq!(patched(&document, json!([operation])), Err(error), "{operation}");
        }
    }

    #[test]
    fn what_is_no_patch_is_malformed() {
        for (patch, expected) in [
            ("[", "error decoding patch: unexpected end of JSON input"),
            (
                "{}",
                "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
            ),
            (
                "[1]",
                "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp",
            ),
            (
                r#"[{"op": "add", "path": 1}]"#,
                "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string",
            ),
        ] {
            assert_eq!(
                apply(&json!({}), patch.as_bytes()),
                Err(PatchError::Malformed(expected.to_owned())),
                "{patch}"
            );
        }
    }

    #[test]
    fn the_number_of_operations_is_limited() {
        let patch = Value::Array(vec![Value::Null; 10_001]);
        let error = patched(&json!({}), patch).expect_err("one operation too many");
        assert_eq!(error.status(), 413);
        assert_eq!(
            error.to_string(),
            "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"
        );
    }

    #[test]
    fn unknown_members_are_named() {
        let patch = Patch::parse(br#"[{"op": "add", "path": "/a", "val": 1}]"#).expect("a patch");
        assert_eq!(patch.unknown_members(), ["json patch unknown field \"[0].val\""]);
    }

    proptest! {
        #[test]
        fn no_patch_makes_it_panic(
            document in crate::patch::tests::any_json(),
            operations in proptest::collection::vec(
                ("(add|remove|replace|move|copy|test|x)", "(/[a-d0-2-]{0,2}){0,3}", "(/[a-d0-2-]{0,2}){0,3}", crate::patch::tests::any_json()),
                0..4,
            ),
        ) {
            let operations: Vec<_> = operations
                .into_iter()
                .map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}))
                .collect();
            let _ = patched(&document, Value::from(operations));
        }
    }
}
