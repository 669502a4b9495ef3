//! `/openapi/v2`: everything in one document (kube-openapi/pkg/handler).

use super::object::Object;
use super::source::{self, Source};
use super::{convert, custom_paths, custom_schema};
use crate::resources::{Registry, Resource};
use serde_json::Value;

/// A text that changes when the document does.
pub(crate) fn tag(resources: &Registry) -> String {
    super::tag("", custom(resources))
}

/// The document, as JSON.
pub(crate) fn document(resources: &Registry) -> String {
    let text = source::text();
    let source = Source::new(&text);
    let (mut paths, mut definitions, mut parameters) = (Object::new(), Object::new(), Object::new());
    source.all("path").for_each(|(path, item)| paths.member(path, item));
    source.all("parameter").for_each(|(name, parameter)| parameters.member(name, parameter));
    for (name, _) in source.all("schema") {
        let schema = source.schema(name).unwrap_or_default();
        definitions.member(name, convert::schema_to_v2(&schema));
    }
    for resource in custom(resources) {
        custom_paths::of(&source, resource).iter().for_each(|(path, item)| paths.member(path, item));
        custom_schema::v2(&source, resource)
            .iter()
            .for_each(|(name, schema)| definitions.member(name, schema));
    }
    let mut document = Object::new();
    if let Value::Object(head) = source.head() {
        document.members(&head);
    }
    document.member("paths", paths.finish());
    document.member("definitions", definitions.finish());
    document.member("parameters", parameters.finish());
    document.finish()
}

fn custom(resources: &Registry) -> impl Iterator<Item = &Resource> {
    resources.all().filter(|resource| resource.is_custom()).map(|resource| &**resource)
}
