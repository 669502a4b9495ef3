//! From OpenAPI v3 JSON (`JSONSchemaProps`) to [`Schema`].

use super::cel::Rule;
use super::pattern::Pattern;
use super::validation::{Format, ValueValidation};
use super::{ListType, Schema, StrategicMerge, Type};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Finds the schema that a `$ref` names.
pub type Resolver<'a> = &'a mut dyn FnMut(&str) -> Arc<Schema>;

impl Schema {
    /// Parses a `JSONSchemaProps`. Keywords that say nothing about values (description, title, example, ...) are left out.
    ///
    /// # Errors
    /// A keyword of the wrong JSON type, an unknown type, a pattern that does not compile, or a `$ref`.
    pub fn from_json(json: &Value) -> Result<Schema, String> {
        let mut unresolved = None;
        let schema = Self::from_json_with(json, &mut |reference| {
            unresolved.get_or_insert_with(|| reference.to_owned());
            Arc::default()
        })?;
        match unresolved {
            Some(reference) => Err(format!("failed to resolve $ref {reference:?}")),
            None => Ok(schema),
        }
    }

    /// As [`Schema::from_json`], with `$ref`s found by `resolve`. Where a `$ref`, alone or in an `allOf` of one, stands
    /// beside other keywords, these are laid over the schema it names.
    ///
    /// # Errors
    /// As [`Schema::from_json`], but for `$ref`.
    pub fn from_json_with(json: &Value, resolve: Resolver<'_>) -> Result<Schema, String> {
        parse(json, resolve).map(Arc::unwrap_or_clone)
    }
}

fn parse(json: &Value, resolve: Resolver<'_>) -> Result<Arc<Schema>, String> {
    let keywords = json.as_object().ok_or_else(|| format!("a schema must be an object, not {json}"))?;
    if let Some(reference) = reference(keywords) {
        return Ok(overlaid(resolve(reference), keywords));
    }
    let format: Option<String> = text(keywords, "format")?;
    let mut schema = Schema {
        type_: type_(keywords)?,
        nullable: flag(keywords, "nullable")?,
        default: keywords.get("default").filter(|default| !default.is_null()).cloned(),
        properties: schemas_by_name(keywords, "properties", resolve)?,
        items: child(keywords, "items", resolve)?,
        preserve_unknown_fields: flag(keywords, "x-kubernetes-preserve-unknown-fields")?,
        embedded_resource: flag(keywords, "x-kubernetes-embedded-resource")?,
        int_or_string: flag(keywords, "x-kubernetes-int-or-string")?
            || format.as_deref() == Some("int-or-string"),
        list_type: list_type(keywords)?,
        atomic_map: text(keywords, "x-kubernetes-map-type")?.as_deref() == Some("atomic"),
        strategic_merge: strategic_merge(keywords)?,
        required: texts(keywords, "required")?,
        rules: rules(keywords)?,
        ..Schema::default()
    };
    match keywords.get("additionalProperties") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(allowed)) => {
            // Kubernetes has no schema for what may be anything: its own fields are pruned, but null stays null.
            schema.additional_properties = Some(Arc::new(Schema { nullable: true, ..Schema::default() }));
            schema.forbids_additional_properties = !allowed;
        }
        Some(json) => schema.additional_properties = Some(parse(json, resolve)?),
    }
    schema.validation = validation(keywords, &schema, format.as_deref(), resolve)?;
    schema.format = format;
    schema.summarize();
    Ok(Arc::new(schema))
}

/// The `$ref` of a schema, also in the form `allOf: [{$ref}]` that OpenAPI v3 needs for a `$ref` with siblings.
fn reference(keywords: &Map<String, Value>) -> Option<&str> {
    let direct = |keywords: &'_ Map<String, Value>| keywords.contains_key("$ref");
    if direct(keywords) {
        return keywords["$ref"].as_str();
    }
    match keywords.get("allOf")?.as_array()?.as_slice() {
        [Value::Object(only)] if direct(only) => only["$ref"].as_str(),
        _ => None,
    }
}

/// The referenced schema with what stands beside the `$ref`: OpenAPI documents put defaults, list types and merge
/// keys of a field there.
fn overlaid(referenced: Arc<Schema>, keywords: &Map<String, Value>) -> Arc<Schema> {
    let default = keywords.get("default").filter(|default| !default.is_null());
    let nullable = keywords.get("nullable") == Some(&Value::Bool(true));
    let atomic = keywords.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic");
    let strategic_merge = strategic_merge(keywords).unwrap_or_default();
    if default.is_none() && !nullable && !atomic && strategic_merge == StrategicMerge::default() {
        return referenced;
    }
    let mut schema = Arc::unwrap_or_clone(referenced);
    schema.default = default.cloned().or(schema.default);
    schema.nullable |= nullable;
    schema.atomic_map |= atomic;
    if strategic_merge != StrategicMerge::default() {
        schema.strategic_merge = strategic_merge;
    }
    Arc::new(schema)
}

