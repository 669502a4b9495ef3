//! What the server serves: groups, versions, resources (apiserver/pkg/endpoints/discovery).

use super::accept;
use super::represent::Representation;
use super::respond;
use super::table::IncludeObject;
use crate::api_server::ApiServer;
use crate::builtins;
use crate::error::ApiError;
use crate::request::{Reply, Request, Response};
use crate::resources::{Nature, Resource, Subresource, api_version};
use crate::routing::Route;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};
use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// One API group.
struct Group<'a> {
    name: &'a str,
    /// Preferred first.
    versions: Vec<&'a str>,
}

/// Answers a discovery path.
pub(crate) fn answer(server: &ApiServer, request: &Request, route: &Route) -> Reply {
    if request.method != Method::GET {
        return Reply::Complete(respond::error(request, &ApiError::method_not_allowed()));
    }
    let groups = groups(server);
    let response = match route {
        Route::CoreVersions if wants_aggregated(request) => {
            aggregated(server, request, groups.iter().filter(|group| group.name.is_empty()))
        }
        Route::Groups if wants_aggregated(request) => {
            aggregated(server, request, groups.iter().filter(|group| !group.name.is_empty()))
        }
        Route::CoreVersions => document(
            request,
            &json!({
                "kind": "APIVersions", "versions": ["v1"],
                "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}],
            }),
        ),
        Route::Groups => {
            let named = groups.iter().filter(|group| !group.name.is_empty());
            document(
                request,
                &json!({
                    "kind": "APIGroupList", "apiVersion": "v1", "groups": named.map(Group::document).collect::<Value>(),
                }),
            )
        }
        Route::Group(name) => match groups.iter().find(|group| group.name == name && !name.is_empty()) {
            Some(group) => {
                let mut group = group.document();
                group["kind"] = "APIGroup".into();
                group["apiVersion"] = "v1".into();
                document(request, &group)
            }
            None => respond::not_found(),
        },
        Route::GroupVersion { group, version } if server.resources.serves(group, version) => {
            document(request, &resource_list(server, group, version))
        }
        Route::GroupVersion { group, .. } if is_built_in(group) => {
            respond::error(request, &ApiError::unknown_resource())
        }
        _ => respond::not_found(),
    };
    Reply::Complete(response)
}

fn is_built_in(group: &str) -> bool {
    builtins::resources().iter().any(|resource| resource.group == group)
}

fn document(request: &Request, value: &Value) -> Response {
    match accept::negotiate_plain(request) {
        Ok(accept) => {
            let representation = Representation { accept, include: IncludeObject::default() };
            respond::bytes(StatusCode::OK, representation.content_type(), representation.bytes(value))
        }
        Err(error) => respond::error(request, &error),
    }
}

fn wants_aggregated(request: &Request) -> bool {
    let text = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept::clauses(text).first().is_some_and(|clause| {
        clause.media_type == "application/json"
            && clause.parameter("g") == "apidiscovery.k8s.io"
            && clause.parameter("v") == "v2"
            && clause.parameter("as") == "APIGroupDiscoveryList"
    })
}

/// Built-in groups in the order of a real server, then the groups of definitions by name.
fn groups(server: &ApiServer) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let builtin = builtins::resources().iter().map(|resource| (resource.group, resource.version));
    let mut add = |name, version| match groups.iter_mut().find(|group| group.name == name) {
        Some(group) if group.versions.contains(&version) => {}
        Some(group) => group.versions.push(version),
        None => groups.push(Group { name, versions: vec![version] }),
    };
    builtin.for_each(|(name, version)| add(name, version));
    let custom = server.resources.all().filter(|resource| resource.is_custom());
    custom.for_each(|resource| add(resource.id.group(), &resource.version));
    for group in &mut groups {
        group.versions.sort_by_key(|version| Reverse(priority(version)));
    }
    groups
}

/// Stable versions before beta before alpha, newer before older (apimachinery/pkg/version/helpers.go).
fn priority(version: &str) -> (u8, u32, u32) {
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    let digits = |text: &str| text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (major, rest) = rest.split_at(digits(rest));
    let Ok(major) = major.parse() else { return (0, 0, 0) };
    match rest {
        "" => (3, major, 0),
        _ => {
            let stage = if rest.starts_with("beta") { 2 } else { 1 };
            let minor = rest.trim_start_matches("beta").trim_start_matches("alpha").parse().unwrap_or(0);
            (stage, major, minor)
        }
    }
}

