//! The Go types of the built-in API, read on first use from `data/definitions.txt`.
//!
//! A definition is a line with its name and facts, then one indented line per JSON field, sorted:
//!
//! ```text
//! core.v1.ServicePort
//!         port int32 required
//!         protocol string(v1.Protocol)? default="TCP"
//!         targetPort intorstring
//! ```
//!
//! A type is a scalar (with the Go name of a named string in parentheses), `[]T`, `map:T`, `@definition`, or `@?definition` where other JSON may stand as well. A `*`
//! in front is a Go pointer: an explicit zero value is kept. A `?` behind is `omitempty` (for structs `omitzero`):
//! an empty value is left out. Then: `required`, `default=JSON`; how apply merges it (`atomic`, `set`,
//! `keys=A,B`); how strategic merge patch does (`merge`, `merge=KEY`, `retainKeys`, `replace`).
//! A definition's own facts are `atomic` and `kind=GROUP/VERSION/KIND`. `data/refresh.py` writes the file.

use crate::schema::{ListType, Schema, StrategicMerge};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

/// One Go struct of the API.
#[derive(Debug)]
pub struct Definition {
    /// Short name, e.g. `core.v1.Container`.
    pub name: &'static str,
    /// Apply replaces it as a whole.
    pub atomic: bool,
    /// Its JSON fields.
    pub fields: BTreeMap<&'static str, Field>,
    /// What has been worked out about it so far.
    shown_zeros: OnceLock<Vec<(&'static str, Value)>>,
    pub(super) defaulted: OnceLock<bool>,
    pub(super) schema: OnceLock<Arc<Schema>>,
}

impl Definition {
    /// What Go writes for a struct that was never set.
    pub fn zero(&self) -> Value {
        self.shown_zeros().iter().map(|(name, zero)| ((*name).to_owned(), zero.clone())).collect()
    }

    /// What Go writes for the fields that were never set, where it writes them at all.
    pub fn shown_zeros(&self) -> &[(&'static str, Value)] {
        self.shown_zeros.get_or_init(|| {
            self.fields.iter().filter_map(|(name, field)| Some((*name, field.shown_zero()?))).collect()
        })
    }

    /// The defaults that fields are marked with.
    pub fn marked_defaults(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.fields.iter().filter_map(|(name, field)| Some((*name, field.default.as_ref()?)))
    }

    fn new(name: &'static str, atomic: bool, fields: BTreeMap<&'static str, Field>) -> Self {
        Self {
            name,
            atomic,
            fields,
            shown_zeros: OnceLock::new(),
            defaulted: OnceLock::new(),
            schema: OnceLock::new(),
        }
    }

    /// The name of the Go struct, as decoding errors show it.
    pub fn go_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

/// One JSON field of a [`Definition`].
#[derive(Debug)]
pub struct Field {
    /// What it holds.
    pub type_: Type,
    /// A Go pointer: absent and zero are told apart.
    pub pointer: bool,
    /// Left out when empty.
    pub omit_empty: bool,
    /// OpenAPI calls it required.
    pub required: bool,
    /// OpenAPI's default, other than the zero value.
    pub default: Option<Value>,
    /// How apply merges a list.
    pub list_type: Option<ListType>,
    /// Apply replaces the map or struct as a whole.
    pub atomic_map: bool,
    /// How strategic merge patch treats it.
    pub strategic_merge: StrategicMerge,
}

impl Field {
    fn shown_zero(&self) -> Option<Value> {
        let zero = if self.pointer { Value::Null } else { self.type_.zero() };
        let empty = match &zero {
            Value::Object(members) => members.is_empty(),
            _ => true,
        };
        (!empty || !self.omit_empty).then_some(zero)
    }
}

/// The type of a value.
#[derive(Debug)]
pub enum Type {
    /// A scalar with the name of its Go type.
    Scalar(Scalar, &'static str),
    /// A Go slice.
    List(Box<Type>),
    /// A Go map with string keys.
    Map(Box<Type>),
    /// A Go struct.
    Struct(Reference),
    /// A Go struct, or a list of it, or other JSON (`JSONSchemaPropsOrBool` and its like).
    StructOrOther(Reference),
}

impl Type {
    /// What Go writes for a value that was never set.
    pub fn zero(&self) -> Value {
        match self {
            Type::Struct(reference) => reference.get().zero(),
            Type::List(_) | Type::Map(_) | Type::StructOrOther(_) => Value::Null,
            Type::Scalar(scalar, _) => match scalar {
                Scalar::String => "".into(),
                Scalar::Int32 | Scalar::Int64 | Scalar::Float64 | Scalar::IntOrString => 0.into(),
                Scalar::Bool => false.into(),
                Scalar::Quantity => "0".into(),
                Scalar::Bytes | Scalar::Time | Scalar::MicroTime | Scalar::Any | Scalar::Opaque => {
                    Value::Null
                }
            },
        }
    }
}

/// Scalars, and types with a JSON form of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A Go string.
    String,
    /// A 32-bit integer.
    Int32,
    /// A 64-bit integer.
    Int64,
    /// A float.
    Float64,
    /// A boolean.
    Bool,
    /// `[]byte`, base64 in JSON.
    Bytes,
    /// `metav1.Time`, RFC 3339 in seconds.
    Time,
    /// `metav1.MicroTime`, RFC 3339 with six fraction digits.
    MicroTime,
    /// `resource.Quantity`.
    Quantity,
    /// `intstr.IntOrString`.
    IntOrString,
    /// Any JSON.
    Any,
    /// Any JSON that is of another type (runtime.RawExtension): it has one owner, whatever is in it.
    Opaque,
}

/// A definition by name, looked up on first use: definitions may contain themselves.
#[derive(Debug)]
pub struct Reference {
    /// Short name of the definition.
    pub name: &'static str,
    target: OnceLock<&'static Definition>,
}

impl Reference {
    /// The definition; an empty one if the data file does not have it.
    pub fn get(&self) -> &'static Definition {
        static EMPTY: LazyLock<Definition> = LazyLock::new(|| Definition::new("", false, BTreeMap::new()));
        self.target.get_or_init(|| definition(self.name).unwrap_or(&EMPTY))
    }
}

/// The definition of this short name, e.g. `meta.v1.ObjectMeta`.
pub fn definition(name: &str) -> Option<&'static Definition> {
    let entry = INDEX.by_name.get(name)?;
    Some(entry.parsed.get_or_init(|| parse(entry.head, entry.fields)))
}

/// The definition of this kind.
pub fn definition_of(group: &str, version: &str, kind: &str) -> Option<&'static Definition> {
    let name = INDEX.by_kind.get(&(kind, version, group))?;
    definition(name)
}

