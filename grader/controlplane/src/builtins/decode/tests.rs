//! What comes out of the decoder, and what it says of what it refuses.

use super::super::definitions::{definition, definition_of};
use super::*;
use proptest::prelude::*;
use serde_json::json;

fn check(kind: (&str, &str, &str), input: Value, expected: Result<Value, &str>) {
    let mut value = input;
    let result = decode(definition_of(kind.0, kind.1, kind.2).unwrap(), &mut value);
    assert_eq!(result.map(|_| value), expected.map_err(str::to_owned));
}

#[test]
fn zero_values_appear_and_empty_ones_vanish() {
    check(
        ("", "v1", "Pod"),
        json!({"metadata": {"labels": {}, "creationTimestamp": null}, "spec": {"containers": [{"name": "c"}],
               "hostNetwork": false, "automountServiceAccountToken": false}}),
        Ok(json!({"metadata": {}, "status": {},
                  "spec": {"containers": [{"name": "c", "resources": {}}], "automountServiceAccountToken": false}})),
    );
    check(
        ("rbac.authorization.k8s.io", "v1", "Role"),
        json!({"rules": []}),
        Ok(json!({"metadata": {}, "rules": null})),
    );
    check(
        ("", "v1", "ConfigMap"),
        json!({"metadata": {"name": "a"}, "data": {"k": null}}),
        Ok(json!({"metadata": {"name": "a"}, "data": {"k": ""}})),
    );
}

#[test]
fn unknown_fields_are_dropped_and_named() {
    let mut value = json!({"spec": {"containers": [{"name": "c", "foo": 1}], "bar": {}}, "zoo": 1});
    let unknown = decode(definition_of("", "v1", "Pod").unwrap(), &mut value).unwrap();
    assert_eq!(unknown, ["spec.containers[0].foo", "spec.bar", "zoo"]);
    let mut value = json!({"type": "object", "items": {"type": "object", "foo": 1}, "not": {"bar": 1}});
    let unknown = decode(definition("apiextensions.v1.JSONSchemaProps").unwrap(), &mut value).unwrap();
    assert_eq!(unknown, ["not.bar"]);
    assert_eq!(value, json!({"type": "object", "items": {"type": "object"}, "not": {}}));
}

#[test]
fn errors_speak_go() {
    let deployment = ("apps", "v1", "Deployment");
    let field = |of: &str| format!("json: cannot unmarshal {of}");
    for (spec, error) in [
        (json!({"replicas": "1"}), "string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (
            json!({"replicas": 1.5}),
            "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            json!({"template": {"spec": {"containers": [{"ports": {}}]}}}),
            "object into Go struct field Container.spec.template.spec.containers.ports of type []v1.ContainerPort",
        ),
        (json!(3), "number into Go struct field Deployment.spec of type v1.DeploymentSpec"),
    ] {
        check(deployment, json!({"spec": spec}), Err(&field(error)));
    }
    check(
        ("", "v1", "ConfigMap"),
        json!({"metadata": {"labels": {"a": 1}}}),
        Err(&field("number into Go struct field ObjectMeta.metadata.labels of type string")),
    );
    check(("", "v1", "Secret"), json!({"data": {"a": "###"}}), Err("illegal base64 data at input byte 0"));
}

#[test]
fn converted_documents_are_refused_in_other_words() {
    let refused = |kind: (&str, &str, &str), mut value: Value| {
        decode_by(Reader::Converter, definition_of(kind.0, kind.1, kind.2).unwrap(), &mut value).unwrap_err()
    };
    let container = |container: Value| json!({"spec": {"template": {"spec": {"containers": [container]}}}});
    for (value, error) in [
        (json!({"spec": {"replicas": 1.5}}), "cannot convert float64 to int32"),
        (json!({"spec": {"replicas": "many"}}), "unrecognized type: int32"),
        (json!({"spec": {"paused": 1}}), "unrecognized type: bool"),
        (json!({"spec": 3}), "cannot restore struct from: int64"),
        (json!({"metadata": {"labels": {"a": 1}}}), "cannot convert int64 to string"),
        (json!({"metadata": {"labels": {"a": true}}}), "unrecognized type: string"),
        (json!({"metadata": {"labels": []}}), "cannot restore map from slice"),
        (container(json!({"name": "x", "args": "q"})), "cannot restore slice from string"),
    ] {
        assert_eq!(refused(("apps", "v1", "Deployment"), value), error);
    }
    let secret = ("", "v1", "Secret");
    assert_eq!(refused(secret, json!({"data": {"a": 5}})), "cannot restore slice from int64");
    let error = "error decoding from json: illegal base64 data at input byte 1";
    assert_eq!(refused(secret, json!({"data": {"a": "x!"}})), error);

    let mut wrapped = json!({"spec": {"replicas": 99_999_999_999_i64}});
    decode_by(Reader::Converter, definition_of("apps", "v1", "Deployment").unwrap(), &mut wrapped).unwrap();
    assert_eq!(wrapped["spec"]["replicas"], 1_215_752_191);
}

#[test]
fn quantities_and_times_take_their_canonical_form() {
    check(
        ("", "v1", "ResourceQuota"),
        json!({"metadata": {"creationTimestamp": "2020-01-01T01:00:00.5+01:00"}, "spec": {"hard": {"pods": 5, "cpu": "0.5"}}}),
        Ok(json!({"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"},
                  "spec": {"hard": {"pods": "5", "cpu": "500m"}}, "status": {}})),
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z0-9:TZ.-]{0,12}".prop_map(Value::from),
    ];
    let key =
        prop_oneof!["metadata", "spec", "containers", "labels", "name", "resources", "limits", "[a-z]{1,4}"];
    leaf.prop_recursive(6, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn decoding_twice_changes_nothing(value in any_json()) {
        let pod = definition_of("", "v1", "Pod").unwrap();
        let mut once = value;
        if decode(pod, &mut once).is_ok() {
            let mut twice = once.clone();
            prop_assert_eq!(decode(pod, &mut twice), Ok(vec![]));
            prop_assert_eq!(once, twice);
        }
    }
}
