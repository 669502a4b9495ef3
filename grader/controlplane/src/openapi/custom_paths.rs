//! The paths of custom resources, in the words of OpenAPI v2
//! (apiextensions-apiserver/pkg/controller/openapi/builder/builder.go).
//!
//! They have the parameters of built-in ones: those of Deployments serve as the pattern.

use super::custom_schema;
use super::source::Source;
use crate::resources::Resource;
use serde_json::{Map, Value, json};

const PATTERN: &str = "/apis/apps/v1/namespaces/{namespace}/deployments";
const PATTERN_EVERYWHERE: &str = "/apis/apps/v1/deployments";
const MEDIA_TYPES: [&str; 2] = ["application/json", "application/yaml"];
const PATCH_TYPES: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

/// The paths of a resource.
pub(super) fn of(source: &Source<'_>, resource: &Resource) -> Vec<(String, Value)> {
    let root = format!("/apis/{}", resource.api_version());
    let plural = resource.id.resource();
    let scope = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
    let parameters = Parameters::of(source);
    let item = |pattern: &str| source.path(pattern).map(|pattern| path(resource, &parameters, &pattern));
    let below = ["", "/{name}"].into_iter().map(str::to_owned);
    let subresources =
        resource.subresources.iter().map(|subresource| format!("/{{name}}/{}", subresource.name));
    let mut paths: Vec<(String, Value)> = below
        .chain(subresources)
        .filter_map(|suffix| {
            Some((format!("{root}{scope}/{plural}{suffix}"), item(&format!("{PATTERN}{suffix}"))?))
        })
        .collect();
    if resource.namespaced {
        paths.extend(item(PATTERN_EVERYWHERE).map(|item| (format!("{root}/{plural}"), item)));
    }
    paths
}

/// Parameters that custom resources have where built-in ones have none.
struct Parameters {
    list: Value,
    resource_version: Value,
}

impl Parameters {
    fn of(source: &Source<'_>) -> Self {
        let list = source.path(PATTERN).unwrap_or_default()["get"]["parameters"].take();
        let named = |parameter: &&Value| {
            parameter["$ref"].as_str().is_some_and(|name| name.starts_with("#/parameters/resourceVersion-"))
        };
        let resource_version = list.as_array().into_iter().flatten().find(named).cloned().unwrap_or_default();
        Self { list, resource_version }
    }
}

fn path(resource: &Resource, parameters: &Parameters, pattern: &Value) -> Value {
    let members = pattern.as_object().into_iter().flatten();
    let convert = |(key, value): (&String, &Value)| {
        let value = match key.as_str() {
            "parameters" => of_path(resource, value),
            method => operation(resource, parameters, method, value),
        };
        (key.clone(), value)
    };
    members.map(convert).collect::<Map<_, _>>().into()
}

/// The parameters that are part of the path.
fn of_path(resource: &Resource, pattern: &Value) -> Value {
    let is_namespace = |parameter: &Value| {
        parameter["$ref"].as_str().is_some_and(|name| name.starts_with("#/parameters/namespace-"))
    };
    let parameters = pattern.as_array().into_iter().flatten();
    parameters
        .filter(|parameter| resource.namespaced || !is_namespace(parameter))
        .cloned()
        .map(|mut parameter| {
            if parameter["name"] == "name" {
                parameter["description"] = format!("name of the {}", resource.kind).into();
            }
            parameter
        })
        .collect()
}

fn operation(resource: &Resource, parameters: &Parameters, method: &str, pattern: &Value) -> Value {
    let mut operation = pattern.clone();
    replace_references(&mut operation, resource);
    let action = pattern["x-kubernetes-action"].as_str().unwrap_or_default();
    match action {
        "get" => operation["parameters"] = json!([parameters.resource_version]),
        "deletecollection" => operation["parameters"] = parameters.list.clone(),
        _ => {}
    }
    if let ("patch", Some(responses)) = (method, operation["responses"].as_object_mut()) {
        responses.remove("201");
    }
    operation["consumes"] = if method == "patch" { json!(PATCH_TYPES) } else { json!(MEDIA_TYPES) };
    operation["produces"] = json!(MEDIA_TYPES);
    operation["tags"] =
        json!([format!("{}_{}", identifier(group_word(resource)), identifier(&resource.version))]);
    let text = |key: &str| pattern[key].as_str().unwrap_or_default();
    operation["description"] = description(text("description"), &resource.kind).into();
    operation["operationId"] = operation_id(text("operationId"), resource).into();
    operation["x-kubernetes-group-version-kind"] = json!({
        "group": resource.id.group(), "version": resource.version, "kind": resource.kind,
    });
    operation
}

fn replace_references(value: &mut Value, resource: &Resource) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value.as_str()) {
                    ("$ref", Some("#/definitions/io.k8s.api.apps.v1.Deployment")) => {
                        *value =
                            format!("#/definitions/{}", custom_schema::name(resource, &resource.kind)).into();
                    }
                    ("$ref", Some("#/definitions/io.k8s.api.apps.v1.DeploymentList")) => {
                        *value =
                            format!("#/definitions/{}", custom_schema::name(resource, &resource.list_kind))
                                .into();
                    }
                    _ => replace_references(value, resource),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace_references(item, resource)),
        _ => {}
    }
}

fn description(pattern: &str, kind: &str) -> String {
    let plural = kind.ends_with('s') && !kind.ends_with("ss");
    let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    let article = match (plural, vowel) {
        (true, _) => "",
        (false, true) => "an ",
        (false, false) => "a ",
    };
    let pattern = pattern.replace("list or watch ", "list ");
    pattern.replace(" a Deployment", &format!(" {article}{kind}")).replace("Deployment", kind)
}

/// `listAppsV1NamespacedDeployment` with other names.
fn operation_id(pattern: &str, resource: &Resource) -> String {
    let (verb, rest) = pattern.split_once("AppsV1").unwrap_or((pattern, ""));
    let capital = |text: String| {
        let mut characters = text.chars();
        characters
            .next()
            .map(|first| first.to_uppercase().chain(characters).collect::<String>())
            .unwrap_or_default()
    };
    let mut rest = rest.replace("Deployment", &resource.kind);
    if !resource.namespaced {
        rest = rest.replacen("Namespaced", "", 1);
    }
    format!(
        "{verb}{}{}{rest}",
        capital(identifier(group_word(resource))),
        capital(identifier(&resource.version))
    )
}

fn group_word(resource: &Resource) -> &str {
    resource.id.group().strip_suffix(".k8s.io").unwrap_or(resource.id.group())
}

/// `example.com` as `exampleCom` (apiserver/pkg/endpoints/openapi/openapi.go).
fn identifier(text: &str) -> String {
    let mut identifier = String::new();
    let mut capital = false;
    for (index, character) in text.char_indices() {
        let fits = character.is_alphabetic() || character == '_' || (index != 0 && character.is_numeric());
        match (fits, capital) {
            (true, true) => identifier.extend(character.to_uppercase()),
            (true, false) => identifier.push(character),
            (false, _) => {}
        }
        capital = !fits;
    }
    identifier
}
