//! Values of expressions. What comes from an object stays where it is and is read through its schema when asked for.

mod items;
mod order;

use super::super::validation::{is_date, parse_duration};
use super::super::{ListType, Schema, Type as SchemaType};
use super::authorization::Authorization;
use super::escaping::{escape, unescape};
use base64::Engine;
use items::Items;
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

/// A value. Cloning one is cheap.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
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
    List(Rc<Items<'a>>),
    /// A list of an object, with its schema.
    JsonList(&'a [Json], &'a Schema),
    Map(Rc<Vec<(Value<'a>, Value<'a>)>>),
    /// A map of an object, with the schema of its values.
    JsonMap(&'a Map<String, Json>, &'a Schema),
    Object(&'a Map<String, Json>, View<'a>),
    Optional(Option<Rc<Value<'a>>>),
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
            Json::Array(items) => Value::JsonList(items, schema),
            Json::Object(fields) => match schema.additional_properties.as_deref() {
                Some(values) if schema.properties.is_empty() && !is_resource => {
                    Value::JsonMap(fields, values)
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
            Json::Array(items) => Value::list(items.iter().map(Value::dynamic).collect()),
            Json::Object(fields) => {
                let fields = fields.iter();
                let entries =
                    fields.map(|(key, value)| (Value::String(Text::Borrowed(key)), Value::dynamic(value)));
                Value::Map(Rc::new(entries.collect()))
            }
        }
    }

    /// The value as JSON; `None` for what JSON cannot say.
    pub(super) fn to_json(&self) -> Option<Json> {
        Some(match self {
            Value::Null => Json::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Uint(value) => (*value).into(),
            Value::Double(value) => (*value).into(),
            Value::String(text) => (**text).into(),
            Value::Bytes(bytes) => base64::engine::general_purpose::STANDARD.encode(bytes).into(),
            Value::Timestamp(time) => time.to_string().into(),
            Value::List(_) | Value::JsonList(..) => {
                self.items()?.iter().map(Value::to_json).collect::<Option<Vec<Json>>>()?.into()
            }
            Value::Map(_) | Value::JsonMap(..) | Value::Object(..) => {
                let mut map = Map::new();
                for key in self.keys()? {
                    let Value::String(name) = &key else { return None };
                    map.insert(name.to_string(), self.entry(&key)?.to_json()?);
                }
                map.into()
            }
            Value::Duration(_)
            | Value::Type(_)
            | Value::Optional(_)
            | Value::Foreign(_)
            | Value::Authorization(_) => return None,
        })
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
        Value::List(Rc::new(Items::Made(items)))
    }

    pub(super) fn some(value: Value<'a>) -> Value<'a> {
        Value::Optional(Some(Rc::new(value)))
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

    /// All keys of a map in order; `None` for other values.
    pub(super) fn keys(&self) -> Option<Vec<Value<'a>>> {
        match self {
            Value::Map(entries) => Some(entries.iter().map(|(key, _)| key.clone()).collect()),
            Value::JsonMap(fields, _) => {
                Some(fields.keys().map(|key| Value::String(Text::Borrowed(key))).collect())
            }
            Value::Object(fields, view) => {
                let visible = fields.iter().filter(|(key, json)| !json.is_null() && view.sees(key));
                Some(visible.filter_map(|(key, _)| escape(key)).map(|key| Value::text(&*key)).collect())
            }
            _ => None,
        }
    }

    /// The value at a key of a map.
    pub(super) fn entry(&self, key: &Value<'_>) -> Option<Value<'a>> {
        match (self, key) {
            (Value::Map(entries), key) => {
                entries.iter().find(|(candidate, _)| candidate.equals(key)).map(|(_, value)| value.clone())
            }
            (Value::JsonMap(fields, schema), Value::String(key)) => {
                Some(Value::of(fields.get(&**key)?, schema, schema.embedded_resource))
            }
            (Value::Object(..), Value::String(key)) => self.field(key),
            _ => None,
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

    pub(super) fn equals(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(one), Value::Bool(other)) => one == other,
            (Value::String(one), Value::String(other)) => **one == **other,
            (Value::Bytes(one), Value::Bytes(other)) => one == other,
            (Value::Timestamp(one), Value::Timestamp(other)) => one == other,
            (Value::Duration(one), Value::Duration(other)) => one == other,
            (Value::Type(one), Value::Type(other)) => one == other,
            (Value::Optional(one), Value::Optional(other)) => match (one, other) {
                (Some(one), Some(other)) => one.equals(other),
                (one, other) => one.is_none() && other.is_none(),
            },
            (Value::Foreign(one), Value::Foreign(other)) => one == other,
            (Value::List(_) | Value::JsonList(..), Value::List(_) | Value::JsonList(..)) => {
                self.lists_equal(other)
            }
            (
                Value::Map(_) | Value::JsonMap(..) | Value::Object(..),
                Value::Map(_) | Value::JsonMap(..) | Value::Object(..),
            ) => {
                let (Some(keys), Some(others)) = (self.keys(), other.keys()) else { return false };
                keys.len() == others.len()
                    && keys.iter().all(|key| match (self.entry(key), other.entry(key)) {
                        (Some(one), Some(other)) => one.equals(&other),
                        _ => false,
                    })
            }
            _ => self.is_number() && self.compare(other) == Some(Ordering::Equal),
        }
    }

    /// The order of a set or list map does not count.
    fn lists_equal(&self, other: &Value<'_>) -> bool {
        if self.len() != other.len() {
            return false;
        }
        if self.is_unordered() || other.is_unordered() {
            return self.each().all(|item| other.each().any(|other| item.equals(&other)));
        }
        self.each().zip(other.each()).all(|(one, other)| one.equals(&other))
    }

    fn is_unordered(&self) -> bool {
        matches!(self, Value::JsonList(_, schema) if matches!(schema.list_type, Some(ListType::Set | ListType::Map(_))))
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

    fn sees(self, name: &str) -> bool {
        match self {
            View::Metadata => matches!(name, "name" | "generateName"),
            View::Resource(schema) => {
                matches!(name, "apiVersion" | "kind" | "metadata") || schema.properties.contains_key(name)
            }
            View::Fields(schema) => schema.properties.contains_key(name),
        }
    }
}
