use super::*;

/// A definition with this schema for `spec`, before defaulting.
fn crd(spec_schema: Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec_schema}}}}],
        },
    })
}

fn with_x(schema: Value) -> Value {
    crd(json!({"type": "object", "properties": {"x": schema}}))
}

/// The errors of creating a definition, without the path that all schemas share.
fn errors(mut crd: Value) -> Vec<String> {
    defaults(&mut crd);
    prepare_for_create(&mut crd);
    let shorten = |error: &FieldError| {
        error.to_string().replace("spec.validation.openAPIV3Schema.properties[spec].properties[x]", "x")
    };
    validate_create(&crd).iter().map(shorten).collect()
}

#[test]
fn a_new_definition_gets_defaults_and_a_status() {
    let mut crd = with_x(json!({"type": "string", "default": null}));
    crd["status"] = json!({"storedVersions": ["v9"]});
    defaults(&mut crd);
    prepare_for_create(&mut crd);
    assert_eq!(validate_create(&crd), []);
    assert_eq!(
        crd["spec"]["names"],
        json!({"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"})
    );
    assert_eq!(crd["spec"]["conversion"], json!({"strategy": "None"}));
    assert_eq!(
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["x"],
        json!({"type": "string"})
    );
    assert_eq!(
        crd["status"],
        json!({"acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": ["v1"]})
    );
}

#[test]
fn sound_schemas_are_accepted() {
    for schema in [
        json!({"type": "string", "x-kubernetes-int-or-string": true}),
        json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}),
        json!({"type": "object", "additionalProperties": false}),
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [{"properties": {"a": {"minLength": 1}}}]}),
        json!({"x-kubernetes-preserve-unknown-fields": true}),
        json!({"type": "object", "default": {}, "properties": {"a": {"type": "integer", "default": 1}}}),
        json!({"type": "array", "items": {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}}},
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}),
    ] {
        assert_eq!(errors(with_x(schema.clone())), Vec::<String>::new(), "{schema}");
    }
}

#[test]
fn unsound_schemas_are_refused_in_the_words_of_kubernetes() {
    let table = [
        (
            json!({"description": "no type"}),
            "x.type: Required value: must not be empty for specified object fields",
        ),
        (
            json!({"type": "float"}),
            r#"x.type: Unsupported value: "float": supported values: "array", "boolean", "integer", "number", "object", "string""#,
        ),
        (json!({"$ref": "#/foo"}), "x.$ref: Forbidden: $ref is not supported"),
        (
            json!({"type": "array", "uniqueItems": true, "items": {"type": "string"}}),
            "x.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ),
        (json!({"type": "array"}), "x.items: Required value: must be specified"),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}}),
            "x.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ),
        (
            json!({"type": "string", "anyOf": [{"type": "string"}]}),
            "x.anyOf[0].type: Forbidden: must be empty to be structural",
        ),
        (
            json!({"type": "integer", "minimum": 5, "default": 1}),
            "x.default: Invalid value: 1:  in body should be greater than or equal to 5",
        ),
        (
            json!({"type": "string", "enum": ["a"], "default": "b"}),
            r#"x.default: Unsupported value: "b": supported values: "a""#,
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "default": {"b": 1}}),
            r#"x.default: Invalid value: {"b":1}: must not have unknown fields"#,
        ),
        (
            json!({"type": "string", "pattern": "("}),
            r#"x.pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `(`"#,
        ),
        (
            json!({"type": "array", "x-kubernetes-list-type": "bag", "items": {"type": "string"}}),
            r#"x.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map""#,
        ),
        (
            json!({"type": "string", "x-kubernetes-list-type": "set"}),
            r#"x.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified"#,
        ),
        (
            json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}}),
            "x.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set",
        ),
        (
            json!({"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object"}}),
            "x.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
        ),
        (
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": false}),
            "x.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
        ),
        (
            json!({"type": "object", "x-kubernetes-embedded-resource": true}),
            "x.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        ),
        (
            json!({"type": "object", "x-kubernetes-validations": [{"rule": ""}]}),
            "x.x-kubernetes-validations[0].rule: Required value: rule is not specified",
        ),
        (
            json!({"type": "object", "x-kubernetes-validations": [{"rule": "true", "fieldPath": ".nope"}]}),
            r#"x.x-kubernetes-validations[0].fieldPath: Invalid value: ".nope": must be a valid path"#,
        ),
    ];
    for (schema, text) in table {
        assert_eq!(errors(with_x(schema)), [text]);
    }
}

