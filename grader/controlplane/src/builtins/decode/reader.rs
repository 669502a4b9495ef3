//! The two ways in which Kubernetes brings a document into a Go struct, as far as they differ.

use super::Scalar;
use serde_json::{Number, Value};

/// Who reads a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reader {
    /// Go's JSON decoder, from text.
    #[default]
    Json,
    /// The converter of unstructured objects, from values that are parsed already, as a strategic merge patch leaves
    /// them. It has words of its own, and Go's conversions between numbers (apimachinery/pkg/runtime/converter.go).
    Converter,
}

/// What a Go type is, as the converter tells types apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Struct,
    Slice,
    Map,
    Scalar,
}

impl Reader {
    /// A number that is no integer of the wanted size, where the reader makes one of it.
    pub(super) fn integer(self, number: &Number, wanted: Scalar) -> Option<Value> {
        if self == Reader::Json {
            return None;
        }
        let whole = match number.as_i64() {
            Some(whole) => whole,
            None => number.as_f64().filter(|float| float.fract() == 0.0)? as i64,
        };
        // Go's conversion keeps the low bits.
        Some(if wanted == Scalar::Int32 { Value::from(whole as i32) } else { Value::from(whole) })
    }

    /// The error of a JSON decoder that the reader itself calls.
    pub(super) fn nested(self, error: String) -> String {
        match self {
            Reader::Json => error,
            Reader::Converter => format!("error decoding from json: {error}"),
        }
    }
}

/// What the converter says of a value that does not fit.
pub(super) fn refusal(value: &Value, wanted: Shape, go_type: &str) -> String {
    let given = match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    };
    match wanted {
        Shape::Struct => format!("cannot restore struct from: {given}"),
        Shape::Slice => format!("cannot restore slice from {given}"),
        Shape::Map => format!("cannot restore map from {given}"),
        // Go converts any number to any number or string; the converter takes that back.
        Shape::Scalar if value.is_number() && go_type != "bool" => {
            format!("cannot convert {given} to {go_type}")
        }
        Shape::Scalar => format!("unrecognized type: {go_type}"),
    }
}
