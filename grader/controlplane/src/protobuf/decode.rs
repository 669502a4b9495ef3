//! From an object's message to its JSON.

use super::envelope;
use super::table::{Field, Message, Scalar, Type, message};
use super::values;
use super::wire::{Reader, Tag, WireError, WireType};
use crate::builtins;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// How many messages may be inside of each other: more than any object that makes sense, and little enough for those
/// who walk through the JSON.
const DEEPEST: usize = 60;

/// Reads a message and shows it as Go's encoding/json would, without apiVersion and kind.
///
/// # Errors
/// The text of Go's decoder.
pub(crate) fn decode(message: &'static Message, bytes: &[u8]) -> Result<Value, WireError> {
    let mut decoder = Decoder::default();
    let mut object = Map::new();
    decoder.message(message, bytes, &mut object)?;
    decoder.no_json.map_or(Ok(()), Err)?;
    let mut object = Value::Object(object);
    // What was sent is there; which zero values JSON shows or leaves out is known to the definition of the type.
    if let Some(definition) = builtins::definition(message.name) {
        builtins::decode(definition, &mut object).map_err(WireError::Value)?;
    }
    Ok(object)
}

/// Reads the body of a DELETE. Of another kind than DeleteOptions there is only the name.
///
/// # Errors
/// The text of Go's decoder.
pub(crate) fn delete_options(body: &[u8]) -> Result<Value, WireError> {
    let envelope = envelope::open(body)?;
    let mut options = match message("meta.v1.DeleteOptions") {
        Some(message) if matches!(envelope.kind.as_str(), "" | "DeleteOptions") => {
            decode(message, envelope.raw)?
        }
        _ => Value::Object(Map::new()),
    };
    options["apiVersion"] = envelope.api_version.into();
    options["kind"] = envelope.kind.into();
    Ok(options)
}

#[derive(Default)]
struct Decoder {
    /// How many messages are around the present one.
    depth: usize,
    /// The first value that JSON cannot show. It counts only when everything else can be read.
    no_json: Option<WireError>,
}

impl Decoder {
    /// Adds the fields of a message to an object: what is there twice is merged, as protobuf demands.
    fn message(
        &mut self,
        message: &'static Message,
        bytes: &[u8],
        object: &mut Map<String, Value>,
    ) -> Result<(), WireError> {
        if self.depth == DEEPEST {
            return Err(WireError::Value("exceeded max depth".to_owned()));
        }
        self.depth += 1;
        let mut reader = Reader::new(bytes);
        while let Some(tag) = reader.tag(message.go_name())? {
            match message.field(tag.number) {
                Some(field) => self.field(&mut reader, tag, field, object)?,
                None => reader.skip(tag)?,
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn field(
        &mut self,
        reader: &mut Reader<'_>,
        tag: Tag,
        field: &'static Field,
        object: &mut Map<String, Value>,
    ) -> Result<(), WireError> {
        let wanted = wire_type(&field.type_);
        let packed = wanted == WireType::Varint && matches!(field.type_, Type::List(_));
        if !(packed && tag.is(WireType::Bytes)) {
            tag.expect(wanted, &field.go_name)?;
        }
        match &field.type_ {
            Type::List(element) => {
                if let Value::Array(list) =
                    object.entry(field.name).or_insert_with(|| Vec::<Value>::new().into())
                {
                    if tag.is(wanted) {
                        list.push(self.value(reader, element)?);
                    } else {
                        reader.packed(|reader| {
                            list.push(self.value(reader, element)?);
                            Ok(())
                        })?;
                    }
                }
            }
            Type::Map(element) => {
                if let Value::Object(map) = object.entry(field.name).or_insert_with(|| Map::new().into()) {
                    self.entry(reader, element, map)?;
                }
            }
            Type::Message(reference) if field.is_inline() => {
                self.message(reference.get(), reader.bytes()?, object)?;
            }
            Type::Message(reference) if !reference.get().choice => {
                if let Value::Object(inner) = object.entry(field.name).or_insert_with(|| Map::new().into()) {
                    self.message(reference.get(), reader.bytes()?, inner)?;
                }
            }
            Type::Message(_) | Type::Single(_) => {
                object.insert(field.name.to_owned(), self.value(reader, &field.type_)?);
            }
        }
        Ok(())
    }

    /// One more entry of a map. A key or value that is not there is empty.
    fn entry(
        &mut self,
        reader: &mut Reader<'_>,
        element: &'static Type,
        map: &mut Map<String, Value>,
    ) -> Result<(), WireError> {
        let (mut key, mut value) = (String::new(), None);
        reader.entry(|reader, tag| {
            match tag.number {
                1 => key = values::text(reader.bytes()?),
                2 => value = Some(self.value(reader, element)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let value = match value {
            Some(value) => value,
            // All values of maps have their length in front: nothing is a length of zero.
            None => self.value(&mut Reader::new(&[0]), element)?,
        };
        map.insert(key, value);
        Ok(())
    }

    /// A value by itself.
    fn value(&mut self, reader: &mut Reader<'_>, type_: &'static Type) -> Result<Value, WireError> {
        match type_ {
            Type::Single(scalar) => self.single(reader, *scalar),
            Type::Message(reference) => {
                let message = reference.get();
                let mut fields = Map::new();
                self.message(message, reader.bytes()?, &mut fields)?;
                Ok(if message.choice { chosen(message, fields) } else { fields.into() })
            }
            // Protobuf has no lists of lists.
            Type::List(_) | Type::Map(_) => reader.bytes().map(|_| Value::Null),
        }
    }

    fn single(&mut self, reader: &mut Reader<'_>, scalar: Scalar) -> Result<Value, WireError> {
        let value = match scalar {
            Scalar::Bool => Ok((reader.varint()? != 0).into()),
            Scalar::Int32 => Ok((reader.varint()? as i32).into()),
            Scalar::Int64 => Ok((reader.varint()? as i64).into()),
            Scalar::Float64 => values::float(f64::from_bits(reader.fixed64()?)),
            Scalar::String => Ok(values::text(reader.bytes()?).into()),
            Scalar::Bytes => Ok(STANDARD.encode(reader.bytes()?).into()),
            Scalar::Time => values::time(reader.bytes()?),
            Scalar::MicroTime => values::micro_time(reader.bytes()?),
            Scalar::Quantity => values::quantity(reader.bytes()?),
            Scalar::IntOrString => values::int_or_string(reader.bytes()?),
            Scalar::Strings => values::strings(reader.bytes()?),
            Scalar::Json(message) => values::json(message, reader.bytes()?),
        };
        value.or_else(|error| match error {
            WireError::NoJson(_) => {
                self.no_json.get_or_insert(error);
                Ok(Value::Null)
            }
            error => Err(error),
        })
    }
}

/// What a choice is shown as: the last field that is set.
fn chosen(message: &Message, mut fields: Map<String, Value>) -> Value {
    let set = message.fields.iter().rev().find_map(|field| fields.remove(field.name));
    set.unwrap_or(match message.fields.first().map(|field| &field.type_) {
        Some(Type::Single(Scalar::Bool)) => Value::Bool(false),
        _ => Value::Null,
    })
}

/// How a value is written, or the elements of a list.
fn wire_type(type_: &Type) -> WireType {
    match type_ {
        Type::Single(Scalar::Bool | Scalar::Int32 | Scalar::Int64) => WireType::Varint,
        Type::Single(Scalar::Float64) => WireType::Fixed64,
        Type::List(element) => wire_type(element),
        Type::Single(_) | Type::Map(_) | Type::Message(_) => WireType::Bytes,
    }
}
