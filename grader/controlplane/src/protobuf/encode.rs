//! From JSON to a body, for clients that read nothing else.
//!
//! Fields that JSON does not show are not written: their zero value is what a reader takes for them.

use super::table::{Field, Message, Scalar, Type, message};
use crate::builtins;
use crate::object;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// A body with this object or list; none for a kind that has no protobuf form.
pub(crate) fn body(document: &Value) -> Option<Vec<u8>> {
    let raw = document_message(document)?;
    let mut type_meta = Vec::new();
    bytes(&mut type_meta, 1, object::api_version(document).as_bytes());
    bytes(&mut type_meta, 2, object::kind(document).as_bytes());
    let mut body = b"k8s\0".to_vec();
    bytes(&mut body, 1, &type_meta);
    bytes(&mut body, 2, &raw);
    Some(body)
}

/// One event of a watch: its length in front, then a `metav1.WatchEvent`
/// (apimachinery/pkg/util/framer, NewLengthDelimitedFrameWriter).
pub(crate) fn frame(kind: &str, document: &Value) -> Option<Vec<u8>> {
    let mut raw_extension = Vec::new();
    bytes(&mut raw_extension, 1, &body(document)?);
    let mut event = Vec::new();
    bytes(&mut event, 1, kind.as_bytes());
    bytes(&mut event, 2, &raw_extension);
    let mut frame = u32::try_from(event.len()).ok()?.to_be_bytes().to_vec();
    frame.append(&mut event);
    Some(frame)
}

fn document_message(document: &Value) -> Option<Vec<u8>> {
    let fields = document.as_object()?;
    let (api_version, kind) = (object::api_version(document), object::kind(document));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let mut raw = Vec::new();
    if let Some(message) = find(group, version, kind) {
        write(message, fields, &mut raw);
        return Some(raw);
    }
    // All lists are alike.
    let item = find(group, version, kind.strip_suffix("List")?)?;
    let mut metadata = Vec::new();
    write(message("meta.v1.ListMeta")?, fields.get("metadata")?.as_object()?, &mut metadata);
    bytes(&mut raw, 1, &metadata);
    for fields in fields.get("items")?.as_array().into_iter().flatten().filter_map(Value::as_object) {
        let mut element = Vec::new();
        write(item, fields, &mut element);
        bytes(&mut raw, 2, &element);
    }
    Some(raw)
}

/// The message of a kind. Kinds of the API machinery itself are in the group that serves them.
fn find(group: &str, version: &str, kind: &str) -> Option<&'static Message> {
    let definition = builtins::definition_of(group, version, kind);
    definition
        .and_then(|definition| message(definition.name))
        .or_else(|| message(&format!("meta.v1.{kind}")).filter(|_| matches!(group, "" | "meta.k8s.io")))
}

fn write(message: &'static Message, fields: &Map<String, Value>, out: &mut Vec<u8>) {
    for field in &message.fields {
        match &field.type_ {
            Type::Message(reference) if field.is_inline() => {
                let mut inner = Vec::new();
                write(reference.get(), fields, &mut inner);
                bytes(out, field.number, &inner);
            }
            _ => match fields.get(field.name) {
                None | Some(Value::Null) => {}
                Some(value) => write_field(field, value, out),
            },
        }
    }
}

fn write_field(field: &'static Field, shown: &Value, out: &mut Vec<u8>) {
    match (&field.type_, shown) {
        (Type::List(element), Value::Array(items)) => {
            items.iter().for_each(|item| value(field.number, element, item, out));
        }
        (Type::Map(element), Value::Object(entries)) => {
            for (key, item) in entries {
                let mut entry = Vec::new();
                bytes(&mut entry, 1, key.as_bytes());
                value(2, element, item, &mut entry);
                bytes(out, field.number, &entry);
            }
        }
        (type_, shown) => value(field.number, type_, shown, out),
    }
}