impl Group<'_> {
    fn document(&self) -> Value {
        let version =
            |version: &&str| json!({"groupVersion": api_version(self.name, version), "version": version});
        json!({
            "name": self.name,
            "versions": self.versions.iter().map(version).collect::<Value>(),
            "preferredVersion": self.versions.first().map(version),
        })
    }
}

/// The resources of one version, by name.
fn resources<'a>(server: &'a ApiServer, group: &str, version: &str) -> Vec<&'a Arc<Resource>> {
    let served = server.resources.all();
    served.filter(|resource| resource.id.group() == group && resource.version == version).collect()
}

fn resource_list(server: &ApiServer, group: &str, version: &str) -> Value {
    let mut entries = Vec::new();
    for resource in resources(server, group, version) {
        entries.push(entry(resource));
        entries
            .extend(resource.subresources.iter().map(|subresource| subresource_entry(resource, subresource)));
    }
    let mut list = json!({
        "kind": "APIResourceList", "groupVersion": api_version(group, version), "resources": entries,
    });
    if !group.is_empty() {
        list["apiVersion"] = "v1".into();
    }
    list
}

fn entry(resource: &Resource) -> Value {
    let mut entry = json!({
        "name": resource.id.resource(), "singularName": resource.singular, "namespaced": resource.namespaced,
        "kind": resource.kind, "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = resource.short_names.clone().into();
    }
    if !resource.categories.is_empty() {
        entry["categories"] = resource.categories.clone().into();
    }
    let hash = storage_version_hash(resource);
    if !hash.is_empty() {
        entry["storageVersionHash"] = hash.into();
    }
    entry
}

fn storage_version_hash(resource: &Resource) -> String {
    match &resource.nature {
        Nature::BuiltIn(builtin) => builtin.storage_version_hash.to_owned(),
        Nature::Custom(custom) => {
            STANDARD.encode(hash(&format!("{}/{}", custom.storage_version(), resource.kind)).to_be_bytes())
        }
    }
}

fn subresource_entry(resource: &Resource, subresource: &Subresource) -> Value {
    let mut entry = Map::new();
    let name = format!("{}/{}", resource.id.resource(), subresource.name);
    entry.insert("name".into(), name.into());
    entry.insert("singularName".into(), "".into());
    entry.insert("namespaced".into(), resource.namespaced.into());
    if let Some(group) = &subresource.group {
        entry.insert("group".into(), group.as_str().into());
    }
    if let Some(version) = &subresource.version {
        entry.insert("version".into(), version.as_str().into());
    }
    entry.insert("kind".into(), subresource.kind.as_str().into());
    entry.insert("verbs".into(), subresource.verbs.clone().into());
    entry.into()
}

/// Everything in one document (`apidiscovery.k8s.io/v2`), with an ETag.
fn aggregated<'a>(
    server: &ApiServer,
    request: &Request,
    groups: impl Iterator<Item = &'a Group<'a>>,
) -> Response {
    let items: Vec<Value> = groups.map(|group| aggregated_group(server, group)).collect();
    let list = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    });
    let text = list.to_string();
    let tag = format!("\"{:016X}\"", hash(&text));
    let known =
        request.headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let (status, body) =
        if known { (StatusCode::NOT_MODIFIED, Bytes::new()) } else { (StatusCode::OK, Bytes::from(text)) };
    let mut response = respond::bytes(status, AGGREGATED, body);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers.insert(header::ETAG, tag);
    }
    response.headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

fn aggregated_group(server: &ApiServer, group: &Group<'_>) -> Value {
    let versions = group.versions.iter().map(|version| {
        let resources = resources(server, group.name, version);
        json!({
            "version": version, "freshness": "Current",
            "resources": resources.into_iter().map(|resource| aggregated_resource(resource)).collect::<Value>(),
        })
    });
    let mut metadata = json!({"creationTimestamp": null});
    if !group.name.is_empty() {
        metadata["name"] = group.name.into();
    }
    json!({"metadata": metadata, "versions": versions.collect::<Value>()})
}

fn aggregated_resource(resource: &Resource) -> Value {
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

/// A number that is the same for the same text, in every process.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}