static INDEX: LazyLock<Index> = LazyLock::new(|| Index::new(include_str!("../../data/definitions.txt")));

struct Index {
    by_name: BTreeMap<&'static str, Entry>,
    /// By kind, which tells most apart, version and group.
    by_kind: BTreeMap<(&'static str, &'static str, &'static str), &'static str>,
}

struct Entry {
    head: &'static str,
    fields: &'static str,
    parsed: OnceLock<Definition>,
}

impl Index {
    fn new(text: &'static str) -> Index {
        let mut index = Index { by_name: BTreeMap::new(), by_kind: BTreeMap::new() };
        let mut rest = text;
        while let Some((head, after)) = rest.split_once('\n') {
            // The fields end where a line does not start with a tab.
            let bytes = after.as_bytes();
            let mut end = 0;
            while bytes.get(end) == Some(&b'\t') {
                end += after[end..].find('\n').map_or(after.len() - end, |n| n + 1);
            }
            let name = head.split(' ').next().unwrap_or(head);
            for kind in head.split(' ').filter_map(|word| word.strip_prefix("kind=")) {
                let (group, rest) = kind.split_once('/').unwrap_or(("", kind));
                let (version, kind) = rest.split_once('/').unwrap_or(("", rest));
                index.by_kind.insert((kind, version, group), name);
            }
            index.by_name.insert(name, Entry { head, fields: &after[..end], parsed: OnceLock::new() });
            rest = &after[end..];
        }
        index
    }
}

fn parse(head: &'static str, fields: &'static str) -> Definition {
    let mut words = head.split(' ');
    let name = words.next().unwrap_or(head);
    let atomic = words.any(|word| word == "atomic");
    let fields = fields.lines().filter_map(|line| parse_field(line.trim_start_matches('\t'))).collect();
    Definition::new(name, atomic, fields)
}

fn parse_field(line: &'static str) -> Option<(&'static str, Field)> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let type_ = words.next()?;
    let (type_, omit_empty) = type_.strip_suffix('?').map_or((type_, false), |t| (t, true));
    let (type_, pointer) = type_.strip_prefix('*').map_or((type_, false), |t| (t, true));
    let mut field = Field {
        type_: parse_type(type_),
        pointer,
        omit_empty,
        required: false,
        default: None,
        list_type: None,
        atomic_map: false,
        strategic_merge: StrategicMerge::default(),
    };
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "required" => field.required = true,
            "default" => field.default = serde_json::from_str(value).ok(),
            "atomic" if matches!(field.type_, Type::List(_)) => field.list_type = Some(ListType::Atomic),
            "atomic" => field.atomic_map = true,
            "set" => field.list_type = Some(ListType::Set),
            "keys" => field.list_type = Some(ListType::Map(value.split(',').map(str::to_owned).collect())),
            "merge" => {
                field.strategic_merge.merge = true;
                field.strategic_merge.merge_key = Some(value).filter(|v| !v.is_empty()).map(str::to_owned);
            }
            "retainKeys" => field.strategic_merge.retain_keys = true,
            // `granular`, `replace`: what holds anyway.
            _ => {}
        }
    }
    Some((name, field))
}

