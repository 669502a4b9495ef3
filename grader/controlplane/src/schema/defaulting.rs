//! Filling in defaults (apiextensions-apiserver/pkg/apiserver/schema/defaulting).

use super::Schema;
use serde_json::Value;

/// Fills in the defaults of missing fields, everywhere that a parent exists.
///
/// Null is no value where the schema is not nullable: there it is replaced by the default, or, in an object, removed
/// when there is none. Null in a list without a default for its items stays, for validation to report.
///
/// Guarantees: defaulting twice is defaulting once. Also used on read, so that old objects show new defaults.
pub fn apply_defaults(schema: &Schema, value: &mut Value) {
    drop_nulls(Some(schema), value);
    fill_defaults(schema, value);
}

/// Fills in defaults as [`apply_defaults`] does, and keeps null where there is no default: what an apply leaves
/// empty is null, and validation refuses that.
pub fn fill_defaults(schema: &Schema, value: &mut Value) {
    if schema.has_defaults {
        fill(schema, value);
    }
}

/// Removes nulls that are neither allowed nor replaced by a default.
fn drop_nulls(schema: Option<&Schema>, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let Some(schema) = schema else { return };
            fields.retain(|key, value| {
                let schema = schema.field(key).map(|schema| &**schema);
                if value.is_null()
                    && schema.is_some_and(|schema| !schema.nullable && schema.default.is_none())
                {
                    return false;
                }
                drop_nulls(schema, value);
                true
            });
        }
        Value::Array(items) => {
            if let Some(schema) = schema.and_then(|schema| schema.items.as_deref()) {
                items.iter_mut().for_each(|item| drop_nulls(Some(schema), item));
            }
        }
        _ => {}
    }
}

fn fill(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, schema) in &schema.properties {
                if let Some(default) = &schema.default {
                    match fields.get_mut(name) {
                        None => {
                            fields.insert(name.clone(), default.clone());
                        }
                        Some(value) => replace_null(schema, value),
                    }
                }
            }
            for (key, value) in fields.iter_mut() {
                if let Some(schema) = schema.field(key) {
                    replace_null(schema, value);
                    fill(schema, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = &schema.items {
                for item in items {
                    replace_null(schema, item);
                    fill(schema, item);
                }
            }
        }
        _ => {}
    }
}

fn replace_null(schema: &Schema, value: &mut Value) {
    if let (true, false, Some(default)) = (value.is_null(), schema.nullable, &schema.default) {
        *value = default.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(schema: Value, mut value: Value, defaulted: Value) {
        let schema = Schema::from_json(&schema).unwrap();
        for _ in 0..2 {
            apply_defaults(&schema, &mut value);
            assert_eq!(value, defaulted);
        }
    }

    #[test]
    fn a_default_needs_its_parent() {
        let schema = json!({"type": "object", "properties": {
            "closed": {"type": "object", "properties": {"a": {"type": "integer", "default": 1}}},
            "open": {"type": "object", "default": {}, "properties": {"a": {"type": "integer", "default": 1}}},
            "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer", "default": 1}}}},
            "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"a": {"type": "integer", "default": 1}}}},
        }});
        check(schema.clone(), json!({}), json!({"open": {"a": 1}}));
        check(
            schema,
            json!({"closed": {}, "open": {"a": 2}, "list": [{}, {"a": 3}], "map": {"k": {}}}),
            json!({"closed": {"a": 1}, "open": {"a": 2}, "list": [{"a": 1}, {"a": 3}], "map": {"k": {"a": 1}}}),
        );
    }

    #[test]
    fn null_is_replaced_removed_or_kept() {
        check(
            json!({"type": "object", "properties": {
                "replaced": {"type": "integer", "default": 1},
                "kept": {"type": "integer", "default": 1, "nullable": true},
                "removed": {"type": "integer"},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
                "list": {"type": "array", "items": {"type": "string"}},
                "defaults": {"type": "array", "items": {"type": "string", "default": "x"}},
                "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            }}),
            json!({"replaced": null, "kept": null, "removed": null, "map": {"k": null}, "list": [null], "defaults": [null], "any": {"x": null}}),
            json!({"replaced": 1, "kept": null, "map": {}, "list": [null], "defaults": ["x"], "any": {"x": null}}),
        );
    }
}
