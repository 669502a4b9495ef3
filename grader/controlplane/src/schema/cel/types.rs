//! The types of expressions, with how large their values can be (apiserver/pkg/cel/common/schemas.go).

use super::super::{Schema, Type as SchemaType};
use super::escaping::{escape, is_reserved};
use crate::builtins;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The largest request, which bounds what a schema does not.
const LARGEST_REQUEST: u64 = 3 * 1024 * 1024;

/// The longest text of a time or duration, and the text of a date, with their quotes (apiserver/pkg/cel/limits.go).
const LONGEST_TIME: u64 = 32;
const DATE: u64 = 12;

/// A type. Sizes are the most characters, items or entries of a value as the schema declares it; `None` when it does not.
#[derive(Clone, Debug)]
pub(super) enum Type {
    Dyn(Option<u64>),
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String(Option<u64>),
    Bytes(Option<u64>),
    Timestamp(Option<u64>),
    Duration,
    /// The type of types.
    Name,
    List(Box<Type>, Option<u64>),
    Map(Box<Type>, Box<Type>, Option<u64>),
    Object(Arc<Object>),
    Optional(Box<Type>),
    /// A type of an extension, such as `kubernetes.Quantity`.
    Opaque(&'static str),
    /// A type parameter of a signature.
    Parameter(char),
}

/// What the type of an object of a schema is called.
const UNNAMED: &str = "object";

/// The fields of an object by their identifiers.
#[derive(Debug)]
pub(super) struct Object {
    name: &'static str,
    fields: BTreeMap<String, Type>,
}

impl Type {
    /// An object with these fields and no others.
    pub(super) fn object<'f>(name: &'static str, fields: impl IntoIterator<Item = (&'f str, Type)>) -> Type {
        let fields = fields.into_iter().map(|(name, type_)| (name.to_owned(), type_)).collect();
        Type::Object(Arc::new(Object { name, fields }))
    }

    /// The type of a schema's values, and the fewest bytes of one; `None` when rules cannot see them.
    pub(super) fn of_schema(schema: &Schema, is_resource: bool) -> Option<(Type, u64)> {
        let validation = &schema.validation;
        let most_characters =
            || validation.max_length.map(|most| u64::try_from(most).unwrap_or(0).saturating_mul(4));
        if schema.format.as_deref() == Some(builtins::QUANTITY) {
            // Kubernetes' own types say of quantities only that they are this or that, which expressions cannot see.
            return None;
        }
        if schema.int_or_string {
            return Some((Type::Dyn(Some(most_characters().unwrap_or(LARGEST_REQUEST - 2))), 1));
        }
        match schema.type_? {
            SchemaType::Array => {
                let items = schema.items.as_deref()?;
                let (item, least) = Type::of_schema(items, items.embedded_resource)?;
                let most = limit(validation.max_items).unwrap_or((LARGEST_REQUEST - 2) / (least + 1));
                Some((Type::List(Box::new(item), Some(most)), 2))
            }
            SchemaType::Object => match schema.additional_properties.as_deref() {
                Some(values) if values.type_.is_some() || values.int_or_string => {
                    let (value, least) = Type::of_schema(values, values.embedded_resource)?;
                    let most =
                        limit(validation.max_properties).unwrap_or((LARGEST_REQUEST - 2) / (least + 6));
                    // Keys are declared without a length, which counts as none.
                    let key = Type::String(Some(0));
                    Some((Type::Map(Box::new(key), Box::new(value), Some(most)), 2))
                }
                _ => Some(object(schema, is_resource)),
            },
            SchemaType::String => Some(match schema.format.as_deref() {
                Some("byte") => (Type::Bytes(limit(validation.max_length).or(Some(LARGEST_REQUEST - 2))), 2),
                Some("duration") => (Type::Duration, 4),
                Some("date") => (Type::Timestamp(Some(DATE)), 12),
                Some("date-time") => (Type::Timestamp(Some(LONGEST_TIME)), 22),
                _ => {
                    let longest = validation
                        .enum_
                        .iter()
                        .filter_map(|value| value.as_str())
                        .map(|text| text.len() as u64);
                    let most = most_characters().or(longest.max()).unwrap_or(LARGEST_REQUEST - 2);
                    (Type::String(Some(most)), 2)
                }
            }),
            SchemaType::Boolean => Some((Type::Bool, 4)),
            SchemaType::Number => Some((Type::Double, 1)),
            SchemaType::Integer => Some((Type::Int, 1)),
        }
    }