#[test]
fn specs_are_checked() {
    let table = [
        (
            "/metadata/name",
            json!("wrong.example.com"),
            r#"metadata.name: Invalid value: "wrong.example.com": must be spec.names.plural+"."+spec.group"#,
        ),
        (
            "/spec/scope",
            json!("Galaxy"),
            r#"spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced""#,
        ),
        (
            "/spec/conversion",
            json!({"strategy": "Foo"}),
            r#"spec.conversion.strategy: Unsupported value: "Foo": supported values: "None", "Webhook""#,
        ),
        (
            "/spec/preserveUnknownFields",
            json!(true),
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        ),
        (
            "/spec/versions/0/deprecationWarning",
            json!("x"),
            r#"spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions"#,
        ),
        ("/spec/versions/0/schema", Value::Null, "spec.versions[0].schema.openAPIV3Schema: Required value"),
        (
            "/spec/versions/0/selectableFields",
            json!([{"jsonPath": ".spec.x.y"}]),
            r#"spec.selectableFields[0].jsonPath: Invalid value: ".spec.x.y": is an invalid path: does not refer to a valid field"#,
        ),
        (
            "/spec/versions/0/additionalPrinterColumns",
            json!([{"name": "N", "type": "frob", "jsonPath": ".spec"}]),
            r#"spec.additionalPrinterColumns[0].type: Invalid value: "frob": must be one of boolean,date,integer,number,string"#,
        ),
    ];
    for (pointer, value, text) in table {
        let mut crd = with_x(json!({"type": "string"}));
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        crd.pointer_mut(parent).unwrap()[key] = value;
        assert_eq!(errors(crd), [text]);
    }
    let mut protected = with_x(json!({"type": "string"}));
    protected["metadata"]["name"] = "widgets.zz.k8s.io".into();
    protected["spec"]["group"] = "zz.k8s.io".into();
    let text = r#"metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111"#;
    assert_eq!(errors(protected.clone()), [text]);
    protected["metadata"]["annotations"] = json!({"api-approved.kubernetes.io": "unapproved, for a test"});
    assert_eq!(errors(protected), Vec::<String>::new());
}

#[test]
fn versions_are_shown_as_they_came() {
    for (versions, shown) in [(json!([]), "[]"), (Value::Null, "null")] {
        let mut crd = with_x(json!({"type": "string"}));
        crd["spec"]["versions"] = versions;
        let detail = "must have exactly one version marked as storage version";
        let stored = "status.storedVersions: Invalid value: null: must have at least one stored version";
        assert_eq!(
            errors(crd),
            [format!("spec.versions: Invalid value: {shown}: {detail}").as_str(), stored]
        );
    }
}

#[test]
fn different_schemas_are_named_by_their_version() {
    let mut crd = with_x(json!({"type": "string"}));
    let second = json!({"name": "v2", "served": true, "storage": false, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {}}}}});
    crd["spec"]["versions"].as_array_mut().unwrap().push(second);
    let path = "spec.versions[1].schema.openAPIV3Schema.properties[spec].type";
    assert_eq!(
        errors(crd),
        [format!("{path}: Required value: must not be empty for specified object fields")]
    );
}

#[test]
fn updates_keep_the_status_and_what_is_immutable() {
    let mut old = with_x(json!({"type": "string"}));
    defaults(&mut old);
    prepare_for_create(&mut old);
    old["metadata"]["resourceVersion"] = "1".into();
    old["status"]["conditions"] = json!([{"type": "Established", "status": "True"}]);
    let mut new = old.clone();
    new["status"] = Value::Null;
    let mut second = new["spec"]["versions"][0].clone();
    second["name"] = "v2".into();
    new["spec"]["versions"][0]["storage"] = false.into();
    new["spec"]["versions"].as_array_mut().unwrap().push(second);
    prepare_for_update(&mut new, &old);
    assert_eq!(new["status"]["storedVersions"], json!(["v1", "v2"]));
    assert_eq!(validate_update(&new, &old), []);
    new["spec"]["scope"] = "Cluster".into();
    new["spec"]["names"]["kind"] = "Gadget".into();
    let errors: Vec<String> = validate_update(&new, &old).iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            r#"spec.scope: Invalid value: "Cluster": field is immutable"#,
            r#"spec.names.kind: Invalid value: "Gadget": field is immutable"#
        ]
    );
}
