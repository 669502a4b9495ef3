//! Managers of fields: those that clients send, those that are too many, those that nobody names.

use super::*;

#[test]
fn sent_managed_fields_count_only_when_well_formed() {
    let sent = |entry: Value| json!({"metadata": {"managedFields": entry}});
    let mut story = Story::new();
    story.apply("one", json!({"spec": {"size": 1}}));
    let before = story.owners();
    story.patch(
        "two",
        "",
        sent(json!([{"manager": "x", "operation": "Nope", "apiVersion": "v1", "fieldsType": "FieldsV1"}])),
    );
    assert_eq!(story.owners(), before, "malformed");
    story.patch("two", "", json!({"metadata": {"managedFields": null}}));
    assert_eq!(story.owners(), before, "null");
    let renamed = json!([{
        "manager": "renamed", "operation": "Apply", "apiVersion": "x.io/v1", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:size": {}}}, "time": "2001-01-01T00:00:00Z",
    }]);
    story.patch("two", "", sent(renamed));
    assert_eq!(story.owners(), owners([("renamed Apply", json!({"f:spec": {"f:size": {}}}))]));
    story.patch("two", "", sent(json!([{}])));
    assert_eq!(story.owners(), owners([]));
    story.patch("two", "", json!({"spec": {"size": 2}}));
    assert_eq!(story.owners(), owners([]), "who gave up ownership is not tracked before the next apply");
    assert_eq!(
        story.conflict("two", json!({"spec": {"size": 3}})),
        "Apply failed with 1 conflict: conflict with \"before-first-apply\" using x.io/v1: .spec.size"
    );
}

#[test]
fn the_default_manager_is_the_user_agent_up_to_the_slash() {
    for (field_manager, user_agent, expected) in [
        (Some("m"), "kubectl/v1 (linux)", "m"),
        (None, "kubectl-edit/v1 (x) y", "kubectl-edit"),
        (Some(""), "plain", "plain"),
        (None, "", ""),
        (None, "a\u{7}b/1", "ab"),
    ] {
        assert_eq!(manager_name(field_manager, user_agent), expected);
    }
    assert_eq!(manager_name(None, &"x".repeat(200)).len(), 128);
}

#[test]
fn too_many_update_managers_are_merged_oldest_first() {
    let mut story = Story::new();
    story.put("m00", json!({"spec": {"gmap": {"k00": "1"}}}));
    for number in 1..13 {
        let (manager, key) = (format!("m{number:02}"), format!("k{number:02}"));
        story.patch(&manager, "", json!({"spec": {"gmap": { key: "1" }}}));
    }
    let owners = story.owners();
    assert_eq!(owners.len(), 10);
    assert_eq!(
        owners["ancient-changes Update"],
        json!({"f:spec": {".": {}, "f:gmap": {".": {}, "f:k00": {}, "f:k01": {}, "f:k02": {}, "f:k03": {}}}})
    );
    assert_eq!(story.time("ancient-changes").as_deref(), Some("1970-01-01T00:00:04Z"));
}
