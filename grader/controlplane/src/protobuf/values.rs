//! Values and messages with a JSON form of their own.

use super::wire::{Reader, Tag, WireError, WireType};
use crate::builtins::quantity::Quantity;
use crate::patch;
use jiff::Timestamp;
use serde_json::{Number, Value};

/// The second at which Go's zero time begins, 0001-01-01.
const ZERO_TIME: i64 = -62_135_596_800;

/// A string as Go writes it in JSON: every byte that is not UTF-8 becomes U+FFFD.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// A float as Go writes it in JSON: without a fraction where it has none.
pub(super) fn float(value: f64) -> Result<Value, WireError> {
    if value.fract() == 0.0
        && value.abs() < 9_007_199_254_740_992.0
        && (value != 0.0 || !value.is_sign_negative())
    {
        return Ok(Value::from(value as i64));
    }
    let shown = || {
        if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        }
    };
    Number::from_f64(value)
        .map(Value::Number)
        .ok_or_else(|| WireError::NoJson(format!("json: unsupported value: {}", shown())))
}

/// `metav1.Time`: whole seconds.
pub(super) fn time(bytes: &[u8]) -> Result<Value, WireError> {
    let (seconds, _) = timestamp(bytes)?;
    show_time(bytes, seconds, 0, "%Y-%m-%dT%H:%M:%SZ")
}

/// `metav1.MicroTime`: whole microseconds.
pub(super) fn micro_time(bytes: &[u8]) -> Result<Value, WireError> {
    let (seconds, nanoseconds) = timestamp(bytes)?;
    show_time(bytes, seconds, nanoseconds / 1000 * 1000, "%Y-%m-%dT%H:%M:%S.%6fZ")
}

fn show_time(bytes: &[u8], seconds: i64, nanoseconds: i32, format: &str) -> Result<Value, WireError> {
    if bytes.is_empty() || (seconds == ZERO_TIME && nanoseconds == 0) {
        return Ok(Value::Null);
    }
    match Timestamp::new(seconds, nanoseconds) {
        Ok(time) if seconds >= ZERO_TIME => Ok(time.strftime(format).to_string().into()),
        _ => Err(WireError::NoJson("Time.MarshalJSON: year outside of range [0,9999]".to_owned())),
    }
}

fn timestamp(bytes: &[u8]) -> Result<(i64, i32), WireError> {
    let (mut seconds, mut nanoseconds) = (0, 0);
    let mut reader = Reader::new(bytes);
    while let Some(tag) = reader.tag("Timestamp")? {
        match tag.number {
            1 => seconds = varint(&mut reader, tag, "Seconds")? as i64,
            2 => nanoseconds = varint(&mut reader, tag, "Nanos")? as i32,
            _ => reader.skip(tag)?,
        }
    }
    Ok((seconds, nanoseconds))
}

/// `resource.Quantity`: its text.
pub(super) fn quantity(bytes: &[u8]) -> Result<Value, WireError> {
    let mut quantity = "0".to_owned();
    let mut reader = Reader::new(bytes);
    while let Some(tag) = reader.tag("Quantity")? {
        if tag.number != 1 {
            reader.skip(tag)?;
            continue;
        }
        tag.expect(WireType::Bytes, "String_")?;
        let parsed = Quantity::parse(&text(reader.bytes()?));
        quantity = parsed.map_err(|error| WireError::Value(error.to_owned()))?.to_string();
    }
    Ok(quantity.into())
}

/// `intstr.IntOrString`: a message that says which of two fields counts.
pub(super) fn int_or_string(bytes: &[u8]) -> Result<Value, WireError> {
    let (mut type_, mut number, mut string) = (0, 0, String::new());
    let mut reader = Reader::new(bytes);
    while let Some(tag) = reader.tag("IntOrString")? {
        match tag.number {
            1 => type_ = varint(&mut reader, tag, "Type")?,
            2 => number = varint(&mut reader, tag, "IntVal")? as i32,
            3 => {
                tag.expect(WireType::Bytes, "StrVal")?;
                string = text(reader.bytes()?);
            }
            _ => reader.skip(tag)?,
        }
    }
    match type_ {
        0 => Ok(number.into()),
        1 => Ok(string.into()),
        _ => Err(WireError::NoJson("impossible IntOrString.Type".to_owned())),
    }
}

/// A list of strings in a message of its own (`ExtraValue`).
pub(super) fn strings(bytes: &[u8]) -> Result<Value, WireError> {
    let mut items = Vec::new();
    let mut reader = Reader::new(bytes);
    while let Some(tag) = reader.tag("ExtraValue")? {
        if tag.number == 1 {
            tag.expect(WireType::Bytes, "Items")?;
            items.push(Value::String(text(reader.bytes()?)));
        } else {
            reader.skip(tag)?;
        }
    }
    Ok(items.into())
}

/// JSON text in a message of this name.
pub(super) fn json(message: &str, bytes: &[u8]) -> Result<Value, WireError> {
    let mut raw: &[u8] = &[];
    let mut reader = Reader::new(bytes);
    while let Some(tag) = reader.tag(message)? {
        if tag.number == 1 {
            tag.expect(WireType::Bytes, "Raw")?;
            raw = reader.bytes()?;
        } else {
            reader.skip(tag)?;
        }
    }
    if raw.is_empty() {
        return Ok(Value::Null);
    }
    patch::decode::decode(raw).map_err(WireError::NoJson)
}

fn varint(reader: &mut Reader<'_>, tag: Tag, field: &str) -> Result<u64, WireError> {
    tag.expect(WireType::Varint, field)?;
    reader.varint()
}
