//! `/openapi/v2`: everything in one document (kube-openapi/pkg/handler).

use super::object::Object;
use super::protobuf;
use super::source::{self, Source};
use super::{convert, custom_paths, custom_schema};
use crate::resources::{Registry, Resource};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A text that changes when the document does.
pub(crate) fn tag(resources: &Registry) -> String {
    super::tag("", custom(resources))
}

/// The document as JSON.
pub(crate) fn to_json(resources: &Registry) -> String {
    let mut sections: BTreeMap<&str, Object> = BTreeMap::new();
    let head = parts(resources, |section, name, part| {
        let section = sections.entry(section).or_insert_with(Object::new);
        match part {
            Part::Text(json) => section.member(name, json),
            Part::Value(value) => section.member(name, value),
        }
    });
    let mut document = Object::new();
    document.members(head.as_object().into_iter().flatten());
    for (section, members) in sections {
        document.member(section, members.finish());
    }
    document.finish()
}

/// The document in protobuf. It is written piece by piece: readers merge what they find of a message.
pub(crate) fn to_protobuf(resources: &Registry) -> Vec<u8> {
    let mut bytes = Vec::new();
    let head = parts(resources, |section, name, part| {
        let value = match part {
            // What is in the file was JSON when it was written.
            Part::Text(json) => serde_json::from_str(json).unwrap_or_default(),
            Part::Value(value) => value,
        };
        protobuf::encode(&json!({section: {name: value}}), &mut bytes);
    });
    protobuf::encode(&head, &mut bytes);
    bytes
}

/// A member of a section of the document.
enum Part<'a> {
    /// JSON as it stands in the file.
    Text(&'a str),
    Value(Value),
}

/// Hands out the members of all sections, and answers with what the document says about itself.
fn parts(resources: &Registry, mut each: impl FnMut(&'static str, &str, Part<'_>)) -> Value {
    let text = source::text();
    let source = Source::new(&text);
    source.all("path").for_each(|(path, item)| each("paths", path, Part::Text(item)));
    source.all("parameter").for_each(|(name, parameter)| each("parameters", name, Part::Text(parameter)));
    for (name, _) in source.all("schema") {
        let schema = source.schema(name).unwrap_or_default();
        each("definitions", name, Part::Value(convert::schema_to_v2(&schema)));
    }
    for resource in custom(resources) {
        for (path, item) in custom_paths::of(&source, resource) {
            each("paths", &path, Part::Value(item));
        }
        for (name, schema) in custom_schema::v2(&source, resource) {
            each("definitions", &name, Part::Value(schema));
        }
    }
    source.head()
}

fn custom(resources: &Registry) -> impl Iterator<Item = &Resource> {
    resources.all().filter(|resource| resource.is_custom()).map(|resource| &**resource)
}
