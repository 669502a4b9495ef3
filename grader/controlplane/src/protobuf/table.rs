//! The fields of all messages, read on first use from `data/protobuf.txt`.
//!
//! A message is a line with its name, then one indented line per field: number, JSON name, type, and the name of the
//! Go field where it is not the JSON name with a large first letter:
//!
//! ```text
//! core.v1.Container
//!         1 name string
//!         5 args []string
//!         8 resources @core.v1.ResourceRequirements
//! core.v1.Volume
//!         2 . @core.v1.VolumeSource VolumeSource
//! ```
//!
//! A type is a scalar, `[]T`, `map:T` or `@message`. A field with the name `.` has its fields in the JSON of the
//! message around it. A message with the word `choice` behind its name is shown as the last of its fields that is
//! set. `data/protobuf` has the Go program that writes the file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

/// One protobuf message.
#[derive(Debug)]
pub(crate) struct Message {
    /// Short name, e.g. `core.v1.Container`.
    pub(crate) name: &'static str,
    /// Its JSON is that of the last of its fields that is set.
    pub(crate) choice: bool,
    /// Sorted by number.
    pub(crate) fields: Vec<Field>,
}

impl Message {
    /// The name of the Go struct, as errors show it.
    pub(crate) fn go_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    pub(crate) fn field(&self, number: i32) -> Option<&Field> {
        let at = self.fields.binary_search_by_key(&number, |field| field.number).ok()?;
        self.fields.get(at)
    }
}

/// One field of a [`Message`].
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: i32,
    /// Its name in JSON; `.` for the fields of a message that JSON does not show as one.
    pub(crate) name: &'static str,
    pub(crate) type_: Type,
    /// The name of the Go field, as errors show it.
    pub(crate) go_name: Cow<'static, str>,
}

impl Field {
    /// Its fields stand among those of the message around it.
    pub(crate) fn is_inline(&self) -> bool {
        self.name == "."
    }
}

/// What a field holds.
#[derive(Debug)]
pub(crate) enum Type {
    List(Box<Type>),
    /// A map with string keys.
    Map(Box<Type>),
    Message(Reference),
    Single(Scalar),
}

/// Scalars, and messages with a JSON form of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    String,
    Bool,
    Int32,
    Int64,
    Float64,
    Bytes,
    Time,
    MicroTime,
    Quantity,
    IntOrString,
    /// A list of strings in a message of its own.
    Strings,
    /// JSON text in a message of this name.
    Json(&'static str),
}

/// A message by name, looked up on first use: messages may contain themselves.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) name: &'static str,
    target: OnceLock<&'static Message>,
}

impl Reference {
    /// The message; an empty one if the data file does not have it.
    pub(crate) fn get(&self) -> &'static Message {
        static EMPTY: Message = Message { name: "", choice: false, fields: Vec::new() };
        self.target.get_or_init(|| message(self.name).unwrap_or(&EMPTY))
    }
}

/// The message of this short name, e.g. `meta.v1.ObjectMeta`.
pub(crate) fn message(name: &str) -> Option<&'static Message> {
    let entry = INDEX.get(name)?;
    Some(entry.parsed.get_or_init(|| parse(entry.head, entry.fields)))
}

struct Entry {
    head: &'static str,
    fields: &'static str,
    parsed: OnceLock<Message>,
}

static INDEX: LazyLock<BTreeMap<&'static str, Entry>> =
    LazyLock::new(|| index(include_str!("../../data/protobuf.txt")));

fn index(text: &'static str) -> BTreeMap<&'static str, Entry> {
    let mut entries = BTreeMap::new();
    let mut rest = text;
    while let Some((head, after)) = rest.split_once('\n') {
        let end = after.match_indices('\n').map(|(at, _)| at + 1).find(|at| !after[*at..].starts_with('\t'));
        let end = if after.starts_with('\t') { end.unwrap_or(after.len()) } else { 0 };
        let (fields, next) = after.split_at(end);
        let name = head.split(' ').next().unwrap_or(head);
        entries.insert(name, Entry { head, fields, parsed: OnceLock::new() });
        rest = next;
    }
    entries
}

fn parse(head: &'static str, fields: &'static str) -> Message {
    let (name, word) = head.split_once(' ').unwrap_or((head, ""));
    let fields = fields.lines().filter_map(|line| parse_field(line.trim_start_matches('\t'))).collect();
    Message { name, choice: word == "choice", fields }
}

fn parse_field(line: &'static str) -> Option<Field> {
    let mut words = line.split(' ');
    let number = words.next()?.parse().ok()?;
    let name = words.next()?;
    let type_ = parse_type(words.next()?)?;
    let go_name = words.next().map_or_else(|| Cow::Owned(capitalised(name)), Cow::Borrowed);
    Some(Field { number, name, type_, go_name })
}

fn capitalised(name: &str) -> String {
    name.split_at_checked(1).map_or_else(String::new, |(first, rest)| first.to_uppercase() + rest)
}

fn parse_type(text: &'static str) -> Option<Type> {
    if let Some(element) = text.strip_prefix("[]") {
        return Some(Type::List(Box::new(parse_type(element)?)));
    }
    if let Some(value) = text.strip_prefix("map:") {
        return Some(Type::Map(Box::new(parse_type(value)?)));
    }
    if let Some(name) = text.strip_prefix('@') {
        return Some(Type::Message(Reference { name, target: OnceLock::new() }));
    }
    Some(Type::Single(match text {
        "string" => Scalar::String,
        "bool" => Scalar::Bool,
        "int32" => Scalar::Int32,
        "int64" => Scalar::Int64,
        "float64" => Scalar::Float64,
        "bytes" => Scalar::Bytes,
        "time" => Scalar::Time,
        "microtime" => Scalar::MicroTime,
        "quantity" => Scalar::Quantity,
        "intorstring" => Scalar::IntOrString,
        "strings" => Scalar::Strings,
        other => Scalar::Json(other.strip_prefix("json:")?),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtins;

    #[test]
    fn every_line_is_understood_and_every_reference_leads_somewhere() {
        fn check(type_: &Type) {
            match type_ {
                Type::List(inner) | Type::Map(inner) => check(inner),
                Type::Message(reference) => assert_eq!(reference.get().name, reference.name),
                Type::Single(_) => {}
            }
        }
        let mut lines = 0;
        for name in INDEX.keys() {
            let message = message(name).expect("it is in the index");
            lines += 1 + message.fields.len();
            assert!(message.fields.is_sorted_by_key(|field| field.number), "{name}");
            message.fields.iter().for_each(|field| check(&field.type_));
        }
        assert_eq!(lines, include_str!("../../data/protobuf.txt").lines().count());
    }

    #[test]
    fn every_resource_that_takes_a_body_has_a_message() {
        for resource in builtins::resources() {
            let definition = builtins::definition_of(resource.group, resource.version, resource.kind);
            let name = definition.expect("every resource has a definition").name;
            assert!(message(name).is_some(), "{name}");
        }
        for name in ["meta.v1.DeleteOptions", "policy.v1.Eviction", "autoscaling.v1.Scale"] {
            assert!(message(name).is_some(), "{name}");
        }
    }

    #[test]
    fn go_names_of_fields() {
        let meta = message("meta.v1.ObjectMeta").expect("in the table");
        let names = [5, 6].map(|number| meta.field(number).expect("in the table").go_name.as_ref());
        assert_eq!(names, ["UID", "ResourceVersion"]);
    }
}
