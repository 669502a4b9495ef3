//! Dropping fields that no schema knows (apiextensions-apiserver/pkg/apiserver/schema/pruning).

use super::Schema;
use crate::field_error::FieldPath;
use crate::unknown_fields::UnknownFields;
use serde_json::Value;

/// What the value to prune is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PruneOptions {
    /// A whole object: `apiVersion`, `kind` and `metadata` stay untouched, whatever the schema says.
    Resource,
    /// Something inside of an object, such as a default.
    Value,
}

/// Removes every field that the schema does not specify and answers the sorted paths of what was removed, the first
/// few megabytes of them.
///
/// Guarantees: pruning twice is pruning once; values are never changed otherwise; below
/// `x-kubernetes-preserve-unknown-fields` everything stays except inside of what is declared there.
pub fn prune(schema: &Schema, value: &mut Value, root: PruneOptions) -> Vec<String> {
    let mut dropped = UnknownFields::default();
    let is_resource = schema.embedded_resource || root == PruneOptions::Resource;
    prune_value(Some(schema), is_resource, value, FieldPath::root(""), &mut dropped);
    let mut dropped = dropped.into_paths();
    dropped.sort_unstable();
    dropped
}

fn prune_value(
    schema: Option<&Schema>,
    is_resource: bool,
    value: &mut Value,
    path: FieldPath<'_>,
    dropped: &mut UnknownFields,
) {
    match value {
        Value::Object(fields) => {
            let preserves = schema.is_some_and(|schema| schema.preserve_unknown_fields);
            fields.retain(|key, value| {
                if is_resource && is_meta_field(key) {
                    return true;
                }
                match schema.and_then(|schema| schema.field(key)) {
                    Some(schema) => {
                        prune_value(Some(schema), schema.embedded_resource, value, path.child(key), dropped);
                        true
                    }
                    None if preserves => true,
                    None => {
                        dropped.note(|| path.child(key).into());
                        false
                    }
                }
            });
        }
        Value::Array(items) => {
            let item_schema = schema.and_then(|schema| schema.items.as_deref());
            // Below preserved fields a list without `items` is preserved as well.
            if item_schema.is_none() && schema.is_some_and(|schema| schema.preserve_unknown_fields) {
                return;
            }
            let is_resource = item_schema.is_some_and(|schema| schema.embedded_resource);
            for (index, item) in items.iter_mut().enumerate() {
                prune_value(item_schema, is_resource, item, path.index(index), dropped);
            }
        }
        _ => {}
    }
}

/// The fields that every object has.
pub(super) fn is_meta_field(key: &str) -> bool {
    matches!(key, "apiVersion" | "kind" | "metadata")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(schema: Value, mut value: Value, pruned: Value, dropped: &[&str]) {
        let schema = Schema::from_json(&schema).unwrap();
        assert_eq!(prune(&schema, &mut value, PruneOptions::Resource), dropped);
        assert_eq!(value, pruned);
        assert!(prune(&schema, &mut value, PruneOptions::Resource).is_empty());
    }

    #[test]
    fn unknown_fields_go_at_every_level() {
        check(
            json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
                "a": {"type": "string"},
                "l": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}},
                "m": {"type": "object", "additionalProperties": {"type": "object", "properties": {"y": {"type": "string"}}}},
                "o": {"type": "object"},
                "t": {"type": "object", "additionalProperties": true},
            }}}}),
            json!({"kind": "K", "metadata": {"zz": 1}, "extra": 1, "spec": {
                "a": "1", "b": 2, "l": [{"x": "1", "z": 1}], "m": {"k": {"y": "1", "z": 1}}, "o": {"a": 1}, "t": {"a": 1, "b": {"c": 1}}}}),
            json!({"kind": "K", "metadata": {"zz": 1}, "spec": {
                "a": "1", "l": [{"x": "1"}], "m": {"k": {"y": "1"}}, "o": {}, "t": {"a": 1, "b": {}}}}),
            &["extra", "spec.b", "spec.l[0].z", "spec.m.k.z", "spec.o.a", "spec.t.b.c"],
        );
    }

    #[test]
    fn preserved_fields_stay_but_declared_ones_are_pruned() {
        check(
            json!({"type": "object", "properties": {"o": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": {"d": {"type": "object", "properties": {"k": {"type": "string"}}}}}}}),
            json!({"o": {"a": {"b": [1, {"c": null}]}, "d": {"k": "1", "z": 2}}}),
            json!({"o": {"a": {"b": [1, {"c": null}]}, "d": {"k": "1"}}}),
            &["o.d.z"],
        );
    }

    #[test]
    fn embedded_resources_keep_their_meta_fields() {
        check(
            json!({"type": "object", "properties": {"e": {"type": "object", "x-kubernetes-embedded-resource": true,
                "properties": {"spec": {"type": "object"}}}}}),
            json!({"e": {"apiVersion": "v1", "kind": "K", "metadata": {"name": "x"}, "spec": {}, "other": 1}}),
            json!({"e": {"apiVersion": "v1", "kind": "K", "metadata": {"name": "x"}, "spec": {}}}),
            &["e.other"],
        );
    }
}
