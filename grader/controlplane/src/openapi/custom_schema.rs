//! The schemas of custom resources as they are published
//! (apiextensions-apiserver/pkg/controller/openapi/{builder/builder,v2/conversion}.go,
//! pkg/apiserver/schema/{unfold,kubeopenapi}.go).

use super::convert;
use super::source::Source;
use crate::resources::{Nature, Resource};
use serde_json::{Value, json};

const OBJECT_META: &str = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
const CONVENTIONS: &str =
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";
const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
const KINDS: &str = "x-kubernetes-group-version-kind";

/// The group backwards, the version, the kind: `com.example.v1.Widget`.
pub(super) fn name(resource: &Resource, kind: &str) -> String {
    let group: Vec<&str> = resource.id.group().rsplit('.').collect();
    format!("{}.{}.{kind}", group.join("."), resource.version)
}

/// The schemas of one object and of a list.
pub(super) fn v3(source: &Source<'_>, resource: &Resource) -> Vec<(String, Value)> {
    let mut schema = defined(resource);
    unfold(&mut schema);
    let words = Words::of(source);
    words.complete(&mut schema);
    words.embed(&mut schema, |_| true);
    both(resource, &words, schema)
}

/// The definitions of one object and of a list.
pub(super) fn v2(source: &Source<'_>, resource: &Resource) -> Vec<(String, Value)> {
    let mut schema = defined(resource);
    let words = Words::of(source);
    if is_set(&schema, PRESERVE) {
        // kubectl would complain about every field that is not named.
        schema = json!({"type": "object"});
    } else {
        simplify(&mut schema);
        words.complete(&mut schema);
        words.embed(&mut schema, |schema| !is_set(schema, PRESERVE));
    }
    both(resource, &words, schema)
        .into_iter()
        .map(|(name, schema)| (name, convert::schema_to_v2(&schema)))
        .collect()
}

fn both(resource: &Resource, words: &Words, mut schema: Value) -> Vec<(String, Value)> {
    let Nature::Custom(custom) = &resource.nature else { return Vec::new() };
    let mut list = words.list(resource);
    for (schema, kind) in [(&mut schema, &resource.kind), (&mut list, &resource.list_kind)] {
        schema[KINDS] = json!([{"group": resource.id.group(), "version": resource.version, "kind": kind}]);
        let selectable: Vec<Value> = custom
            .selectable_fields
            .iter()
            .map(|path| json!({"fieldPath": path.trim_start_matches('.')}))
            .collect();
        if !selectable.is_empty() {
            schema["x-kubernetes-selectable-fields"] = selectable.into();
        }
    }
    vec![(name(resource, &resource.kind), schema), (name(resource, &resource.list_kind), list)]
}

/// The schema as the definition gives it.
fn defined(resource: &Resource) -> Value {
    let Nature::Custom(custom) = &resource.nature else { return json!({"type": "object"}) };
    let versions = custom.spec()["versions"].as_array().into_iter().flatten();
    let mut own = versions.filter(|version| version["name"] == resource.version.as_str());
    let schema = own.next().and_then(|version| version.pointer("/schema/openAPIV3Schema"));
    schema.filter(|schema| schema.is_object()).cloned().unwrap_or_else(|| json!({"type": "object"}))
}

/// Texts about what every object has.
struct Words {
    api_version: Value,
    kind: Value,
    list_metadata: Value,
    metadata: Value,
}

impl Words {
    fn of(source: &Source<'_>) -> Self {
        Self {
            api_version: source.of_every_kind("apiVersion"),
            kind: source.of_every_kind("kind"),
            list_metadata: source.of_every_kind("metadata"),
            metadata: format!("Standard object's metadata. More info: {CONVENTIONS}#metadata").into(),
        }
    }

    /// Says what a definition need not say.
    fn complete(&self, schema: &mut Value) {
        schema["properties"]["metadata"] = self.object_metadata();
        schema["properties"]["apiVersion"] = json!({"description": self.api_version, "type": "string"});
        schema["properties"]["kind"] = json!({"description": self.kind, "type": "string"});
    }

    fn object_metadata(&self) -> Value {
        json!({"description": self.metadata, "allOf": [{"$ref": OBJECT_META}]})
    }

