use super::set::Set;
use super::*;
use proptest::prelude::*;

/// The JSON of any set of fields, with few names.
fn any_fields() -> impl Strategy<Value = Value> {
    let element = prop_oneof![
        3 => "[a-d]".prop_map(|name| format!("f:{name}")),
        1 => (0..3u8).prop_map(|port| format!("k:{{\"port\":{port},\"protocol\":\"TCP\"}}")),
        1 => "[a-c]".prop_map(|value| format!("v:\"{value}\"")),
        1 => (0..3u8).prop_map(|index| format!("i:{index}")),
    ];
    let leaf = Just(json!({}));
    leaf.prop_recursive(3, 16, 4, move |inner| {
        (proptest::collection::btree_map(element.clone(), inner, 1..4), any::<bool>()).prop_map(
            |(members, own)| {
                let mut object: serde_json::Map<String, Value> = members.into_iter().collect();
                if own {
                    object.insert(".".to_owned(), json!({}));
                }
                Value::Object(object)
            },
        )
    })
}

fn any_set() -> impl Strategy<Value = Set> {
    any_fields().prop_map(|fields| fields_v1::decode(&fields).expect("fields"))
}

/// A spec of a widget that fits its schema.
fn any_spec() -> impl Strategy<Value = Value> {
    let ports = proptest::collection::btree_map(0..4u8, "[ab]", 0..3).prop_map(|ports| {
        Value::from_iter(
            ports.into_iter().map(|(port, name)| json!({"port": port, "protocol": "TCP", "name": name})),
        )
    });
    let strings = || proptest::collection::btree_map("[ab]", "[xy]", 0..3).prop_map(|map| json!(map));
    let set = proptest::collection::btree_set("[a-c]", 0..3).prop_map(|set| json!(set));
    let free = patch::tests::any_json().prop_filter("an object", Value::is_object);
    let field = prop_oneof![
        (0..3i64).prop_map(|size| ("size", json!(size))),
        "[ab]".prop_map(|color| ("color", json!(color))),
        ports.prop_map(|ports| ("ports", ports)),
        set.prop_map(|set| ("set", set)),
        strings().prop_map(|map| ("gmap", map)),
        strings().prop_map(|map| ("amap", map)),
        free.prop_map(|free| ("free", free)),
        patch::tests::any_json().prop_map(|any| ("any", any)),
    ];
    proptest::collection::vec(field, 0..5).prop_map(|fields| json!({"spec": Value::from_iter(fields)}))
}

proptest! {
    #[test]
    fn sets_survive_their_json(set in any_set()) {
        prop_assert_eq!(fields_v1::decode(&fields_v1::encode(&set)), Ok(set));
    }

    #[test]
    fn decoding_takes_anything(fields in patch::tests::any_json()) {
        let _ = fields_v1::decode(&fields);
    }

    #[test]
    fn sets_obey_the_laws_of_sets(a in any_set(), b in any_set()) {
        let union = a.clone().union(b.clone());
        prop_assert_eq!(&union, &b.clone().union(a.clone()));
        prop_assert_eq!(&a.clone().union(a.clone()), &a);
        prop_assert_eq!(&a.intersection(&b), &b.intersection(&a));
        prop_assert_eq!(&a.clone().difference(&b).union(a.intersection(&b)), &a);
        prop_assert!(a.clone().difference(&union).is_empty());
        prop_assert!(a.clone().difference(&b).intersection(&b).is_empty());
        prop_assert!(a.recursive_difference(&b).difference(&a.clone().difference(&b)).is_empty());
        prop_assert_eq!(union.paths().len(), a.paths().len() + b.paths().len() - a.intersection(&b).paths().len());
    }

    #[test]
    fn applying_twice_is_applying_once(first in any_spec(), second in any_spec()) {
        let mut story = Story::new();
        story.apply("one", first);
        prop_assert!(story.try_apply("two", "", second.clone(), true).is_ok());
        let once = story.live.clone();
        prop_assert!(story.try_apply("two", "", second, false).is_ok());
        prop_assert_eq!(once, story.live);
    }

    #[test]
    fn an_applied_configuration_is_in_the_object(first in any_spec(), second in any_spec()) {
        let mut story = Story::new();
        story.put("one", first);
        prop_assert!(story.try_apply("two", "", second.clone(), true).is_ok());
        let live = story.live.clone().expect("an object");
        let wanted = object_of(second);
        // Applying it as another manager meets no conflict and changes nothing.
        let result = story.try_apply("three", "", json!({"spec": wanted["spec"]}), false);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(&live["spec"], &story.live.expect("an object")["spec"]);
    }

    #[test]
    fn every_set_field_of_a_new_object_has_an_owner(spec in any_spec()) {
        let mut story = Story::new();
        story.put("one", spec.clone());
        let updated = story.owners().remove("one Update");
        let mut story = Story::new();
        story.apply("one", spec);
        let applied = story.owners().remove("one Apply");
        // An update also owns the objects on the way.
        let decode = |fields: Option<Value>| fields_v1::decode(&fields.unwrap_or_default()).expect("fields");
        prop_assert!(decode(applied).difference(&decode(updated)).is_empty());
    }

    #[test]
    fn nothing_makes_it_panic(
        live in patch::tests::any_json(),
        new in patch::tests::any_json(),
        key in "(size|ports|set|gmap|amap|free|any|plain)",
        fields in any_fields(),
        is_custom in any::<bool>(),
    ) {
        let schema = widget();
        let object = |value: &Value| json!({"apiVersion": "x.io/v1", "kind": "Widget", "metadata": {"uid": "u", "managedFields": [
            {"manager": "m", "operation": "Apply", "apiVersion": "x.io/v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {(format!("f:{key}")): fields}}},
        ]}, "spec": {(key.clone()): value}});
        let writer = Writer { is_custom, ..Story::new().writer("m", "") };
        let live = object(&live);
        let mut updated = object(&new);
        track_update(&schema, Some(&live), &mut updated, &writer);
        let mut applied = object(&new);
        super::super::take_managed_fields(&mut applied);
        let _ = server_side_apply(&schema, Some(&live), &applied, &writer, true);
        let _ = server_side_apply(&schema, Some(&new), &applied, &writer, true);
        track_update(&schema, Some(&new), &mut Value::Null, &writer);
    }
}
