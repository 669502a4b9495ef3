//! From paths of OpenAPI v2 to those of v3, and from schemas of v3 to definitions of v2
//! (kube-openapi/pkg/openapiconv, pkg/builder).

use super::source::Source;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const V2_PREFIX: &str = "#/definitions/";
const V3_PREFIX: &str = "#/components/schemas/";

/// The path of a v3 document.
pub(super) fn path_to_v3(source: &Source<'_>, item: &Value) -> Value {
    let members = item.as_object().into_iter().flatten();
    let convert = |(key, value): (&String, &Value)| {
        let value = match key.as_str() {
            "parameters" => parameters(source, value).iter().map(parameter_to_v3).collect::<Vec<_>>().into(),
            _ => operation_to_v3(source, value),
        };
        (key.clone(), value)
    };
    members.map(convert).collect::<Map<_, _>>().into()
}

/// Parameters with those that are only referred to put in their place.
fn parameters(source: &Source<'_>, list: &Value) -> Vec<Value> {
    let resolve = |parameter: &Value| {
        let name = parameter["$ref"].as_str().and_then(|name| name.strip_prefix("#/parameters/"));
        name.and_then(|name| source.parameter(name)).unwrap_or_else(|| parameter.clone())
    };
    list.as_array().into_iter().flatten().map(resolve).collect()
}

fn parameter_to_v3(parameter: &Value) -> Value {
    let mut converted = Map::new();
    let mut schema = Map::new();
    for (key, value) in parameter.as_object().into_iter().flatten() {
        let place = match key.as_str() {
            "name" | "in" | "description" | "required" => &mut converted,
            _ => &mut schema,
        };
        place.insert(key.clone(), value.clone());
    }
    converted.insert("schema".into(), schema.into());
    converted.into()
}

fn operation_to_v3(source: &Source<'_>, operation: &Value) -> Value {
    let mut converted = Map::new();
    for (key, value) in operation.as_object().into_iter().flatten() {
        match key.as_str() {
            "consumes" | "produces" | "schemes" => {}
            "parameters" => {
                let (bodies, others): (Vec<Value>, Vec<Value>) =
                    parameters(source, value).into_iter().partition(|parameter| parameter["in"] == "body");
                for body in bodies {
                    let mut request = json!({"content": content(&operation["consumes"], &body["schema"])});
                    if let Some(required) = body.get("required") {
                        request["required"] = required.clone();
                    }
                    converted.insert("requestBody".into(), request);
                }
                if !others.is_empty() {
                    let others: Vec<Value> = others.iter().map(parameter_to_v3).collect();
                    converted.insert("parameters".into(), others.into());
                }
            }
            "responses" => {
                let responses = value.as_object().into_iter().flatten().map(|(code, response)| {
                    let mut response = response.clone();
                    if let Some(schema) =
                        response.as_object_mut().and_then(|response| response.remove("schema"))
                    {
                        response["content"] = content(&operation["produces"], &schema);
                    }
                    (code.clone(), response)
                });
                converted.insert(key.clone(), responses.collect::<Map<_, _>>().into());
            }
            _ => {
                converted.insert(key.clone(), value.clone());
            }
        }
    }
    converted.into()
}

/// The same schema for each media type.
fn content(media_types: &Value, schema: &Value) -> Value {
    let mut schema = schema.clone();
    rename_references(&mut schema, V2_PREFIX, V3_PREFIX);
    let media_types = media_types.as_array().into_iter().flatten().filter_map(Value::as_str);
    media_types.map(|type_| (type_.to_owned(), json!({"schema": schema}))).collect::<Map<_, _>>().into()
}

fn rename_references(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), &mut *value) {
                    ("$ref", Value::String(reference)) => *reference = reference.replacen(from, to, 1),
                    (_, value) => rename_references(value, from, to),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_references(item, from, to)),
        _ => {}
    }
}

/// The names of the schemas that something in a v3 document refers to.
pub(super) fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value) {
                    ("$ref", Value::String(reference)) => {
                        found.extend(reference.strip_prefix(V3_PREFIX).map(str::to_owned));
                    }
                    (_, value) => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// The definition that a v2 document has of a schema: there are no alternatives and no defaults.
pub(super) fn schema_to_v2(schema: &Value) -> Value {
    let Some(members) = schema.as_object() else { return schema.clone() };
    let mut converted = Map::new();
    for (key, value) in members {
        match (key.as_str(), value) {
            ("default" | "anyOf" | "not" | "nullable", _) => {}
            // Alternatives stand for a text with a format, such as quantities.
            ("oneOf", _) => {
                converted.insert("type".into(), "string".into());
            }
            ("allOf", Value::Array(parts)) => {
                if let [only] = parts.as_slice()
                    && let Some(reference) = only.get("$ref")
                {
                    converted.insert("$ref".into(), reference_to_v2(reference));
                }
            }
            ("$ref", reference) => {
                converted.insert(key.clone(), reference_to_v2(reference));
            }
            ("properties", Value::Object(properties)) => {
                let properties = properties.iter().map(|(name, schema)| (name.clone(), schema_to_v2(schema)));
                converted.insert(key.clone(), properties.collect::<Map<_, _>>().into());
            }
            ("items" | "additionalProperties", schema) => {
                converted.insert(key.clone(), schema_to_v2(schema));
            }
            (_, value) => {
                converted.insert(key.clone(), value.clone());
            }
        }
    }
    converted.into()
}

fn reference_to_v2(reference: &Value) -> Value {
    reference.as_str().unwrap_or_default().replacen(V3_PREFIX, V2_PREFIX, 1).into()
}