    /// The most characters, items or entries of a declared value; what has none of these has none.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Type::Dyn(size)
            | Type::String(size)
            | Type::Bytes(size)
            | Type::Timestamp(size)
            | Type::List(_, size)
            | Type::Map(_, _, size) => *size,
            Type::Duration => Some(LONGEST_TIME),
            Type::Optional(_) | Type::Parameter(_) => None,
            _ => Some(0),
        }
    }

    /// The type by the names that its parts have as values: the well-known ones are longer than in other messages.
    pub(super) fn full_name(&self) -> String {
        match self {
            Type::Null => "null_type".to_owned(),
            Type::Timestamp(_) => "google.protobuf.Timestamp".to_owned(),
            Type::Duration => "google.protobuf.Duration".to_owned(),
            Type::List(item, _) => format!("list({})", item.full_name()),
            Type::Map(key, value, _) => format!("map({}, {})", key.full_name(), value.full_name()),
            Type::Optional(inner) => format!("optional_type({})", inner.full_name()),
            other => other.to_string(),
        }
    }

    pub(super) fn is_dyn(&self) -> bool {
        matches!(self, Type::Dyn(_))
    }

    /// Whether it has no other types in it.
    pub(super) fn is_scalar(&self) -> bool {
        !matches!(self, Type::List(..) | Type::Map(..) | Type::Optional(_) | Type::Object(_))
    }

    pub(super) fn is_opaque(&self) -> bool {
        matches!(self, Type::Opaque(_))
    }

    /// Whether null stands for a value of the type as well: all but the simple ones, and lists and maps.
    fn is_nullable(&self) -> bool {
        matches!(
            self,
            Type::Object(_) | Type::Opaque(_) | Type::Optional(_) | Type::Timestamp(_) | Type::Duration
        )
    }

    /// The field of an object by what it is called in the schema's type; `None` for other types.
    pub(super) fn declared_field(&self, identifier: &str) -> Option<&Type> {
        match self {
            Type::Object(object) => object.fields.get(identifier),
            _ => None,
        }
    }

    /// The field of an object as rules may name it: a reserved word needs no escape there.
    pub(super) fn field(&self, identifier: &str) -> Option<&Type> {
        self.declared_field(identifier).or_else(|| {
            escape(identifier).filter(|_| is_reserved(identifier)).and_then(|name| self.declared_field(&name))
        })
    }

    /// An object with one field more.
    pub(super) fn with_field(&self, name: &str, type_: Type) -> Type {
        let (own_name, mut fields) = match self {
            Type::Object(object) => (object.name, object.fields.clone()),
            _ => (UNNAMED, BTreeMap::new()),
        };
        fields.insert(name.to_owned(), type_);
        Type::Object(Arc::new(Object { name: own_name, fields }))
    }

    /// Whether a value of `other` can stand where this type is asked for, binding type parameters on the way.
    pub(super) fn accepts(&self, other: &Type, bound: &mut BTreeMap<char, Type>) -> bool {
        match (self, other) {
            (Type::Parameter(name), other) => match bound.get(name).cloned() {
                None => {
                    bound.insert(*name, other.clone());
                    true
                }
                Some(Type::Dyn(_)) => {
                    bound.insert(*name, other.clone());
                    true
                }
                Some(earlier) => earlier.accepts(other, bound),
            },
            (Type::Dyn(_), _) | (_, Type::Dyn(_)) => true,
            (nullable, Type::Null) | (Type::Null, nullable) if nullable.is_nullable() => true,
            (Type::Null, Type::Null)
            | (Type::Bool, Type::Bool)
            | (Type::Int, Type::Int)
            | (Type::Uint, Type::Uint)
            | (Type::Double, Type::Double)
            | (Type::String(_), Type::String(_))
            | (Type::Bytes(_), Type::Bytes(_))
            | (Type::Timestamp(_), Type::Timestamp(_))
            | (Type::Duration, Type::Duration)
            | (Type::Name, Type::Name) => true,
            (Type::List(item, _), Type::List(other, _)) => item.accepts(other, bound),
            (Type::Map(key, value, _), Type::Map(other_key, other_value, _)) => {
                key.accepts(other_key, bound) && value.accepts(other_value, bound)
            }
            (Type::Optional(inner), Type::Optional(other)) => inner.accepts(other, bound),
            (Type::Object(one), Type::Object(other)) => Arc::ptr_eq(one, other),
            (Type::Opaque(one), Type::Opaque(other)) => one == other,
            _ => false,
        }
    }

    /// The type with its parameters replaced by what they are bound to.
    pub(super) fn substituted(&self, bound: &BTreeMap<char, Type>) -> Type {
        match self {
            Type::Parameter(name) => bound.get(name).cloned().unwrap_or(Type::Dyn(None)),
            Type::List(item, size) => Type::List(Box::new(item.substituted(bound)), *size),
            Type::Map(key, value, size) => {
                Type::Map(Box::new(key.substituted(bound)), Box::new(value.substituted(bound)), *size)
            }
            Type::Optional(inner) => Type::Optional(Box::new(inner.substituted(bound))),
            other => other.clone(),
        }
    }

    /// Type names that are values, as in `type(x) == int`.
    pub(super) fn is_name(name: &str) -> bool {
        matches!(
            name,
            "bool"
                | "int"
                | "uint"
                | "double"
                | "string"
                | "bytes"
                | "list"
                | "map"
                | "null_type"
                | "type"
                | "dyn"
                | "google.protobuf.Timestamp"
                | "google.protobuf.Duration"
        )
    }
}

