use super::*;
use proptest::prelude::*;
use serde_json::json;

/// The texts of all errors of a create.
fn errors(schema: Value, value: Value) -> Vec<String> {
    let schema = Schema::from_json(&schema).unwrap();
    validate(&schema, &value, None).iter().map(FieldError::to_string).collect()
}

/// The texts of the errors that a field with this schema has with this value.
fn field_errors(field_schema: Value, value: Value) -> Vec<String> {
    errors(
        json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"f": field_schema}}}}),
        json!({"spec": {"f": value}}),
    )
}

#[test]
fn values_within_their_schema_pass() {
    let table = [
        (json!({"type": "string"}), json!("x")),
        (json!({"type": "integer"}), json!(1.0)),
        (json!({"type": "number"}), json!(1)),
        (json!({"type": "string", "nullable": true}), Value::Null),
        (json!({"x-kubernetes-int-or-string": true}), json!(80)),
        (json!({"x-kubernetes-int-or-string": true}), json!("http")),
        (json!({"x-kubernetes-preserve-unknown-fields": true}), json!([1])),
        (json!({"type": "string", "minLength": 3, "maxLength": 3}), json!("äöü")),
        (json!({"type": "string", "pattern": "b"}), json!("abc")),
        (json!({"type": "string", "format": "frobnicate"}), json!("anything")),
        (json!({"type": "integer", "format": "int64"}), json!(i64::MAX)),
        (json!({"type": "integer", "enum": [1, 2]}), json!(2)),
        (json!({"type": "integer", "minimum": 5, "maximum": 5, "multipleOf": 5}), json!(5)),
        (json!({"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}), json!({"b": 1})),
        (json!({"type": "object", "not": {"required": ["a"]}}), json!({})),
    ];
    for (schema, value) in table {
        assert_eq!(field_errors(schema.clone(), value.clone()), Vec::<String>::new(), "{schema} {value}");
    }
}

#[test]
fn errors_have_the_texts_of_kubernetes() {
    let table = [
        (
            json!({"type": "string"}),
            json!(1),
            r#"spec.f: Invalid value: "integer": spec.f in body must be of type string: "integer""#,
        ),
        (
            json!({"type": "object"}),
            json!([]),
            r#"spec.f: Invalid value: "array": spec.f in body must be of type object: "array""#,
        ),
        (
            json!({"type": "string"}),
            Value::Null,
            r#"spec.f: Invalid value: "null": spec.f in body must be of type string: "null""#,
        ),
        (
            json!({"x-kubernetes-int-or-string": true}),
            json!(1.5),
            r#"spec.f: Invalid value: "number": spec.f in body must be of type integer,string: "number""#,
        ),
        (
            json!({"type": "integer", "format": "int32"}),
            json!(1_i64 << 31),
            r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.f"#,
        ),
        (
            json!({"type": "string", "enum": ["A", "B"]}),
            json!("C"),
            r#"spec.f: Unsupported value: "C": supported values: "A", "B""#,
        ),
        (
            json!({"type": "integer", "enum": [1, 2]}),
            json!(3),
            r#"spec.f: Unsupported value: 3: supported values: "1", "2""#,
        ),
        (
            json!({"type": "string", "pattern": "^[a-z]+$"}),
            json!("ABC"),
            "spec.f: Invalid value: \"ABC\": spec.f in body should match '^[a-z]+$'",
        ),
        (
            json!({"type": "string", "minLength": 2}),
            json!("a"),
            r#"spec.f: Invalid value: "a": spec.f in body should be at least 2 chars long"#,
        ),
        (
            json!({"type": "string", "maxLength": 3}),
            json!("abcd"),
            "spec.f: Too long: may not be more than 3 bytes",
        ),
        (
            json!({"type": "integer", "multipleOf": 3}),
            json!(4),
            "spec.f: Invalid value: 4: spec.f in body should be a multiple of 3",
        ),
        (
            json!({"type": "integer", "minimum": 5}),
            json!(1),
            "spec.f: Invalid value: 1: spec.f in body should be greater than or equal to 5",
        ),
        (
            json!({"type": "number", "maximum": 1.5, "exclusiveMaximum": true}),
            json!(1.5),
            "spec.f: Invalid value: 1.5: spec.f in body should be less than 1.5",
        ),
        (
            json!({"type": "array", "minItems": 1}),
            json!([]),
            "spec.f: Invalid value: 0: spec.f in body should have at least 1 items",
        ),
        (
            json!({"type": "array", "maxItems": 2}),
            json!([1, 2, 3]),
            "spec.f: Too many: 3: must have at most 2 items",
        ),
        (
            json!({"type": "object", "maxProperties": 0}),
            json!({"a": 1}),
            "spec.f: Too many: 1: must have at most 0 items",
        ),
        (
            json!({"type": "string", "format": "date"}),
            json!("2020-13-01"),
            r#"spec.f: Invalid value: "2020-13-01": spec.f in body must be of type date: "2020-13-01""#,
        ),
        (json!({"type": "object", "required": ["r"]}), json!({}), "spec.f.r: Required value"),
        (
            json!({"type": "object", "not": {"required": ["a"]}}),
            json!({"a": 1}),
            r#"<nil>: Invalid value: "": "spec.f" must not validate the schema (not)"#,
        ),
        (
            json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}),
            json!(["a", "b", "a", "a"]),
            r#"spec.f[2]: Duplicate value: "a""#,
        ),
        (
            json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "p"], "items": {"type": "object"}}),
            json!([{"k": "a", "p": "TCP"}, {"k": "a", "p": "TCP", "v": 1}]),
            r#"spec.f[1]: Duplicate value: {"k":"a","p":"TCP"}"#,
        ),
        (
            json!({"type": "object", "x-kubernetes-embedded-resource": true}),
            json!({"kind": "Pod"}),
            "spec.f.apiVersion: Required value",
        ),
        (
            json!({"type": "object", "x-kubernetes-embedded-resource": true}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a/b"}}),
            r#"spec.f.metadata.name: Invalid value: "a/b": may not contain '/'"#,
        ),
    ];
    for (schema, value, text) in table {
        assert_eq!(field_errors(schema, value), [text]);
    }
}

