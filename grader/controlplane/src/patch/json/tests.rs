use super::*;
use proptest::prelude::*;
use serde_json::json;

fn patched(document: &Value, patch: Value) -> Result<Value, PatchError> {
    apply(document, patch.to_string().as_bytes())
}

#[test]
fn operations_change_the_document() {
    let document = json!({"a": {"b": "1", "n": null}, "l": [1, 2, 3], "x/y~z": 0});
    for (patch, expected) in [
        (json!([{"op": "add", "path": "/a/c", "value": 2}]), json!({"a": {"b": "1", "n": null, "c": 2}})),
        (json!([{"op": "add", "path": "/a/c"}]), json!({"a": {"b": "1", "n": null, "c": null}})),
        (json!([{"op": "add", "path": "/l/-", "value": 4}]), json!({"l": [1, 2, 3, 4]})),
        (json!([{"op": "add", "path": "/l/0", "value": 0}]), json!({"l": [0, 1, 2, 3]})),
        (json!([{"op": "add", "path": "/l/-1", "value": 4}]), json!({"l": [1, 2, 3, 4]})),
        (json!([{"op": "remove", "path": "/l/-1"}]), json!({"l": [1, 2]})),
        (json!([{"op": "replace", "path": "/l/1", "value": 9}]), json!({"l": [1, 9, 3]})),
        (
            json!([{"op": "replace", "path": "/a/new", "value": 9}]),
            json!({"a": {"b": "1", "n": null, "new": 9}}),
        ),
        (json!([{"op": "remove", "path": "/x~1y~0z"}]), json!({"x/y~z": null})),
        (
            json!([{"op": "move", "from": "/a/b", "path": "/l/0"}]),
            json!({"a": {"n": null}, "l": ["1", 1, 2, 3]}),
        ),
        (
            json!([{"op": "copy", "from": "/a/nope", "path": "/a/c"}]),
            json!({"a": {"b": "1", "n": null, "c": null}}),
        ),
        (json!([{"op": "test", "path": "/a/nope", "value": null}]), json!({})),
        (json!([{"op": "test", "path": "/a/nope"}]), json!({})),
        (json!([{"op": "test", "path": "/a/n", "value": null}]), json!({})),
        (json!([{"op": "test", "path": "/a", "value": {"n": null, "b": "1"}}]), json!({})),
    ] {
        let mut wanted = document.clone();
        for (key, value) in expected.as_object().expect("an object") {
            match value {
                Value::Null => drop(wanted.as_object_mut().expect("an object").remove(key)),
                value => wanted[key] = value.clone(),
            }
        }
        assert_eq!(patched(&document, patch.clone()), Ok(wanted), "{patch}");
    }
}

#[test]
fn a_document_cannot_grow_without_end() {
    let refused = |operations: Vec<Value>| match patched(&json!({"a": {}}), operations.into()) {
        Err(PatchError::DoesNotApply { reason }) => reason,
        other => panic!("{other:?}"),
    };
    let doubling = |index| json!({"op": "copy", "from": "/a", "path": format!("/a/{index}")});
    let reason = refused((0..40).map(doubling).collect());
    assert!(reason.contains("exceeding the limit 3145728"), "{reason}");

    let nesting = |_| {
        [
            json!({"op": "add", "path": "/b", "value": {}}),
            json!({"op": "move", "from": "/a", "path": "/b/a"}),
            json!({"op": "move", "from": "/b", "path": "/a"}),
        ]
    };
    assert_eq!(refused((0..3_000).flat_map(nesting).collect()), "the document would nest too deeply");
    let sideways = |_| json!({"op": "move", "from": "/a", "path": "/a"});
    assert!(patched(&json!({"a": {}}), (0..3_000).map(sideways).collect()).is_ok());
    let deeper = |index| json!({"op": "copy", "from": "/a", "path": format!("/b/c/{index}")});
    assert!(patched(&json!({"a": {}, "b": {"c": {}}}), (0..3_000).map(deeper).collect()).is_ok());
    let up_and_down = |_| {
        [
            json!({"op": "move", "from": "/a", "path": "/b/c/a"}),
            json!({"op": "move", "from": "/b/c/a", "path": "/d"}),
            json!({"op": "add", "path": "/a", "value": {}}),
        ]
    };
    assert!(patched(&json!({"a": {}, "b": {"c": {}}}), (0..2_000).flat_map(up_and_down).collect()).is_ok());
}