fn type_(keywords: &Map<String, Value>) -> Result<Option<Type>, String> {
    Ok(match text(keywords, "type")?.as_deref() {
        None | Some("") => None,
        Some(name) => Some(Type::from_name(name).ok_or_else(|| format!("unknown type {name:?}"))?),
    })
}

fn list_type(keywords: &Map<String, Value>) -> Result<Option<ListType>, String> {
    Ok(match text(keywords, "x-kubernetes-list-type")?.as_deref() {
        None => None,
        Some("atomic") => Some(ListType::Atomic),
        Some("set") => Some(ListType::Set),
        Some("map") => Some(ListType::Map(texts(keywords, "x-kubernetes-list-map-keys")?)),
        Some(other) => return Err(format!("unknown x-kubernetes-list-type {other:?}")),
    })
}

fn strategic_merge(keywords: &Map<String, Value>) -> Result<StrategicMerge, String> {
    let strategies = text(keywords, "x-kubernetes-patch-strategy")?.unwrap_or_default();
    Ok(StrategicMerge {
        merge: strategies.split(',').any(|strategy| strategy == "merge"),
        retain_keys: strategies.split(',').any(|strategy| strategy == "retainKeys"),
        merge_key: text(keywords, "x-kubernetes-patch-merge-key")?,
    })
}

fn validation(
    keywords: &Map<String, Value>,
    schema: &Schema,
    format: Option<&str>,
    resolve: Resolver<'_>,
) -> Result<ValueValidation, String> {
    Ok(ValueValidation {
        format: format
            .and_then(|name| Format::from_name(name, schema.type_.filter(|_| !schema.int_or_string))),
        maximum: number(keywords, "maximum")?,
        exclusive_maximum: flag(keywords, "exclusiveMaximum")?,
        minimum: number(keywords, "minimum")?,
        exclusive_minimum: flag(keywords, "exclusiveMinimum")?,
        multiple_of: number(keywords, "multipleOf")?,
        max_length: integer(keywords, "maxLength")?,
        min_length: integer(keywords, "minLength")?,
        pattern: match text(keywords, "pattern")?.filter(|pattern| !pattern.is_empty()) {
            Some(source) => Some(Pattern::new(&source)?),
            None => None,
        },
        max_items: integer(keywords, "maxItems")?,
        min_items: integer(keywords, "minItems")?,
        unique_items: flag(keywords, "uniqueItems")?,
        max_properties: integer(keywords, "maxProperties")?,
        min_properties: integer(keywords, "minProperties")?,
        enum_: list(keywords, "enum")?.to_vec(),
        all_of: schemas(keywords, "allOf", resolve)?,
        any_of: schemas(keywords, "anyOf", resolve)?,
        one_of: schemas(keywords, "oneOf", resolve)?,
        not: child(keywords, "not", resolve)?,
    })
}

fn rules(keywords: &Map<String, Value>) -> Result<Vec<Rule>, String> {
    list(keywords, "x-kubernetes-validations")?.iter().map(Rule::from_json).collect()
}

fn child(
    keywords: &Map<String, Value>,
    keyword: &str,
    resolve: Resolver<'_>,
) -> Result<Option<Arc<Schema>>, String> {
    match present(keywords, keyword) {
        Some(json) => Ok(Some(parse(json, resolve)?)),
        None => Ok(None),
    }
}

fn schemas(
    keywords: &Map<String, Value>,
    keyword: &str,
    resolve: Resolver<'_>,
) -> Result<Vec<Arc<Schema>>, String> {
    list(keywords, keyword)?.iter().map(|json| parse(json, resolve)).collect()
}

fn schemas_by_name(
    keywords: &Map<String, Value>,
    keyword: &str,
    resolve: Resolver<'_>,
) -> Result<BTreeMap<String, Arc<Schema>>, String> {
    let Some(json) = present(keywords, keyword) else { return Ok(BTreeMap::new()) };
    let properties = json.as_object().ok_or_else(|| wrong(keyword, "an object", json))?;
    properties.iter().map(|(name, json)| Ok((name.clone(), parse(json, resolve)?))).collect()
}

