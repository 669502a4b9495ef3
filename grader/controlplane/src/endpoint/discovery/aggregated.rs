//! Everything in one document: `apidiscovery.k8s.io/v2` (apiserver/pkg/endpoints/discovery/aggregated).

use super::super::accept::{self, Accept, Format};
use super::super::etag;
use super::super::represent::Representation;
use super::super::table::IncludeObject;
use super::groups::Group;
use super::resources;
use crate::api_server::ApiServer;
use crate::request::{Request, Response};
use crate::resources::{Resource, Subresource};
use http::{HeaderValue, header};
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The format in which the client takes the aggregated document, if it does: no other entry of its Accept header
/// counts then.
pub(super) fn wanted(request: &Request) -> Option<Format> {
    let text = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept::clauses(text).iter().find_map(|clause| {
        let format = match clause.media_type {
            "application/json" | "application/*" | "*/*" => Format::Json,
            "application/yaml" => Format::Yaml,
            _ => return None,
        };
        let kind = ["g", "v", "as"].map(|key| clause.parameter(key));
        (kind == ["apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList"]).then_some(format)
    })
}

/// The document about these groups, unless the client has it already.
pub(super) fn answer<'a>(
    server: &ApiServer,
    request: &Request,
    format: Format,
    groups: impl Iterator<Item = &'a Group<'a>>,
) -> Response {
    let items: Vec<Value> = groups.map(|group| group_of(server, group)).collect();
    let list = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    });
    let mut hasher = DefaultHasher::new();
    list.hash(&mut hasher);
    let tag = format!("{:016X}", hasher.finish());
    let media_type = match format {
        Format::Json => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        Format::Yaml => "application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        Format::Protobuf => accept::PROTOBUF,
    };
    let accept = Accept { format, ..Accept::JSON };
    let representation = Representation { accept, include: IncludeObject::default() };
    let mut response = etag::respond(request, &tag, media_type, || representation.bytes_of_struct(&list));
    response.headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    response.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
    response
}

fn group_of(server: &ApiServer, group: &Group<'_>) -> Value {
    let versions = group.versions.iter().map(|version| {
        let resources = resources::of(server, group.name, version);
        json!({
            "version": version, "freshness": "Current",
            "resources": resources.into_iter().map(|resource| resource_of(resource)).collect::<Value>(),
        })
    });
    let metadata = if group.name.is_empty() { json!({}) } else { json!({"name": group.name}) };
    json!({"metadata": metadata, "versions": versions.collect::<Value>()})
}

fn resource_of(resource: &Resource) -> Value {
    // Built-in kinds leave out what is the same as around them.
    let kind = |group: Option<&str>, version: Option<&str>, kind: &str| {
        let own = resource.is_custom();
        let group = group.unwrap_or(if own { resource.id.group() } else { "" });
        let version = version.unwrap_or(if own { &resource.version } else { "" });
        json!({"group": group, "version": version, "kind": kind})
    };
    let mut entry = json!({
        "resource": resource.id.resource(),
        "responseKind": kind(None, None, &resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = resource.short_names.clone().into();
    }
    if !resource.categories.is_empty() {
        entry["categories"] = resource.categories.clone().into();
    }
    if !resource.subresources.is_empty() {
        let subresource = |sub: &Subresource| {
            json!({
                "subresource": sub.name, "verbs": sub.verbs,
                "responseKind": kind(sub.group.as_deref(), sub.version.as_deref(), &sub.kind),
            })
        };
        entry["subresources"] = resource.subresources.iter().map(subresource).collect();
    }
    entry
}
