use super::*;
use crate::schema::{StrategicMerge, Type};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

/// An object with one list of each kind: `ports` merges by `port`, `finalizers` as a set, `args` not at all.
fn schema() -> Schema {
    let string = Arc::new(Schema { type_: Some(Type::String), ..Schema::default() });
    let list = |items: Schema, merge_key: Option<&str>, merge: bool| {
        Arc::new(Schema {
            type_: Some(Type::Array),
            items: Some(Arc::new(items)),
            strategic_merge: StrategicMerge {
                merge,
                retain_keys: false,
                merge_key: merge_key.map(str::to_owned),
            },
            ..Schema::default()
        })
    };
    let args = list((*string).clone(), None, false);
    let port = Schema {
        type_: Some(Type::Object),
        properties: [
            ("port".to_owned(), string.clone()),
            ("name".to_owned(), string.clone()),
            ("args".to_owned(), args.clone()),
        ]
        .into(),
        ..Schema::default()
    };
    Schema {
        type_: Some(Type::Object),
        properties: [
            ("ports".to_owned(), list(port, Some("port"), true)),
            ("finalizers".to_owned(), list((*string).clone(), None, true)),
            ("args".to_owned(), args),
            ("nokey".to_owned(), list(Schema::default(), None, true)),
            (
                "labels".to_owned(),
                Arc::new(Schema {
                    type_: Some(Type::Object),
                    additional_properties: Some(string),
                    ..Schema::default()
                }),
            ),
        ]
        .into(),
        ..Schema::default()
    }
}

#[test]
fn patches_merge_by_the_strategy_of_the_type() {
    let document = json!({
        "labels": {"a": "1", "b": "2"},
        "ports": [{"port": 1, "name": "one"}, {"port": 2, "name": "two"}],
        "finalizers": ["x", "y"],
        "args": ["p", "q"],
    });
    for (title, patch, expected) in [
        (
            "maps merge, null removes",
            json!({"labels": {"a": null, "c": "3"}}),
            json!({"labels": {"b": "2", "c": "3"}}),
        ),
        ("a list without strategy is replaced", json!({"args": ["z"]}), json!({"args": ["z"]})),
        (
            "items merge by key",
            json!({"ports": [{"port": 2, "name": "zwei"}]}),
            json!({"ports": [{"port": 1, "name": "one"}, {"port": 2, "name": "zwei"}]}),
        ),
        (
            "new items come first",
            json!({"ports": [{"port": 3}]}),
            json!({"ports": [{"port": 3}, {"port": 1, "name": "one"}, {"port": 2, "name": "two"}]}),
        ),
        (
            "items of the patch keep its order",
            json!({"ports": [{"port": 2}, {"port": 3}, {"port": 1}]}),
            json!({"ports": [{"port": 2, "name": "two"}, {"port": 3}, {"port": 1, "name": "one"}]}),
        ),
        ("new scalars come first", json!({"finalizers": ["z", "y"]}), json!({"finalizers": ["z", "x", "y"]})),
        (
            "an item is deleted by its key",
            json!({"ports": [{"$patch": "delete", "port": 1}]}),
            json!({"ports": [{"port": 2, "name": "two"}]}),
        ),
        (
            "a list is replaced",
            json!({"ports": [{"$patch": "replace"}, {"port": 9}]}),
            json!({"ports": [{"port": 9}]}),
        ),
        (
            "an item is replaced",
            json!({"ports": [{"port": 1, "name": null}]}),
            json!({"ports": [{"port": 1}, {"port": 2, "name": "two"}]}),
        ),
        (
            "a map is replaced",
            json!({"labels": {"$patch": "replace", "z": "1"}}),
            json!({"labels": {"z": "1"}}),
        ),
        ("a map is emptied", json!({"labels": {"$patch": "delete"}}), json!({"labels": {}})),
        (
            "only listed keys stay",
            json!({"labels": {"$retainKeys": ["a", "c"], "c": "3"}}),
            json!({"labels": {"a": "1", "c": "3"}}),
        ),
        (
            "scalars are deleted from a list",
            json!({"$deleteFromPrimitiveList/finalizers": ["x", "nope"]}),
            json!({"finalizers": ["y"]}),
        ),
        (
            "the order of items is set",
            json!({"$setElementOrder/ports": [{"port": 2}, {"port": 3}, {"port": 1}], "ports": [{"port": 3}]}),
            json!({"ports": [{"port": 2, "name": "two"}, {"port": 3}, {"port": 1, "name": "one"}]}),
        ),
        (
            "the order of scalars is set",
            json!({"$setElementOrder/finalizers": ["y", "x"]}),
            json!({"finalizers": ["y", "x"]}),
        ),
        (
            "items that the order does not name keep their place",
            json!({"$setElementOrder/ports": [{"port": 3}, {"port": 2}], "ports": [{"port": 3}]}),
            json!({"ports": [{"port": 3}, {"port": 1, "name": "one"}, {"port": 2, "name": "two"}]}),
        ),
        (
            "a directive for a list that is not there does nothing",
            json!({"$setElementOrder/nokey": ["a"]}),
            json!({}),
        ),
        (
            "a new value loses its directives",
            json!({"nokey": [{"$patch": "delete"}, {"a": 1}]}),
            json!({"nokey": [{"a": 1}]}),
        ),
        ("a new value loses its nulls", json!({"nokey": [{"a": null}]}), json!({"nokey": [{}]})),
    ] {
        let mut wanted = document.clone();
        for (key, value) in expected.as_object().expect("an object") {
            wanted[key] = value.clone();
        }
        assert_eq!(apply(&schema(), &document, &patch), Ok(wanted), "{title}");
    }
}