fn parse_type(text: &'static str) -> Type {
    if let Some(element) = text.strip_prefix("[]") {
        return Type::List(Box::new(parse_type(element)));
    }
    if let Some(element) = text.strip_prefix("map:") {
        return Type::Map(Box::new(parse_type(element)));
    }
    if let Some(name) = text.strip_prefix("@?") {
        return Type::StructOrOther(Reference { name, target: OnceLock::new() });
    }
    if let Some(name) = text.strip_prefix('@') {
        return Type::Struct(Reference { name, target: OnceLock::new() });
    }
    let (scalar, go_name) = text.strip_suffix(')').and_then(|t| t.split_once('(')).unwrap_or((text, ""));
    let (scalar, default_name) = match scalar {
        "string" => (Scalar::String, "string"),
        "int32" => (Scalar::Int32, "int32"),
        "int64" => (Scalar::Int64, "int64"),
        "float64" => (Scalar::Float64, "float64"),
        "bool" => (Scalar::Bool, "bool"),
        "bytes" => (Scalar::Bytes, "[]uint8"),
        "time" => (Scalar::Time, "string"),
        "microtime" => (Scalar::MicroTime, "string"),
        "quantity" => (Scalar::Quantity, "resource.Quantity"),
        "intorstring" => (Scalar::IntOrString, "int32"),
        "opaque" => (Scalar::Opaque, "interface {}"),
        _ => (Scalar::Any, "interface {}"),
    };
    Type::Scalar(scalar, if go_name.is_empty() { default_name } else { go_name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_definition() {
        let port = definition("core.v1.ServicePort").unwrap();
        let protocol = &port.fields["protocol"];
        assert!(matches!(protocol.type_, Type::Scalar(Scalar::String, "v1.Protocol")));
        assert!(protocol.omit_empty && !protocol.pointer);
        assert_eq!(protocol.default, Some("TCP".into()));
        assert_eq!(port.go_name(), "ServicePort");
        let meta = definition("meta.v1.ObjectMeta").unwrap();
        assert_eq!(meta.fields["ownerReferences"].list_type, Some(ListType::Map(vec!["uid".into()])));
        assert_eq!(meta.fields["ownerReferences"].strategic_merge.merge_key.as_deref(), Some("uid"));
    }

    #[test]
    fn every_line_is_understood_and_every_reference_leads_somewhere() {
        fn check(type_: &Type) {
            match type_ {
                Type::List(t) | Type::Map(t) => check(t),
                Type::Struct(r) | Type::StructOrOther(r) => assert_eq!(r.get().name, r.name),
                Type::Scalar(..) => {}
            }
        }
        let mut lines = 0;
        for (name, entry) in &INDEX.by_name {
            let definition = definition(name).unwrap();
            lines += 1 + definition.fields.len();
            assert_eq!(definition.fields.len(), entry.fields.lines().count(), "{name}");
            for field in definition.fields.values() {
                check(&field.type_);
            }
        }
        assert_eq!(lines, include_str!("../../data/definitions.txt").lines().count());
    }

    #[test]
    fn every_resource_has_a_definition() {
        for resource in crate::builtins::resources() {
            let found = definition_of(resource.group, resource.version, resource.kind);
            assert!(found.is_some(), "{} {}", resource.api_version(), resource.kind);
        }
    }
}