fn value(number: i32, type_: &'static Type, shown: &Value, out: &mut Vec<u8>) {
    match type_ {
        Type::Message(reference) => {
            let message = reference.get();
            let mut inner = Vec::new();
            match shown {
                _ if message.choice => choose(message, shown, &mut inner),
                Value::Object(fields) => write(message, fields, &mut inner),
                _ => {}
            }
            bytes(out, number, &inner);
        }
        Type::Single(scalar) => single(number, *scalar, shown, out),
        // Protobuf has no lists of lists.
        Type::List(_) | Type::Map(_) => {}
    }
}

/// Writes a message that is shown as one of its fields: the one that JSON of this sort is.
fn choose(message: &'static Message, shown: &Value, out: &mut Vec<u8>) {
    for field in &message.fields {
        match (&field.type_, shown) {
            (Type::List(_), Value::Array(_)) | (Type::Message(_), Value::Object(_)) => {
                write_field(field, shown, out);
            }
            // A schema allows what it describes.
            (Type::Single(Scalar::Bool), Value::Bool(_) | Value::Object(_)) => {
                varint_field(out, field.number, u64::from(shown != &Value::Bool(false)));
            }
            _ => {}
        }
    }
}

fn single(number: i32, scalar: Scalar, shown: &Value, out: &mut Vec<u8>) {
    let text = || shown.as_str().unwrap_or_default();
    match scalar {
        Scalar::Bool => varint_field(out, number, u64::from(shown == &Value::Bool(true))),
        Scalar::Int32 | Scalar::Int64 => {
            varint_field(out, number, shown.as_i64().unwrap_or_default().cast_unsigned());
        }
        Scalar::Float64 => {
            varint(out, tag(number, 1));
            out.extend(shown.as_f64().unwrap_or_default().to_le_bytes());
        }
        Scalar::String => bytes(out, number, text().as_bytes()),
        Scalar::Bytes => bytes(out, number, &STANDARD.decode(text()).unwrap_or_default()),
        Scalar::Time | Scalar::MicroTime => bytes(out, number, &time(text())),
        Scalar::Quantity => {
            let mut quantity = Vec::new();
            bytes(&mut quantity, 1, text().as_bytes());
            bytes(out, number, &quantity);
        }
        Scalar::IntOrString => {
            let mut inner = Vec::new();
            match shown {
                Value::String(text) => {
                    varint_field(&mut inner, 1, 1);
                    bytes(&mut inner, 3, text.as_bytes());
                }
                _ => varint_field(&mut inner, 2, shown.as_i64().unwrap_or_default().cast_unsigned()),
            }
            bytes(out, number, &inner);
        }
        Scalar::Strings => {
            let mut inner = Vec::new();
            for text in shown.as_array().into_iter().flatten().filter_map(Value::as_str) {
                bytes(&mut inner, 1, text.as_bytes());
            }
            bytes(out, number, &inner);
        }
        Scalar::Json(_) => {
            let mut inner = Vec::new();
            bytes(&mut inner, 1, shown.to_string().as_bytes());
            bytes(out, number, &inner);
        }
    }
}

fn time(text: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if let Ok(time) = text.parse::<Timestamp>() {
        // The nanoseconds count forward, before 1970 too.
        let nanoseconds = time.as_nanosecond();
        let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).unwrap_or_default();
        varint_field(&mut message, 1, seconds.cast_unsigned());
        varint_field(
            &mut message,
            2,
            u64::try_from(nanoseconds.rem_euclid(1_000_000_000)).unwrap_or_default(),
        );
    }
    message
}

fn tag(number: i32, wire_type: u64) -> u64 {
    u64::from(number.cast_unsigned()) << 3 | wire_type
}

fn bytes(out: &mut Vec<u8>, number: i32, bytes: &[u8]) {
    varint(out, tag(number, 2));
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

fn varint_field(out: &mut Vec<u8>, number: i32, value: u64) {
    varint(out, tag(number, 0));
    varint(out, value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