/// A keyword's value; null counts as absent, as everywhere in Kubernetes.
fn present<'a>(keywords: &'a Map<String, Value>, keyword: &str) -> Option<&'a Value> {
    keywords.get(keyword).filter(|value| !value.is_null())
}

fn flag(keywords: &Map<String, Value>, keyword: &str) -> Result<bool, String> {
    match present(keywords, keyword) {
        None => Ok(false),
        Some(json) => json.as_bool().ok_or_else(|| wrong(keyword, "a boolean", json)),
    }
}

fn number(keywords: &Map<String, Value>, keyword: &str) -> Result<Option<f64>, String> {
    match present(keywords, keyword) {
        None => Ok(None),
        Some(json) => json.as_f64().map(Some).ok_or_else(|| wrong(keyword, "a number", json)),
    }
}

fn integer(keywords: &Map<String, Value>, keyword: &str) -> Result<Option<i64>, String> {
    match present(keywords, keyword) {
        None => Ok(None),
        Some(json) => json.as_i64().map(Some).ok_or_else(|| wrong(keyword, "an integer", json)),
    }
}

fn text(keywords: &Map<String, Value>, keyword: &str) -> Result<Option<String>, String> {
    match present(keywords, keyword) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(json) => Err(wrong(keyword, "a string", json)),
    }
}

fn texts(keywords: &Map<String, Value>, keyword: &str) -> Result<Vec<String>, String> {
    let item = |json: &Value| {
        json.as_str().map(str::to_owned).ok_or_else(|| wrong(keyword, "a list of strings", json))
    };
    list(keywords, keyword)?.iter().map(item).collect()
}

fn list<'a>(keywords: &'a Map<String, Value>, keyword: &str) -> Result<&'a [Value], String> {
    match present(keywords, keyword) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(json) => Err(wrong(keyword, "a list", json)),
    }
}

fn wrong(keyword: &str, expected: &str, json: &Value) -> String {
    format!("{keyword} must be {expected}, not {json}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keywords_arrive_in_their_fields() {
        let schema = Schema::from_json(&json!({
            "type": "object",
            "required": ["a"],
            "x-kubernetes-map-type": "atomic",
            "properties": {
                "a": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                      "x-kubernetes-patch-strategy": "merge,retainKeys", "x-kubernetes-patch-merge-key": "k",
                      "items": {"type": "object", "properties": {"k": {"type": "string", "default": "x", "pattern": "^x"}}}},
                "b": {"x-kubernetes-int-or-string": true, "default": null},
                "c": {"type": "object", "additionalProperties": {"type": "integer", "format": "int32", "nullable": true}},
            },
        }))
        .unwrap();
        assert_eq!((schema.type_, schema.required.as_slice()), (Some(Type::Object), &["a".to_owned()][..]));
        assert!(schema.atomic_map);
        let a = &schema.properties["a"];
        assert_eq!(a.list_type, Some(ListType::Map(vec!["k".into()])));
        let merge = StrategicMerge { merge: true, retain_keys: true, merge_key: Some("k".into()) };
        assert_eq!(a.strategic_merge, merge);
        assert_eq!(a.items.as_ref().unwrap().properties["k"].default, Some(json!("x")));
        let b = &schema.properties["b"];
        assert!(b.int_or_string && b.type_.is_none() && b.default.is_none());
        assert!(schema.properties["c"].additional_properties.as_ref().unwrap().nullable);
    }

    #[test]
    fn references_are_resolved_and_overlaid() {
        let named = Arc::new(Schema { type_: Some(Type::Object), ..Schema::default() });
        let mut resolve = |name: &str| {
            assert_eq!(name, "#/components/schemas/X");
            named.clone()
        };
        let json = json!({"properties": {
            "plain": {"$ref": "#/components/schemas/X"},
            "beside": {"allOf": [{"$ref": "#/components/schemas/X"}], "default": {}},
        }});
        let schema = Schema::from_json_with(&json, &mut resolve).unwrap();
        assert!(Arc::ptr_eq(&schema.properties["plain"], &named));
        assert_eq!(schema.properties["beside"].type_, Some(Type::Object));
        assert_eq!(schema.properties["beside"].default, Some(json!({})));
    }

    #[test]
    fn malformed_schemas_are_errors() {
        for json in [
            json!([]),
            json!({"type": "float"}),
            json!({"type": 5}),
            json!({"pattern": "("}),
            json!({"$ref": "#/x"}),
            json!({"properties": {"a": true}}),
            json!({"required": [1]}),
            json!({"x-kubernetes-list-type": "bag"}),
        ] {
            assert!(Schema::from_json(&json).is_err(), "{json}");
        }
    }
}