    /// Completes the objects that stand inside of others, where `within` agrees.
    fn embed(&self, schema: &mut Value, within: fn(&Value) -> bool) {
        children(schema, &mut |child| self.embed(child, within));
        if !is_set(schema, EMBEDDED) || !within(schema) {
            return;
        }
        schema["properties"]["apiVersion"] = json!({
            "description": format!("apiVersion defines the versioned schema of this representation of an object. More info: {CONVENTIONS}#resources"),
            "type": "string",
        });
        schema["properties"]["kind"] = json!({
            "description": format!("kind is a string value representing the type of this object. In CamelCase. More info: {CONVENTIONS}#types-kinds"),
            "type": "string",
        });
        schema["properties"]["metadata"] = self.object_metadata();
        let mut required = schema["required"].as_array().cloned().unwrap_or_default();
        for key in ["kind", "apiVersion"] {
            if !required.iter().any(|known| known == key) {
                required.push(key.into());
            }
        }
        schema["required"] = required.into();
    }

    fn list(&self, resource: &Resource) -> Value {
        let item = format!("#/components/schemas/{}", name(resource, &resource.kind));
        json!({
            "type": "object", "required": ["items"],
            "description": format!("{} is a list of {}", resource.list_kind, resource.kind),
            "properties": {
                "apiVersion": {"description": self.api_version, "type": "string"},
                "kind": {"description": self.kind, "type": "string"},
                "metadata": {"description": self.list_metadata, "allOf": [{"$ref": LIST_META}]},
                "items": {
                    "type": "array", "items": {"$ref": item},
                    "description": format!("List of {}. More info: {CONVENTIONS}", resource.id.resource()),
                },
            },
        })
    }
}

fn is_set(schema: &Value, extension: &str) -> bool {
    schema[extension] == true
}

/// Visits the schemas directly below one.
fn children(schema: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(&mut *visit);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(child) = schema.get_mut(key).filter(|child| child.is_object()) {
            visit(child);
        }
    }
}

/// Spells out what an extension means: a number or a text.
fn unfold(schema: &mut Value) {
    children(schema, &mut unfold);
    let alternatives = json!([{"type": "integer"}, {"type": "string"}]);
    let says_so = schema["anyOf"] == alternatives
        || schema.pointer("/allOf/0/anyOf").is_some_and(|any_of| *any_of == alternatives);
    if !is_set(schema, INT_OR_STRING) || says_so {
        return;
    }
    if schema["anyOf"].is_null() {
        schema["anyOf"] = alternatives;
        return;
    }
    let mut all_of = vec![json!({"anyOf": alternatives})];
    all_of.extend(schema["allOf"].as_array().into_iter().flatten().cloned());
    schema["allOf"] = all_of.into();
}

/// Leaves out what OpenAPI v2, or kubectl reading it, does not understand.
fn simplify(schema: &mut Value) {
    let nullable = |child: &Value| child["nullable"] == true;
    let without_value = nullable(&schema["additionalProperties"]);
    let optional: Vec<String> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, child)| nullable(child))
        .map(|(name, _)| name.clone())
        .collect();
    let itself_nullable = nullable(schema);
    let preserves = is_set(schema, PRESERVE);
    let Some(members) = schema.as_object_mut() else { return };
    for key in ["allOf", "anyOf", "oneOf", "not"] {
        members.remove(key);
    }
    if itself_nullable {
        members.remove("type");
        members.remove("nullable");
    }
    if itself_nullable || preserves {
        members.remove("items");
        members.remove("properties");
    }
    let untyped = match members.get("type").and_then(Value::as_str) {
        Some("array") => !members.contains_key("items"),
        Some("object") => preserves,
        _ => false,
    };
    if untyped {
        members.remove("type");
    }
    if without_value {
        members.remove("required");
    } else if members.contains_key("properties")
        && let Some(required) = members.get_mut("required").and_then(Value::as_array_mut)
    {
        required.retain(|name| !optional.iter().any(|optional| name == optional.as_str()));
        if required.is_empty() {
            members.remove("required");
        }
    }
    children(schema, &mut simplify);
}