#[test]
fn the_alternative_that_matched_most_explains_itself() {
    let one_of = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}]});
    assert_eq!(
        field_errors(one_of.clone(), json!({})),
        [
            r#"<nil>: Invalid value: "": "spec.f" must validate one and only one schema (oneOf). Found none valid"#,
            "spec.f.a: Required value"
        ]
    );
    assert_eq!(
        field_errors(one_of, json!({"a": "1", "b": "2"})),
        [
            r#"<nil>: Invalid value: "": "spec.f" must validate one and only one schema (oneOf). Found 2 valid alternatives"#
        ]
    );
}

#[test]
fn every_error_is_reported() {
    let schema = json!({"type": "object", "required": ["spec"], "properties": {"l": {"type": "array", "items":
        {"type": "object", "properties": {"k": {"type": "integer"}}}}}});
    assert_eq!(
        errors(schema, json!({"l": [{"k": 1}, {"k": "x"}, {"k": true}]})),
        [
            r#"l[1].k: Invalid value: "string": l[1].k in body must be of type integer: "string""#,
            r#"l[2].k: Invalid value: "boolean": l[2].k in body must be of type integer: "boolean""#,
            "spec: Required value"
        ]
    );
}

#[test]
fn what_an_update_does_not_touch_is_forgiven() {
    let schema = Schema::from_json(&json!({"type": "object", "properties": {"spec": {"type": "object", "required": ["r"], "properties": {
        "n": {"type": "integer", "minimum": 5},
        "l": {"type": "array", "items": {"type": "integer", "minimum": 5}},
        "m": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items":
            {"type": "object", "properties": {"k": {"type": "string"}, "n": {"type": "integer", "minimum": 5}}}},
        "s": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
    }}}}))
    .unwrap();
    let update = |old: Value, new: Value| -> Vec<String> {
        let (old, new) = (json!({"spec": old}), json!({"spec": new}));
        validate(&schema, &new, Some(&old)).iter().map(|error| error.field.clone()).collect()
    };
    let none = Vec::<String>::new();
    assert_eq!(update(json!({"n": 1}), json!({"n": 1})), none, "an unchanged object");
    assert_eq!(update(json!({"n": 1, "r": 1}), json!({"n": 1, "r": 2})), none, "an unchanged field");
    assert_eq!(update(json!({"n": 1, "r": 1}), json!({"n": 2, "r": 1})), ["spec.n"], "a changed field");
    assert_eq!(update(json!({"n": 7}), json!({"n": 8})), ["spec.r"], "a field that is newly required");
    let (old, new) = (
        json!({"r": 1, "m": [{"k": "a", "n": 1}, {"k": "b"}]}),
        json!({"r": 1, "m": [{"k": "b", "n": 1}, {"k": "a", "n": 1}]}),
    );
    assert_eq!(update(old, new), ["spec.m[0].n"], "items of a list map are told apart by their keys");
    assert_eq!(
        update(json!({"r": 1, "l": [1]}), json!({"r": 1, "l": [1, 7]})),
        ["spec.l[0]"],
        "items of other lists are not"
    );
    assert_eq!(
        update(json!({"r": 1, "s": ["a", "a"]}), json!({"r": 1, "s": ["a", "a", "a"]})),
        none,
        "a set that had duplicates"
    );
}

