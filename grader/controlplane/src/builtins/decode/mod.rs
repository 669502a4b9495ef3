//! Reading JSON the way the API server reads a built-in object: into a Go struct and out again.
//!
//! The struct has no place for unknown fields, refuses wrong JSON types, and writes its zero values unless told
//! otherwise (`status: {}`, `resources: {}`, `rules: null`); quantities and times take their canonical form.

mod reader;

pub use reader::Reader;

use super::definitions::{Definition, Field, Scalar, Type};
use super::go_time;
use super::quantity::Quantity;
use crate::go_text::{illegal_base64, json_kind};
use crate::unknown_fields::UnknownFields;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reader::Shape;
use serde_json::{Map, Value};
use std::fmt::Write;

/// Turns `value` into what a Go client would read back. Returns the paths of the fields that were dropped because
/// the type does not have them, e.g. `spec.containers[0].foo`, in the order of their keys.
///
/// # Errors
/// The text of Go's decoder for the first value of a wrong type, e.g.
/// `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`. The value
/// must then be thrown away.
pub fn decode(definition: &'static Definition, value: &mut Value) -> Result<Vec<String>, String> {
    decode_by(Reader::Json, definition, value)
}

/// [`decode`], by one of the two ways of Kubernetes.
///
/// # Errors
/// In the words of that reader.
pub fn decode_by(
    reader: Reader,
    definition: &'static Definition,
    value: &mut Value,
) -> Result<Vec<String>, String> {
    let mut decoder = Decoder { reader, ..Decoder::default() };
    decoder.structure(definition, value);
    match decoder.error {
        Some(error) => Err(error),
        None => Ok(decoder.unknown.into_paths()),
    }
}

#[derive(Default)]
struct Decoder {
    reader: Reader,
    /// The first thing that went wrong: Go goes on reading after it.
    error: Option<String>,
    unknown: UnknownFields,
    /// Path of the present value with indices, for unknown fields.
    path: String,
    /// Names of the fields on the way, without indices, for errors.
    fields: Vec<&'static str>,
    /// The Go struct that has the present field.
    owner: &'static str,
    /// Inside of a type that reads its JSON by itself unknown fields are not reported.
    silent: bool,
}

impl Decoder {
    fn structure(&mut self, definition: &'static Definition, value: &mut Value) {
        if !value.is_object() {
            if !value.is_null() {
                self.wrong_type(value, Shape::Struct, || go_struct(definition.name));
            }
            *value = Value::Object(Map::new());
        }
        let Value::Object(members) = value else { return };
        let mut unknown = Vec::new();
        let owner = std::mem::replace(&mut self.owner, definition.go_name());
        members.retain(|name, value| {
            let length = self.enter(name);
            let shown = match definition.fields.get_key_value(name.as_str()) {
                Some((name, field)) => {
                    self.fields.push(name);
                    let shown = self.field(field, value);
                    self.fields.pop();
                    shown
                }
                None => {
                    unknown.push(name.clone());
                    false
                }
            };
            self.path.truncate(length);
            shown
        });
        self.owner = owner;
        for name in unknown.iter().filter(|_| !self.silent) {
            let dot = if self.path.is_empty() { "" } else { "." };
            self.unknown.note(|| format!("{}{dot}{name}", self.path));
        }
        for (name, zero) in definition.shown_zeros() {
            if !members.contains_key(*name) {
                members.insert((*name).to_owned(), zero.clone());
            }
        }
    }

    /// Reads the value of a field; whether it is shown on output.
    fn field(&mut self, field: &'static Field, value: &mut Value) -> bool {
        if value.is_null() {
            return false;
        }
        self.value(&field.type_, value);
        if field.pointer || !is_empty(value) {
            return true;
        }
        if matches!(field.type_, Type::List(_) | Type::Map(_)) {
            // Storage does not tell an empty list from none.
            *value = Value::Null;
        }
        !field.omit_empty
    }

    fn value(&mut self, type_: &'static Type, value: &mut Value) {
        match (type_, value) {
            (Type::Struct(reference), value) => self.structure(reference.get(), value),
            (Type::StructOrOther(reference), value) => {
                let silent = std::mem::replace(&mut self.silent, true);
                match value {
                    Value::Object(_) => self.structure(reference.get(), value),
                    Value::Array(items) if items.iter().all(Value::is_object) => {
                        items.iter_mut().for_each(|item| self.structure(reference.get(), item));
                    }
                    _ => {}
                }
                self.silent = silent;
            }
            (Type::List(item), Value::Array(values)) => {
                for (index, value) in values.iter_mut().enumerate() {
                    let length = self.path.len();
                    // Writing to a text cannot fail.
                    let _ = write!(self.path, "[{index}]");
                    self.value_or_zero(item, value);
                    self.path.truncate(length);
                }
            }
            (Type::Map(element), Value::Object(entries)) => {
                for (key, value) in entries {
                    let length = self.enter(key);
                    self.value_or_zero(element, value);
                    self.path.truncate(length);
                }
            }
            (Type::Scalar(scalar, go_name), value) => {
                let given = std::mem::take(value);
                *value = self.scalar(*scalar, go_name, given);
            }
            (Type::List(_), other) => {
                self.wrong_type(other, Shape::Slice, || go_type(type_));
                *other = Value::Null;
            }
            (Type::Map(_), other) => {
                self.wrong_type(other, Shape::Map, || go_type(type_));
                *other = Value::Null;
            }
        }
    }

