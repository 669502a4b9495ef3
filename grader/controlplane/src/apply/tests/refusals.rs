//! Configurations that are refused, and why.

use super::*;

#[test]
fn configurations_that_do_not_fit_the_schema_say_where() {
    for (rest, expected) in [
        (json!({"spec": {"bogus": 1}}), ".spec.bogus: field not declared in schema"),
        (json!({"bogus": 1}), ".bogus: field not declared in schema"),
        (json!({"metadata": {"bogus": 1}}), ".metadata.bogus: field not declared in schema"),
        (json!({"spec": {"size": "x"}}), ".spec.size: expected numeric (int or float), got string"),
        (
            json!({"spec": {"color": 1}}),
            ".spec.color: expected string, got &value.valueUnstructured{Value:1}",
        ),
        (json!({"spec": {"gmap": "x"}}), ".spec.gmap: expected map, got &{x}"),
        (json!({"spec": {"set": {"a": 1}}}), ".spec.set: expected list, got &{map[a:1]}"),
        (json!({"spec": {"set": ["a", "a"]}}), ".spec.set: duplicate entries for key [=\"a\"]"),
        (
            json!({"spec": {"ports": [{"port": 1}, {"port": 1, "protocol": "TCP"}]}}),
            ".spec.ports: duplicate entries for key [port=1,protocol=\"TCP\"]",
        ),
        (
            json!({"spec": {"set": [{}], "size": true}}),
            "errors:\n  .spec.set: element 0: associative list without keys has an element that's a map type\n  \
             .spec.size: expected numeric (int or float), got bool",
        ),
        (
            json!({"status": {"conditions": [{"status": "True"}]}}),
            ".status.conditions: element 0: associative list with keys has an element that omits all key fields \
             [\"type\"] (and doesn't have default values for any key fields)",
        ),
    ] {
        let error = Story::new().try_apply("m", "", rest.clone(), false).expect_err("does not fit");
        let expected = format!("failed to create typed patch object (/a; x.io/v1, Kind=Widget): {expected}");
        assert_eq!(error, ApplyError::Unclassified(expected), "{rest}");
    }
}

#[test]
fn a_configuration_of_another_type_or_with_owners_is_no_configuration() {
    for (rest, expected) in [
        (json!({"kind": "Gadget"}), "invalid object type: x.io/v1, Kind=Gadget"),
        (json!({"apiVersion": "v1"}), "invalid object type: /v1, Kind=Widget"),
        (json!({"metadata": {"managedFields": []}}), "metadata.managedFields must be nil"),
    ] {
        let error = Story::new().try_apply("m", "", rest.clone(), false).expect_err("no configuration");
        assert_eq!(error, ApplyError::Malformed(expected.to_owned()), "{rest}");
    }
}
