//! What makes a schema structural (apiextensions-apiserver/pkg/apiserver/schema/{validation,complete}.go): every value
//! has a type that stands outside of `allOf`, `anyOf`, `oneOf` and `not`, and these only restrict.

use super::keywords::Keywords;
use crate::field_error::{FieldError, FieldPath};
use crate::schema::pattern;
use serde_json::Value;

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Field,
}

/// Checks a whole schema. Only meaningful for one without keywords that no schema may have.
pub(super) fn validate(schema: Keywords<'_>, path: FieldPath<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    invariants(schema, Level::Root, path, &mut errors);
    completeness(schema, Some(schema), path, path, &mut errors);
    errors.sort_by_cached_key(ToString::to_string);
    errors
}

fn invariants(schema: Keywords<'_>, level: Level, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    let type_ = schema.type_();
    let is_embedded = schema.flag("x-kubernetes-embedded-resource");
    let preserves = schema.flag("x-kubernetes-preserve-unknown-fields");
    let is_int_or_string = schema.flag("x-kubernetes-int-or-string");
    match schema.schema("items") {
        Some(items) => invariants(items, Level::Item, path.child("items"), errors),
        None if type_ == "array" => {
            errors.push(FieldError::required(path.child("items"), "must be specified"))
        }
        None => {}
    }
    let properties = path.child("properties");
    for (name, property) in schema.schemas_by_name("properties") {
        invariants(property, Level::Field, properties.key(name), errors);
    }
    let additional = path.child("additionalProperties");
    if schema.get("additionalProperties").is_some() {
        if level == Level::Root {
            errors.push(FieldError::forbidden(additional, "must not be used at the root"));
        }
        if is_embedded {
            let detail = "must not be used if x-kubernetes-embedded-resource is set";
            errors.push(FieldError::forbidden(additional, detail));
        }
    }
    if let Some(schema) = schema.schema("additionalProperties") {
        invariants(schema, Level::Field, additional, errors);
    }
    for (keyword, is_set) in
        [("x-kubernetes-preserve-unknown-fields", preserves), ("x-kubernetes-embedded-resource", is_embedded)]
    {
        if is_int_or_string && is_set {
            let detail = "must be false if x-kubernetes-int-or-string is true";
            errors.push(FieldError::invalid(path.child(keyword), true, detail));
        }
    }
    restrictions(schema, path, errors);

    if is_embedded && type_ != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(match type_ {
            "" => FieldError::required(path.child("type"), detail),
            _ => FieldError::invalid(path.child("type"), type_, detail),
        });
    } else if type_.is_empty() && !is_int_or_string && !preserves {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(FieldError::required(path.child("type"), detail));
    }
    if level == Level::Root && !matches!(type_, "" | "object") {
        errors.push(FieldError::invalid(path.child("type"), type_, "must be object at the root"));
    }
    if is_embedded && !preserves && !schema.has_properties() {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without \
                      x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(path.child("properties"), detail));
    }
    if level == Level::Root || is_embedded {
        meta_fields(schema, level, properties, errors);
    }
}

fn meta_fields(schema: Keywords<'_>, level: Level, properties: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    for name in ["kind", "apiVersion"] {
        if let Some(property) = schema.property(name).filter(|property| property.type_() != "string") {
            let path = properties.key(name);
            errors.push(FieldError::invalid(path.child("type"), property.type_(), "must be string"));
        }
    }
    let Some(metadata) = schema.property("metadata") else { return };
    let path = properties.key("metadata");
    if metadata.type_() != "object" {
        errors.push(FieldError::invalid(path.child("type"), metadata.type_(), "must be object"));
    }
    if level == Level::Root {
        let names =
            metadata.schemas_by_name("properties").all(|(name, _)| name == "name" || name == "generateName");
        let others = metadata.0.as_object().into_iter().flatten().any(|(keyword, value)| {
            let allowed = ["type", "default", "properties"];
            !allowed.contains(&keyword.as_str()) && !value.is_null() && value != &Value::Bool(false)
        });
        if !names || others {
            let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
            errors.push(FieldError::forbidden(path, detail));
        }
    }
}