#[test]
fn status_paths_are_shown_below_status() {
    let schema = Schema::from_json(
        &json!({"type": "object", "properties": {"status": {"type": "object", "properties":
        {"replicas": {"type": "integer"}}}}}),
    )
    .unwrap();
    let errors = validate_status(&schema, &json!({"status": {"replicas": "x"}}), &json!({}));
    assert_eq!(
        errors[0].to_string(),
        r#"status.replicas: Invalid value: "string": replicas in body must be of type integer: "string""#
    );
}

/// Any JSON of a few levels, with keys that the schemas below use.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Schemas over the same keys, structural or not.
fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop::sample::select(vec![
        json!({"type": "string", "default": "x", "maxLength": 2, "pattern": "a"}),
        json!({"type": "string", "format": "date"}),
        json!({"type": "integer", "minimum": 1, "multipleOf": 0}),
        json!({"type": "number", "maximum": 1.5, "nullable": true, "multipleOf": 0.1}),
        json!({"x-kubernetes-int-or-string": true, "default": 1}),
        json!({"type": "boolean", "enum": [true]}),
        json!({"type": "object"}),
        json!({"x-kubernetes-preserve-unknown-fields": true}),
        json!({"type": "object", "x-kubernetes-embedded-resource": true}),
    ]);
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::btree_map("[a-d]", inner.clone(), 0..4)
                .prop_map(|map| json!({"type": "object", "properties": map, "required": ["a"]})),
            inner.clone().prop_map(|schema| json!({"type": "object", "additionalProperties": schema})),
            inner.clone().prop_map(|schema| json!({"type": "array", "items": schema, "maxItems": 2})),
            inner.clone().prop_map(|schema| json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"], "items": schema})),
            (inner.clone(), inner).prop_map(|(one, other)| json!({"anyOf": [one.clone(), other.clone()], "oneOf": [one.clone(), other.clone()], "allOf": [other], "not": one})),
        ]
    })
}

proptest! {
    #[test]
    fn no_value_upsets_any_schema(schema in any_schema(), old in any_json(), new in any_json()) {
        let schema = Schema::from_json(&schema).unwrap();
        let mut value = new;
        for options in [super::super::pruning::PruneOptions::Resource, super::super::pruning::PruneOptions::Value] {
            super::super::pruning::prune(&schema, &mut value, options);
            let once = value.clone();
            super::super::pruning::prune(&schema, &mut value, options);
            prop_assert_eq!(&once, &value, "pruning is idempotent");
        }
        super::super::defaulting::apply_defaults(&schema, &mut value);
        let once = value.clone();
        super::super::defaulting::apply_defaults(&schema, &mut value);
        prop_assert_eq!(&once, &value, "defaulting is idempotent");
        validate(&schema, &value, None);
        validate(&schema, &value, Some(&old));
        validate_status(&schema, &value, &old);
        let mut changed = old;
        super::super::defaulting::apply_defaults(&schema, &mut changed);
        validate(&schema, &changed, Some(&value));
    }
}