#[test]
fn patches_that_cannot_be_merged_say_why() {
    let document = json!({
        "labels": {"a": "1"},
        "ports": [{"port": 1}],
        "nokey": [{"a": 1}],
        "finalizers": ["x"],
    });
    for (patch, status, text) in [
        (json!({"labels": {"$patch": "frob"}}), 500, "unknown patch type: frob in map: map[$patch:frob]"),
        (json!({"ports": [{"$patch": "merge"}]}), 500, "merging lists cannot yet be specified in the patch"),
        (
            json!({"ports": [{"name": "x"}]}),
            500,
            "map: map[name:x] does not contain declared merge key: port",
        ),
        (
            json!({"ports": [{"$patch": "delete", "name": "x"}]}),
            500,
            "map: map[$patch:delete name:x] does not contain declared merge key: port",
        ),
        (json!({"nokey": [{"a": 2}]}), 500, "cannot merge lists without merge key for struct"),
        (json!({"finalizers": [1]}), 500, "list element types are not identical: [[x] [1]]"),
        (json!({"labels": {"$retainKeys": "a"}}), 400, "invalid patch format of retainKeys"),
        (json!({"labels": {"$retainKeys": ["b"], "a": "2"}}), 400, "invalid patch format of retainKeys"),
        (json!({"$deleteFromPrimitiveList": ["x"]}), 400, "invalid patch format of primitive list"),
        (json!({"$setElementOrder": ["x"]}), 400, "invalid patch format of setElementOrder list"),
        (
            json!({"$setElementOrder/finalizers": ["y"], "finalizers": ["z"]}),
            500,
            "The order in patch list:\n[z]\n doesn't match $setElementOrder list:\n[y]\n",
        ),
    ] {
        let error = apply(&schema(), &document, &patch).expect_err("no patch");
        assert_eq!((error.status(), error.to_string().as_str()), (status, text), "{patch}");
    }
}

proptest! {
    #[test]
    fn a_patch_equal_to_the_document_changes_nothing(
        ports in proptest::collection::btree_map(0..9u8, "[ab]", 0..4),
        finalizers in proptest::collection::btree_set("[a-d]", 0..4),
        labels in proptest::collection::btree_map("[a-d]", "[ab]", 0..4),
    ) {
        let ports: Vec<_> = ports.iter().map(|(port, name)| json!({"port": port, "name": name})).collect();
        let document = json!({"ports": ports, "finalizers": finalizers, "labels": labels});
        prop_assert_eq!(apply(&schema(), &document, &document), Ok(document.clone()));
        prop_assert_eq!(apply(&schema(), &document, &json!({})), Ok(document));
    }

    #[test]
    fn no_patch_makes_it_panic(document in crate::patch::tests::any_json(), patch in crate::patch::tests::any_json(), key in "(ports|finalizers|args|nokey|labels|\\$setElementOrder/ports|\\$deleteFromPrimitiveList/finalizers|\\$retainKeys|\\$patch)") {
        let _ = apply(&schema(), &json!({"ports": document, "finalizers": document}), &json!({ key: patch }));
    }
}
