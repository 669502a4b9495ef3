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
mod tests;
