//! `/openapi/v3`: one document for each group version, and small ones about discovery
//! (kube-openapi/pkg/handler3).

use super::object::Object;
use super::source::{self, Source};
use super::{convert, custom_paths, custom_schema};
use crate::builtins;
use crate::resources::{Registry, Resource};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What the server answers outside of groups and is documented.
const OTHERS: [&str; 5] = [".well-known/openid-configuration", "api", "apis", "openid/v1/jwks", "version"];
/// Kinds of every group, whose schema names the groups of its document only.
const OF_EVERY_GROUP: [&str; 2] =
    ["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"];
const KINDS: &str = "x-kubernetes-group-version-kind";

/// The documents that there are, each with a text that changes when it does.
pub(crate) fn index(resources: &Registry) -> BTreeMap<String, String> {
    names(resources).into_iter().map(|name| (name.clone(), tag_of(resources, &name))).collect()
}

/// The text that changes when a document does; none when there is no such document.
pub(crate) fn tag(resources: &Registry, name: &str) -> Option<String> {
    names(resources).contains(name).then(|| tag_of(resources, name))
}

fn names(resources: &Registry) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = OTHERS.map(str::to_owned).into();
    for resource in builtins::resources() {
        names.insert(group_version(resource.group, resource.version));
        if !resource.group.is_empty() {
            names.insert(format!("apis/{}", resource.group));
        }
    }
    let custom = resources.all().filter(|resource| resource.is_custom());
    names.extend(custom.map(|resource| group_version(resource.id.group(), &resource.version)));
    names
}

fn tag_of(resources: &Registry, name: &str) -> String {
    super::tag(name, custom_of(resources, name))
}

/// One of the documents, as JSON.
pub(crate) fn document(resources: &Registry, name: &str) -> String {
    let text = source::text();
    let source = Source::new(&text);
    let custom: Vec<&Resource> = custom_of(resources, name).collect();
    if custom.is_empty() { of_builtin(&source, name) } else { of_custom(&source, &custom) }
}

fn of_builtin(source: &Source<'_>, name: &str) -> String {
    let mut draft = Draft::new(source);
    for (path, _) in source.all("path").filter(|(path, _)| document_of(path) == name) {
        draft.path(path, &source.path(path).unwrap_or_default());
    }
    let head = source.head();
    let mut components = Object::new();
    components.member("securitySchemes", &head["securityDefinitions"]);
    if !draft.referenced.is_empty() {
        let of_document =
            |group: &str, version: &str| group.is_empty() || group_version(group, version) == name;
        components.member("schemas", draft.schemas(of_document));
    }
    document_with(&head["info"], draft.paths, components)
}

fn of_custom(source: &Source<'_>, custom: &[&Resource]) -> String {
    let mut draft = Draft::new(source);
    for resource in custom {
        for (path, item) in custom_paths::of(source, resource) {
            draft.path(&path, &item);
        }
        draft.own.extend(custom_schema::v3(source, resource));
    }
    // The library that publishes them does not know the groups that are about the server itself.
    const UNKNOWN: [&str; 4] =
        ["admission.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "imagepolicy.k8s.io"];
    let mut components = Object::new();
    components.member("schemas", draft.schemas(|group, _| !UNKNOWN.contains(&group)));
    document_with(&json!({"title": "Kubernetes CRD Swagger", "version": "v0.1.0"}), draft.paths, components)
}

fn document_with(info: &Value, paths: Object, components: Object) -> String {
    let mut document = Object::new();
    document.member("openapi", "\"3.0.0\"");
    document.member("info", info);
    document.member("paths", paths.finish());
    document.member("components", components.finish());
    document.finish()
}

/// A document that is being written.
struct Draft<'a> {
    source: &'a Source<'a>,
    paths: Object,
    /// Schemas that are the document's own.
    own: Vec<(String, Value)>,
    /// Schemas that paths refer to.
    referenced: BTreeSet<String>,
}

impl<'a> Draft<'a> {
    fn new(source: &'a Source<'a>) -> Self {
        Self { source, paths: Object::new(), own: Vec::new(), referenced: BTreeSet::new() }
    }

    /// Adds a path in the words of v2.
    fn path(&mut self, path: &str, item: &Value) {
        let item = convert::path_to_v3(self.source, item);
        convert::references(&item, &mut self.referenced);
        self.paths.member(path, item);
    }

    /// All schemas that are needed; `names` says which groups and versions kinds of every group are to name.
    fn schemas(&self, names: impl Fn(&str, &str) -> bool) -> String {
        let mut schemas = Object::new();
        let mut open = self.referenced.clone();
        let mut done: BTreeSet<String> = self.own.iter().map(|(name, _)| name.clone()).collect();
        for (name, schema) in &self.own {
            convert::references(schema, &mut open);
            schemas.member(name, schema);
        }
        while let Some(name) = open.pop_first() {
            if !done.insert(name.clone()) {
                continue;
            }
            let mut schema = self.source.schema(&name).unwrap_or_default();
            convert::references(&schema, &mut open);
            if OF_EVERY_GROUP.contains(&name.as_str())
                && let Some(Value::Array(kinds)) = schema.get_mut(KINDS)
            {
                kinds.retain(|kind| {
                    let text = |key: &str| kind[key].as_str().unwrap_or_default();
                    names(text("group"), text("version"))
                });
            }
            schemas.member(&name, schema);
        }
        schemas.finish()
    }
}

/// The document that describes a path.
fn document_of(path: &str) -> &str {
    let path = path.trim_matches('/');
    let parts = match path.split('/').next() {
        Some("api") => 2,
        Some("apis") => 3,
        _ => return path,
    };
    path.match_indices('/').nth(parts - 1).map_or(path, |(end, _)| &path[..end])
}

fn custom_of<'a>(resources: &'a Registry, name: &'a str) -> impl Iterator<Item = &'a Resource> {
    let custom = resources.all().filter(|resource| resource.is_custom());
    custom
        .map(|resource| &**resource)
        .filter(move |resource| group_version(resource.id.group(), &resource.version) == name)
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}