    fn value_or_zero(&mut self, type_: &'static Type, value: &mut Value) {
        if value.is_null() {
            // What is stored knows no bytes that are not there.
            let is_bytes = matches!(type_, Type::Scalar(Scalar::Bytes, _));
            *value = if is_bytes { "".into() } else { type_.zero() };
        } else {
            self.value(type_, value);
        }
    }

    fn scalar(&mut self, scalar: Scalar, go_name: &'static str, value: Value) -> Value {
        match (scalar, &value) {
            (Scalar::Any | Scalar::Opaque, _)
            | (Scalar::String, Value::String(_))
            | (Scalar::Bool, Value::Bool(_)) => value,
            (Scalar::Int32 | Scalar::Int64, Value::Number(number)) => {
                let fits =
                    number.as_i64().is_some_and(|n| scalar == Scalar::Int64 || i32::try_from(n).is_ok());
                if fits {
                    return value;
                }
                if let Some(converted) = self.reader.integer(number, scalar) {
                    return converted;
                }
                self.fail(&format!("number {number}"), &value, Shape::Scalar, go_name);
                value
            }
            (Scalar::Float64, Value::Number(_)) => value,
            (Scalar::IntOrString, Value::String(_)) => value,
            (Scalar::IntOrString, Value::Number(number)) => {
                if number.as_i64().is_none_or(|n| i32::try_from(n).is_err()) {
                    self.save(format!("json: cannot unmarshal number {number} into Go value of type int32"));
                }
                value
            }
            (Scalar::Bytes, Value::String(text)) => {
                // Line breaks inside are fine and go away.
                let bytes = STANDARD.decode(text.replace(['\n', '\r'], ""));
                let encoded = bytes.map(|bytes| STANDARD.encode(bytes));
                self.parsed(encoded.map_err(|error| self.reader.nested(illegal_base64(text, &error))))
            }
            (Scalar::Time, Value::String(text)) if go_time::is_canonical(text) => value,
            (Scalar::Time, Value::String(text)) => self.parsed(go_time::time(text)),
            (Scalar::MicroTime, Value::String(text)) => self.parsed(go_time::micro_time(text)),
            (Scalar::Quantity, Value::String(text)) => {
                self.parsed(Quantity::parse(text).map(|q| q.to_string()).map_err(str::to_owned))
            }
            (Scalar::Quantity, other) => {
                let parsed = Quantity::parse(&other.to_string());
                self.parsed(parsed.map(|q| q.to_string()).map_err(str::to_owned))
            }
            // These read their JSON by themselves, so that the error does not know the field.
            (Scalar::Time | Scalar::MicroTime | Scalar::IntOrString, other) => {
                let what = json_kind(other);
                self.save(format!("json: cannot unmarshal {what} into Go value of type {go_name}"));
                value
            }
            (_, other) => {
                let shape = if scalar == Scalar::Bytes { Shape::Slice } else { Shape::Scalar };
                self.fail(json_kind(other), other, shape, go_name);
                value
            }
        }
    }

    fn parsed(&mut self, result: Result<String, String>) -> Value {
        match result {
            Ok(text) => Value::String(text),
            Err(error) => {
                self.save(error);
                Value::Null
            }
        }
    }

    /// Goes into a field; returns the length of the path to truncate to on the way out.
    fn enter(&mut self, name: &str) -> usize {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        length
    }

    fn wrong_type(&mut self, value: &Value, shape: Shape, go_type: impl FnOnce() -> String) {
        let go_type = go_type();
        self.fail(json_kind(value), value, shape, &go_type);
    }

    /// Notes that a value, for Go's JSON decoder `what`, does not fit.
    fn fail(&mut self, what: &str, value: &Value, shape: Shape, go_type: &str) {
        let text = match self.reader {
            Reader::Json if self.owner.is_empty() => {
                format!("json: cannot unmarshal {what} into Go value of type {go_type}")
            }
            Reader::Json => {
                let place = format!("{}.{}", self.owner, self.fields.join("."));
                format!("json: cannot unmarshal {what} into Go struct field {place} of type {go_type}")
            }
            Reader::Converter => reader::refusal(value, shape, go_type),
        };
        self.save(text);
    }

    fn save(&mut self, error: String) {
        self.error.get_or_insert(error);
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
    }
}

/// The name of a type as Go writes it, e.g. `[]v1.Container`.
fn go_type(type_: &Type) -> String {
    match type_ {
        Type::Scalar(_, name) => (*name).to_owned(),
        Type::List(item) => format!("[]{}", go_type(item)),
        Type::Map(value) => format!("map[string]{}", go_type(value)),
        Type::Struct(r) | Type::StructOrOther(r) => go_struct(r.name),
    }
}

/// `v1.Pod` of `core.v1.Pod`.
fn go_struct(name: &str) -> String {
    format!("{}.{}", package(name), name.rsplit('.').next().unwrap_or_default())
}

/// `v1` of `core.v1.Pod`.
fn package(name: &str) -> &str {
    name.rsplit('.').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests;
