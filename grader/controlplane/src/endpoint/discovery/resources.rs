//! The resources of one version: `APIResourceList`.

use crate::api_server::ApiServer;
use crate::resources::{Nature, Resource, Subresource, api_version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The resources of one version, by name.
pub(super) fn of<'a>(server: &'a ApiServer, group: &str, version: &str) -> Vec<&'a Arc<Resource>> {
    let served = server.resources.all();
    served.filter(|resource| resource.id.group() == group && resource.version == version).collect()
}

/// The document about one version.
pub(super) fn list(server: &ApiServer, group: &str, version: &str) -> Value {
    let mut entries = Vec::new();
    for resource in of(server, group, version) {
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

/// apiserver/pkg/endpoints/discovery/storageversionhash.go.
fn storage_version_hash(resource: &Resource) -> String {
    match &resource.nature {
        Nature::BuiltIn(builtin) => builtin.storage_version_hash.to_owned(),
        Nature::Custom(custom) => {
            let stored = format!("{}/{}", custom.storage_version(), resource.kind);
            let hash = digest(&SHA256, stored.as_bytes());
            STANDARD.encode(&hash.as_ref()[..8])
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
