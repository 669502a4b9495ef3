//! `int('5')`, `string(5)` and their like.

use super::super::super::validation::parse_duration;
use super::super::evaluate::{Evaluated, Fault};
use super::super::value::Value;
use super::{text, times};
use crate::go_text;
use jiff::Timestamp;

pub(super) fn call<'a>(name: &str, target: &Option<Value<'a>>, args: &[Value<'a>]) -> Option<Evaluated<'a>> {
    let (None, [value]) = (target, args) else { return None };
    let overflow = |kind: &str| Fault::Error(format!("{kind} overflow"));
    let within = |value: f64, most: f64| Some(value).filter(|value| value.abs() < most);
    let failed = |type_: &str| Fault::Error(format!("type conversion error from 'string' to '{type_}'"));
    Some(match (name, value) {
        ("bool", Value::Bool(_))
        | ("int", Value::Int(_))
        | ("uint", Value::Uint(_))
        | ("double", Value::Double(_)) => Ok(value.clone()),
        ("string", Value::String(_)) | ("bytes", Value::Bytes(_)) => Ok(value.clone()),
        ("timestamp", Value::Timestamp(_)) | ("duration", Value::Duration(_)) => Ok(value.clone()),
        ("bool", Value::String(text)) => match &**text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Value::Bool(false)),
            _ => Err(failed("bool")),
        },
        ("int", Value::Uint(value)) => i64::try_from(*value).map(Value::Int).map_err(|_| overflow("integer")),
        ("int", Value::Double(value)) => within(*value, 9.223_372_036_854_775e18)
            .map(|value| Value::Int(value as i64))
            .ok_or_else(|| overflow("integer")),
        ("int", Value::String(text)) => text.parse().map(Value::Int).map_err(|_| failed("int")),
        ("int", Value::Timestamp(time)) => Ok(Value::Int(time.as_second())),
        ("int", Value::Duration(nanoseconds)) => Ok(Value::Int(*nanoseconds)),
        ("uint", Value::Int(value)) => {
            u64::try_from(*value).map(Value::Uint).map_err(|_| overflow("unsigned integer"))
        }
        ("uint", Value::Double(value)) => within(*value, 1.844_674_407_370_955e19)
            .filter(|value| *value >= 0.0)
            .map(|value| Value::Uint(value as u64))
            .ok_or_else(|| overflow("unsigned integer")),
        ("uint", Value::String(text)) => text.parse().map(Value::Uint).map_err(|_| failed("uint")),
        ("double", Value::Int(value)) => Ok(Value::Double(*value as f64)),
        ("double", Value::Uint(value)) => Ok(Value::Double(*value as f64)),
        ("double", Value::String(text)) => text.parse().map(Value::Double).map_err(|_| failed("double")),
        ("string", Value::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::text(text)),
            Err(_) => Err(Fault::Error("invalid UTF-8 in bytes, cannot convert to string".into())),
        },
        (
            "string",
            Value::Bool(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::Timestamp(_)
            | Value::Duration(_),
        ) => Ok(Value::text(shown(value))),
        ("bytes", Value::String(text)) => Ok(Value::Bytes(text.as_bytes().into())),
        ("timestamp", Value::Int(seconds)) => {
            Timestamp::from_second(*seconds).map(Value::Timestamp).map_err(|_| overflow("timestamp"))
        }
        ("timestamp", value) => match text(value).map(str::parse) {
            Some(Ok(time)) => Ok(Value::Timestamp(time)),
            Some(Err(_)) => Err(failed("google.protobuf.Timestamp")),
            None => return None,
        },
        ("duration", Value::Int(nanoseconds)) => Ok(Value::Duration(*nanoseconds)),
        ("duration", value) => match text(value).map(parse_duration) {
            Some(Some(nanoseconds)) => Ok(Value::Duration(nanoseconds)),
            Some(None) => Err(failed("google.protobuf.Duration")),
            None => return None,
        },
        _ => return None,
    })
}

/// A value in words, as errors and `string()` show it.
pub(in super::super) fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => go_text::float(*value),
        Value::String(text) => text.to_string(),
        Value::Timestamp(time) => time.to_string(),
        Value::Duration(nanoseconds) => times::seconds(*nanoseconds),
        Value::Type(name) => name.to_string(),
        other => other.type_name().to_owned(),
    }
}