/// Checks the keywords that only restrict, of a structural schema or of one inside of `allOf` and its like.
fn restrictions(schema: Keywords<'_>, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    // An int-or-string may name its two types, directly or first in an allOf.
    if !schema.is_int_or_string_any_of() {
        let any_of = path.child("anyOf");
        for (index, alternative) in schema.schemas("anyOf").enumerate() {
            nested(alternative, any_of.index(index), errors);
        }
    }
    for keyword in ["allOf", "oneOf"] {
        let junctor = path.child(keyword);
        for (index, alternative) in schema.schemas(keyword).enumerate() {
            nested(alternative, junctor.index(index), errors);
        }
    }
    if let Some(not) = schema.schema("not") {
        nested(not, path.child("not"), errors);
    }
    if let Some(source) = schema.text("pattern").filter(|source| !source.is_empty())
        && let Some(error) = pattern::syntax_error(source)
    {
        let detail = format!("must be a valid regular expression, but isn't: {error}");
        errors.push(FieldError::invalid(path.child("pattern"), source, detail));
    }
}

/// Checks a schema inside of `allOf`, `anyOf`, `oneOf` or `not`: it may restrict, not define.
fn nested(schema: Keywords<'_>, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    restrictions(schema, path, errors);
    if let Some(items) = schema.schema("items") {
        nested(items, path.child("items"), errors);
    }
    let properties = path.child("properties");
    for (name, property) in schema.schemas_by_name("properties") {
        nested(property, properties.key(name), errors);
        if name == "metadata" {
            errors.push(FieldError::forbidden(
                properties.key(name),
                "must not be specified in a nested context",
            ));
        }
    }
    for (keyword, must) in [
        ("type", "empty"),
        ("additionalProperties", "undefined"),
        ("default", "undefined"),
        ("title", "empty"),
        ("description", "empty"),
        ("nullable", "false"),
        ("x-kubernetes-preserve-unknown-fields", "false"),
        ("x-kubernetes-embedded-resource", "false"),
        ("x-kubernetes-int-or-string", "false"),
        ("x-kubernetes-list-map-keys", "empty"),
        ("x-kubernetes-list-type", "undefined"),
        ("x-kubernetes-map-type", "undefined"),
        ("x-kubernetes-validations", "empty"),
    ] {
        let is_unset = |value: &Value| match value {
            Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if schema.get(keyword).is_some_and(|value| keyword == "default" || !is_unset(value)) {
            errors
                .push(FieldError::forbidden(path.child(keyword), format!("must be {must} to be structural")));
        }
    }
}

/// Checks that what `allOf` and its like restrict is defined outside of them.
fn completeness(
    restricting: Keywords<'_>,
    defining: Option<Keywords<'_>>,
    path: FieldPath<'_>,
    restricting_path: FieldPath<'_>,
    errors: &mut Vec<FieldError>,
) {
    if let Some(not) = restricting.schema("not") {
        nested_completeness(not, defining, path, restricting_path.child("not"), errors);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let junctor = restricting_path.child(keyword);
        for (index, alternative) in restricting.schemas(keyword).enumerate() {
            nested_completeness(alternative, defining, path, junctor.index(index), errors);
        }
    }
}

fn nested_completeness(
    restricting: Keywords<'_>,
    defining: Option<Keywords<'_>>,
    path: FieldPath<'_>,
    restricting_path: FieldPath<'_>,
    errors: &mut Vec<FieldError>,
) {
    let Some(schema) = defining else {
        errors.push(FieldError::required(path, format!("because it is defined in {restricting_path}")));
        return;
    };
    completeness(restricting, defining, path, restricting_path, errors);
    if let Some(items) = restricting.schema("items") {
        let (path, restricting_path) = (path.child("items"), restricting_path.child("items"));
        nested_completeness(items, schema.schema("items"), path, restricting_path, errors);
    }
    let (properties, restricting_properties) =
        (path.child("properties"), restricting_path.child("properties"));
    for (name, property) in restricting.schemas_by_name("properties") {
        let (path, restricting_path) = (properties.key(name), restricting_properties.key(name));
        nested_completeness(property, schema.property(name), path, restricting_path, errors);
    }
}
