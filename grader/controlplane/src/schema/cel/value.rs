//! Values of expressions. What comes from an object stays where it is and is read through its schema when asked for.

mod entries;
mod equality;
mod identity;
mod items;
mod json;
mod nested;
mod order;

use super::super::validation::{is_date, parse_duration};
use super::super::{Schema, Type as SchemaType};
use super::authorization::Authorization;
use super::escaping::{escape, unescape};
use base64::Engine;
pub(super) use entries::{Entries, Key};
pub(super) use identity::Identified;
use items::Items;
use jiff::Timestamp;
pub(super) use nested::Nested;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

/// A value. Cloning one is cheap.
#[derive(Clone, Debug, Default)]
pub(super) enum Value<'a> {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Text<'a>),
    Bytes(Rc<[u8]>),
    Timestamp(Timestamp),
    /// In nanoseconds.
    Duration(i64),
    Type(Cow<'a, str>),
    List(Rc<Nested<Items<'a>>>),
    /// A list of an object, with its schema, if any.
    JsonList(&'a [Json], Option<&'a Schema>),
    Map(Rc<Nested<Entries<'a>>>),
    /// A map of an object, with the schema of its values, if any.
    JsonMap(&'a Map<String, Json>, Option<&'a Schema>),
    Object(&'a Map<String, Json>, View<'a>),
    Optional(Option<Rc<Nested<Value<'a>>>>),
    /// A value of an extension, such as a quantity.
    Foreign(Rc<kube_cel::cel::Value>),
    /// A question what somebody may do, or its answer.
    Authorization(Rc<Authorization<'a>>),
}

/// A text that is borrowed from an object or shared.
#[derive(Clone, Debug)]
pub(super) enum Text<'a> {
    Borrowed(&'a str),
    Shared(Rc<str>),
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Text::Borrowed(text) => text,
            Text::Shared(text) => text,
        }
    }
}

/// What rules see of an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum View<'a> {
    Fields(&'a Schema),
    /// A whole resource: also `apiVersion`, `kind` and `metadata`.
    Resource(&'a Schema),
    /// The metadata of a resource: `name` and `generateName`.
    Metadata,
}

impl<'a> Value<'a> {
    /// A value of an object, read through its schema.
    pub(super) fn of(json: &'a Json, schema: &'a Schema, is_resource: bool) -> Value<'a> {
        match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => {
                let wants_double = schema.type_ == Some(SchemaType::Number) && !schema.int_or_string;
                match (number.as_i64(), number.as_f64()) {
                    (Some(integer), _) if !wants_double => Value::Int(integer),
                    (None, Some(float))
                        if schema.type_ == Some(SchemaType::Integer) && float.fract() == 0.0 =>
                    {
                        Value::Int(float as i64)
                    }
                    (_, Some(float)) => Value::Double(float),
                    _ => Value::Null,
                }
            }
            Json::String(text) => Self::of_text(text, schema),
            Json::Array(items) => Value::JsonList(items, Some(schema)),
            Json::Object(fields) => match schema.additional_properties.as_deref() {
                Some(values) if schema.properties.is_empty() && !is_resource => {
                    Value::JsonMap(fields, Some(values))
                }
                _ if is_resource => Value::Object(fields, View::Resource(schema)),
                _ => Value::Object(fields, View::Fields(schema)),
            },
        }
    }

    /// A value without a schema: as JSON has it.
    pub(super) fn dynamic(json: &'a Json) -> Value<'a> {
        match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Value::Int(integer),
                (None, Some(float)) => Value::Double(float),
                (None, None) => Value::Null,
            },
            Json::String(text) => Value::String(Text::Borrowed(text)),
            Json::Array(items) => Value::JsonList(items, None),
            Json::Object(fields) => Value::JsonMap(fields, None),
        }
    }

    fn of_text(text: &'a str, schema: &'a Schema) -> Value<'a> {
        let plain = Value::String(Text::Borrowed(text));
        if schema.int_or_string || schema.type_ != Some(SchemaType::String) {
            return plain;
        }
        match schema.format.as_deref() {
            Some("date-time") => text.parse().map_or(plain, Value::Timestamp),
            Some("date") if is_date(text) => {
                format!("{text}T00:00:00Z").parse().map_or(plain, Value::Timestamp)
            }
            Some("duration") => parse_duration(text).map_or(plain, Value::Duration),
            Some("byte") => base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_or(plain, |bytes| Value::Bytes(bytes.into())),
            _ => plain,
        }
    }

    pub(super) fn text(text: impl Into<Rc<str>>) -> Value<'a> {
        Value::String(Text::Shared(text.into()))
    }

    pub(super) fn list(items: Vec<Value<'a>>) -> Value<'a> {
        Value::List(Rc::new(Items::Made(items).into()))
    }

    pub(super) fn some(value: Value<'a>) -> Value<'a> {
        Value::Optional(Some(Rc::new(value.into())))
    }

    /// Something, or nothing.
    pub(super) fn optional(value: Option<Value<'a>>) -> Value<'a> {
        value.map_or(Value::Optional(None), Value::some)
    }

    pub(super) fn map(entries: Entries<'a>) -> Value<'a> {
        Value::Map(Rc::new(entries.into()))
    }

    /// The name of its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null_type",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Double(_) => "double",
            Value::String(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::Timestamp(_) => "google.protobuf.Timestamp",
            Value::Duration(_) => "google.protobuf.Duration",
            Value::Type(_) => "type",
            Value::List(_) | Value::JsonList(..) => "list",
            Value::Map(_) | Value::JsonMap(..) | Value::Object(..) => "map",
            Value::Optional(_) => "optional_type",
            Value::Foreign(_) => "extension",
            Value::Authorization(authorization) => authorization.type_name(),
        }
    }

    /// How many items, entries, characters or bytes it has; `None` for other values.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            Value::String(text) => Some(text.chars().count()),
            Value::Bytes(bytes) => Some(bytes.len()),
            Value::List(items) => Some(items.len()),
            Value::JsonList(items, _) => Some(items.len()),
            Value::Map(entries) => Some(entries.len()),
            Value::JsonMap(fields, _) | Value::Object(fields, _) => Some(fields.len()),
            _ => None,
        }
    }

    /// The keys and values of a map in order, one after the other; `None` for other values.
    pub(super) fn entries(&self) -> Option<Box<dyn Iterator<Item = (Value<'a>, Value<'a>)> + 'a>> {
        Some(match self {
            Value::Map(entries) => {
                let entries = entries.clone();
                Box::new((0..).map_while(move |index| entries.at(index).cloned()))
            }
            Value::JsonMap(fields, schema) => {
                let schema = *schema;
                Box::new(fields.iter().map(move |(key, json)| {
                    (Value::String(Text::Borrowed(key)), Value::of_entry(json, schema))
                }))
            }
            Value::Object(fields, view) => {
                let (fields, view) = (*fields, *view);
                Box::new(fields.keys().filter_map(move |name| {
                    let value = view.field(fields, name)?;
                    Some((Value::text(&*escape(name)?), value))
                }))
            }
            _ => return None,
        })
    }

    /// The value at a key of a map.
    pub(super) fn entry(&self, key: &Value<'_>) -> Option<Value<'a>> {
        match (self, key) {
            (Value::Map(entries), key) => entries.get(key).cloned(),
            (Value::JsonMap(fields, schema), Value::String(key)) => {
                Some(Value::of_entry(fields.get(&**key)?, *schema))
            }
            (Value::Object(..), Value::String(key)) => self.field(key),
            _ => None,
        }
    }

    fn of_entry(json: &'a Json, schema: Option<&'a Schema>) -> Value<'a> {
        match schema {
            Some(schema) => Value::of(json, schema, schema.embedded_resource),
            None => Value::dynamic(json),
        }
    }

    /// The value of a field, by its identifier; `None` when it is not there or rules cannot see it.
    pub(super) fn field(&self, identifier: &str) -> Option<Value<'a>> {
        match self {
            Value::Object(fields, view) => view.field(fields, &unescape(identifier)),
            Value::Map(_) | Value::JsonMap(..) => self.entry(&Value::String(Text::Borrowed(identifier))),
            _ => None,
        }
    }
}

impl<'a> View<'a> {
    fn field(self, fields: &'a Map<String, Json>, name: &str) -> Option<Value<'a>> {
        // A field that may be null and is counts as one that is not there.
        let json = fields.get(name).filter(|json| !json.is_null())?;
        let text = || json.as_str().map(|text| Value::String(Text::Borrowed(text)));
        match (self, name) {
            (View::Metadata, "name" | "generateName") => text(),
            (View::Metadata, _) => None,
            (View::Resource(_), "apiVersion" | "kind") => text(),
            (View::Resource(_), "metadata") => {
                json.as_object().map(|fields| Value::Object(fields, View::Metadata))
            }
            (View::Resource(schema) | View::Fields(schema), name) => {
                let property = schema.properties.get(name)?;
                Some(Value::of(json, property, property.embedded_resource))
            }
        }
    }
}
