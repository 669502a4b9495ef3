//! OpenAPI v3 documents of custom resources (apiextensions-apiserver/pkg/controller/openapi).

use super::respond;
use crate::api_server::ApiServer;
use crate::request::Response;
use crate::resources::{Nature, Resource, api_version};
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Answers `/openapi/v3` and what is below it; built-in groups have no document here.
pub(crate) fn answer(server: &ApiServer, path: &str) -> Response {
    let custom = || server.resources.all().filter(|resource| resource.is_custom());
    let Some(rest) = path.strip_prefix("/openapi/v3") else { return respond::not_found() };
    if rest.is_empty() {
        let versions: BTreeSet<String> =
            custom().map(|resource| format!("apis/{}", resource.api_version())).collect();
        let paths: Map<String, Value> = versions
            .into_iter()
            .map(|path| {
                let url = format!("/openapi/v3/{path}");
                (path, json!({"serverRelativeURL": url}))
            })
            .collect();
        return respond::json(StatusCode::OK, &json!({"paths": paths}));
    }
    let Some((group, version)) = rest.strip_prefix("/apis/").and_then(|rest| rest.split_once('/')) else {
        return respond::not_found();
    };
    let resources: Vec<&Resource> = custom()
        .map(|resource| &**resource)
        .filter(|resource| resource.id.group() == group && resource.version == version)
        .collect();
    if resources.is_empty() {
        return respond::not_found();
    }
    respond::json(StatusCode::OK, &document(&resources))
}

fn document(resources: &[&Resource]) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for resource in resources {
        let root = format!("/apis/{}", api_version(resource.id.group(), &resource.version));
        let scope = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
        let collection = format!("{root}{scope}/{}", resource.id.resource());
        let operations = |verbs: &[(&str, &str)]| -> Value {
            verbs
                .iter()
                .map(|(method, action)| ((*method).to_owned(), operation(resource, action)))
                .collect::<Map<_, _>>()
                .into()
        };
        let on_collection = [("get", "list"), ("post", "post"), ("delete", "deletecollection")];
        let on_item = [("get", "get"), ("put", "put"), ("patch", "patch"), ("delete", "delete")];
        paths.insert(format!("{collection}/{{name}}"), operations(&on_item));
        for subresource in &resource.subresources {
            let path = format!("{collection}/{{name}}/{}", subresource.name);
            paths.insert(path, operations(&on_item[..3]));
        }
        paths.insert(collection, operations(&on_collection));
        if let Nature::Custom(custom) = &resource.nature {
            schemas.insert(schema_name(resource), custom.published_schema(resource));
        }
    }
    json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
        "paths": paths, "components": {"schemas": schemas},
    })
}

fn operation(resource: &Resource, action: &str) -> Value {
    json!({
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {
            "group": resource.id.group(), "version": resource.version, "kind": resource.kind,
        },
        "responses": {"200": {"description": "OK", "content": {"application/json": {
            "schema": {"$ref": format!("#/components/schemas/{}", schema_name(resource))},
        }}}},
    })
}

/// The group backwards, the version, the kind: `com.example.v1.Widget`.
fn schema_name(resource: &Resource) -> String {
    let group: Vec<&str> = resource.id.group().rsplit('.').collect();
    format!("{}.{}.{}", group.join("."), resource.version, resource.kind)
}
