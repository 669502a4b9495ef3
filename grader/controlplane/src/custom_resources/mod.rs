//! CustomResourceDefinitions: their own rules, their status, and what the server needs to serve what they define.
//!
//! Everything here is a pure function of objects. [`definition`] is what the verbs call when a definition is written,
//! [`status`] what the control plane calls to accept its names and establish it, [`CustomDefinition`] the parsed form
//! that requests for custom resources are served from.

mod approval;
pub mod columns;
mod custom_definition;
pub mod definition;
pub mod instance;
pub mod json_path;
pub mod scale;
pub mod status;
mod validation;

pub use custom_definition::{CustomDefinition, CustomVersion};

use serde_json::Value;

/// Text at a JSON pointer; empty when it is not there.
fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer; empty when it is not there.
fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