#[test]
fn operations_that_do_not_apply_say_why() {
    let document = json!({"a": {"b": "1"}, "l": [1], "s": "text"});
    for (operation, expected) in [
        (
            json!({"op": "add", "path": "/n/c", "value": 2}),
            "add operation does not apply: doc is missing path: \"/n/c\": missing value",
        ),
        (
            json!({"op": "add", "path": "", "value": {}}),
            "add operation does not apply: doc is missing path: \"\": missing value",
        ),
        (
            json!({"op": "add", "path": "/s/c"}),
            "add operation does not apply: doc is missing path: \"/s/c\": missing value",
        ),
        (
            json!({"op": "add", "path": "/l/x"}),
            "error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            json!({"op": "add", "path": "/l/2"}),
            "error in add for path: '/l/2': Unable to access invalid index: 2: invalid index referenced",
        ),
        (
            json!({"op": "remove", "path": "/a/c"}),
            "error in remove for path: '/a/c': Unable to remove nonexistent key: c: missing value",
        ),
        (
            json!({"op": "replace", "path": "/l/1"}),
            "replace operation does not apply: doc is missing key: /l/1: missing value",
        ),
        (
            json!({"op": "replace", "path": "", "value": 1}),
            "replace operation value must be object or array: %!w(<nil>)",
        ),
        (json!({"op": "move", "path": "/a/c"}), "move operation failed to decode from: missing value"),
        (
            json!({"op": "move", "from": "/a/x", "path": "/a/c"}),
            "error in move for path: 'x': Unable to remove nonexistent key: x: missing value",
        ),
        (
            json!({"op": "copy", "from": "/l/1", "path": "/a/c"}),
            "error in copy for from: '/l/1': Unable to access invalid index: 1: invalid index referenced",
        ),
        (json!({"op": "test", "path": "/a/b", "value": 1}), "testing value /a/b failed: test failed"),
        (
            json!({"op": "test", "path": "/n/b", "value": null}),
            "test operation does not apply: is missing path: /n/b: missing value",
        ),
        (json!({"op": "frob", "path": "/a/b"}), "Unexpected kind: frob"),
        (json!(null), "Unexpected kind: unknown"),
        (json!({"op": "add"}), "add operation failed to decode path: missing value"),
    ] {
        let error = PatchError::DoesNotApply { reason: expected.to_owned() };
        assert_eq!(patched(&document, json!([operation])), Err(error), "{operation}");
    }
}

#[test]
fn what_is_no_patch_is_malformed() {
    for (patch, expected) in [
        ("[", "error decoding patch: unexpected end of JSON input"),
        (
            "{}",
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        ),
        (
            "[1]",
            "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp",
        ),
        (
            r#"[{"op": "add", "path": 1}]"#,
            "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string",
        ),
    ] {
        assert_eq!(
            apply(&json!({}), patch.as_bytes()),
            Err(PatchError::Malformed(expected.to_owned())),
            "{patch}"
        );
    }
}

#[test]
fn the_number_of_operations_is_limited() {
    let patch = Value::Array(vec![Value::Null; 10_001]);
    let error = patched(&json!({}), patch).expect_err("one operation too many");
    assert_eq!(error.status(), 413);
    assert_eq!(
        error.to_string(),
        "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"
    );
}

#[test]
fn unknown_members_are_named() {
    let patch = Patch::parse(br#"[{"op": "add", "path": "/a", "val": 1}]"#).expect("a patch");
    assert_eq!(patch.unknown_members(), ["json patch unknown field \"[0].val\""]);
}

proptest! {
    #[test]
    fn no_patch_makes_it_panic(
        document in crate::patch::tests::any_json(),
        operations in proptest::collection::vec(
            ("(add|remove|replace|move|copy|test|x)", "(/[a-d0-2-]{0,2}){0,3}", "(/[a-d0-2-]{0,2}){0,3}", crate::patch::tests::any_json()),
            0..4,
        ),
    ) {
        let operations: Vec<_> = operations
            .into_iter()
            .map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}))
            .collect();
        let _ = patched(&document, Value::from(operations));
    }
}