fn object(schema: &Schema, is_resource: bool) -> (Type, u64) {
    let text = || Type::String(Some(LARGEST_REQUEST - 2));
    let mut fields = BTreeMap::new();
    // An object is at least {}, and every required field without a default costs its name and four more characters.
    let mut least = 2;
    for (name, property) in &schema.properties {
        let Some((type_, size)) = Type::of_schema(property, property.embedded_resource) else { continue };
        if schema.required.contains(name) && property.default.is_none() {
            least += name.len() as u64 + size + 4;
        }
        if let Some(identifier) = escape(name) {
            fields.insert(identifier.into_owned(), type_);
        }
    }
    if is_resource {
        let names = ["name", "generateName"].map(|name| (name.to_owned(), text()));
        fields.insert(
            "metadata".into(),
            Type::Object(Arc::new(Object { name: UNNAMED, fields: names.into() })),
        );
        fields.insert("apiVersion".into(), text());
        fields.insert("kind".into(), text());
    }
    (Type::Object(Arc::new(Object { name: UNNAMED, fields })), least)
}

fn limit(most: Option<i64>) -> Option<u64> {
    most.map(|most| u64::try_from(most).unwrap_or(0))
}

/// How often values of a schema with values of at least this many bytes can occur in a request.
pub(super) fn most_in_request(least_size: u64) -> u64 {
    LARGEST_REQUEST / (least_size + 1)
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dyn(_) => f.write_str("dyn"),
            Type::Null => f.write_str("null"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::String(_) => f.write_str("string"),
            Type::Bytes(_) => f.write_str("bytes"),
            Type::Timestamp(_) => f.write_str("timestamp"),
            Type::Duration => f.write_str("duration"),
            Type::Name => f.write_str("type(dyn)"),
            Type::List(item, _) => write!(f, "list({item})"),
            Type::Map(key, value, _) => write!(f, "map({key}, {value})"),
            Type::Object(object) => f.write_str(object.name),
            Type::Optional(inner) => write!(f, "optional_type({inner})"),
            Type::Opaque(name) => f.write_str(name),
            Type::Parameter(name) => write!(f, "{name}"),
        }
    }
}
