use super::*;

#[test]
fn a_create_owns_all_it_sets_but_for_its_identity() {
    let mut story = Story::new();
    story.put(
        "creator",
        json!({
            "metadata": {"labels": {"l": "1"}, "finalizers": ["x.io/f"], "generation": 1, "namespace": "n"},
            "spec": {"size": 1, "plain": [{"n": "1"}], "gmap": {}, "ports": [{"port": 80}]},
            "status": {"phase": "Ready"},
        }),
    );
    let fields = json!({
        "f:metadata": {"f:labels": {".": {}, "f:l": {}}, "f:finalizers": {".": {}, "v:\"x.io/f\"": {}}},
        "f:spec": {
            ".": {}, "f:size": {}, "f:plain": {}, "f:gmap": {},
            "f:ports": {".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}},
        },
    });
    assert_eq!(story.owners(), owners([("creator Update", fields)]));
}

#[test]
fn an_update_takes_what_it_changes_and_drops_what_it_removes() {
    let mut story = Story::new();
    story.apply("one", json!({"spec": {"gmap": {"k": "v", "z": "1", "gone": "1"}}}));
    story.patch("upd", "", json!({"spec": {"gmap": {"k": "w", "z": "1", "n": "1", "gone": null}}}));
    assert_eq!(
        story.owners(),
        owners([
            ("one Apply", json!({"f:spec": {"f:gmap": {"f:z": {}}}})),
            ("upd Update", json!({"f:spec": {"f:gmap": {"f:k": {}, "f:n": {}}}})),
        ])
    );
}

#[test]
fn an_update_that_changes_nothing_is_not_recorded() {
    let mut story = Story::new();
    story.put("one", json!({"spec": {"size": 1}}));
    story.patch("two", "", json!({"spec": {"size": 1}}));
    assert_eq!(story.owners(), owners([("one Update", json!({"f:spec": {".": {}, "f:size": {}}}))]));
    assert_eq!(story.time("one").as_deref(), Some("1970-01-01T00:00:01Z"));
}

#[test]
fn status_has_its_own_entries() {
    let mut story = Story::new();
    story.put("m", json!({"spec": {"size": 1}}));
    story.patch("m", "status", json!({"status": {"phase": "A"}, "spec": {"size": 2}}));
    assert_eq!(
        story.owners(),
        owners([
            ("m Update", json!({"f:spec": {".": {}, "f:size": {}}})),
            ("m Update status", json!({"f:status": {".": {}, "f:phase": {}}})),
        ])
    );
    let error =
        story.try_apply("x", "status", json!({"status": {"phase": "B"}}), false).expect_err("a conflict");
    assert_eq!(
        error.to_string(),
        "Apply failed with 1 conflict: conflict with \"m\" with subresource \"status\" using x.io/v1: .status.phase"
    );
}

#[test]
fn appliers_share_equal_values_and_fight_over_others() {
    let mut story = Story::new();
    story.apply("one", json!({"spec": {"size": 1, "color": "red", "ports": [{"port": 80, "name": "a"}]}}));
    story.apply("two", json!({"spec": {"size": 1}}));
    assert_eq!(
        story.conflict(
            "three",
            json!({"spec": {"size": 2, "color": "blue", "ports": [{"port": 80, "name": "b"}]}})
        ),
        "Apply failed with 4 conflicts: conflicts with \"one\":\n- .spec.color\n- .spec.size\n\
         - .spec.ports[port=80,protocol=\"TCP\"].name\nconflicts with \"two\":\n- .spec.size"
    );
    story.try_apply("three", "", json!({"spec": {"size": 2}}), true).expect("force");
    assert_eq!(
        story.owners(),
        owners([
            (
                "one Apply",
                json!({"f:spec": {
                    "f:color": {},
                    "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}}},
                }})
            ),
            ("three Apply", json!({"f:spec": {"f:size": {}}})),
        ])
    );
}

#[test]
fn one_name_is_two_managers_under_update_and_apply() {
    let mut story = Story::new();
    story.put("m", json!({"spec": {"size": 1}}));
    assert_eq!(
        story.conflict("m", json!({"spec": {"size": 2}})),
        "Apply failed with 1 conflict: conflict with \"m\" using x.io/v1: .spec.size"
    );
}

#[test]
fn what_an_applier_leaves_out_goes_unless_others_own_it() {
    let mut story = Story::new();
    story.apply("one", json!({"spec": {"set": ["a", "b"], "gmap": {"k": "1", "z": "1"}, "ports": [{"port": 1}, {"port": 2}]}}));
    story.apply("two", json!({"spec": {"set": ["b"], "gmap": {"z": "1"}, "ports": [{"port": 2}]}}));
    story.apply("one", json!({"spec": {"set": [], "gmap": {}}}));
    assert_eq!(story.field("/spec/set"), Some(&json!(["b"])));
    assert_eq!(story.field("/spec/gmap"), Some(&json!({"z": "1"})));
    assert_eq!(story.field("/spec/ports"), Some(&json!([{"port": 2}])));
    story.apply("two", json!({}));
    assert_eq!(story.field("/spec/ports"), None);
}

#[test]
fn list_maps_keep_the_order_of_the_applier() {
    let mut story = Story::new();
    story.apply("one", json!({"spec": {"ports": [{"port": 1}, {"port": 2}, {"port": 3}]}}));
    story.apply("two", json!({"spec": {"ports": [{"port": 3}, {"port": 9}, {"port": 1}]}}));
    let ports: Vec<_> = story
        .field("/spec/ports")
        .and_then(Value::as_array)
        .expect("ports")
        .iter()
        .map(|p| p["port"].clone())
        .collect();
    assert_eq!(ports, [2, 3, 9, 1]);
}

#[test]
fn free_form_maps_are_granular_and_their_lists_atomic() {
    let mut story = Story::new();
    story.apply("one", json!({"spec": {"free": {"a": {"x": 1}, "l": [1, 2]}, "any": 1}}));
    assert_eq!(
        story.owners(),
        owners([(
            "one Apply",
            json!({"f:spec": {"f:free": {"f:a": {".": {}, "f:x": {}}, "f:l": {}}, "f:any": {}}})
        )])
    );
    assert_eq!(
        story.conflict("two", json!({"spec": {"free": {"l": [3]}, "any": {"b": 1}}})),
        "Apply failed with 2 conflicts: conflicts with \"one\":\n- .spec.any\n- .spec.free.l"
    );
}

#[test]
fn a_repeated_apply_keeps_its_time_and_an_empty_share_has_none() {
    let mut story = Story::new();
    story.apply("one", json!({"spec": {"size": 1}}));
    story.apply("one", json!({"spec": {"size": 1}}));
    story.apply("two", json!({"spec": {"size": 1}}));
    assert_eq!(story.time("one").as_deref(), Some("1970-01-01T00:00:01Z"));
    assert_eq!(story.time("two"), None);
}

#[test]
fn a_list_that_became_atomic_is_owned_as_a_whole() {
    let mut story = Story::new();
    story.apply("one", json!({"spec": {"set": ["a"], "gmap": {"k": "v"}}}));
    story.schema = Schema::from_json(&json!({"type": "object", "properties": {"spec": {
        "type": "object", "properties": {
            "set": {"type": "array", "items": {"type": "string"}},
            "gmap": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "string"}},
            "size": {"type": "integer"},
        },
    }}}))
    .expect("a schema");
    story.patch("two", "", json!({"spec": {"size": 1}}));
    assert_eq!(
        story.owners(),
        owners([
            ("one Apply", json!({"f:spec": {"f:gmap": {}, "f:set": {}}})),
            ("two Update", json!({"f:spec": {"f:size": {}}})),
        ])
    );
}

#[test]
fn kubectl_takes_over_what_client_side_apply_set() {
    let last =
        json!({"apiVersion": "x.io/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": {"size": 1}});
    let annotations = json!({"kubectl.kubernetes.io/last-applied-configuration": last.to_string()});
    let mut story = Story::new();
    story.put(
        "kubectl-client-side-apply",
        json!({"metadata": {"annotations": annotations}, "spec": {"size": 1, "color": "red"}}),
    );
    assert_eq!(
        story.conflict("other", json!({"spec": {"size": 2}})),
        "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using x.io/v1: .spec.size"
    );
    assert_eq!(
        story.conflict("kubectl", json!({"spec": {"size": 2, "color": "blue"}})),
        "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using x.io/v1: .spec.color"
    );
    story.apply("kubectl", json!({"spec": {"size": 2}}));
    assert_eq!(
        story.field("/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"),
        Some(&json!(
            "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"size\":2}}\n"
        ))
    );
}

#[test]
fn an_unchanged_object_keeps_its_times() {
    let entry = |time: &str| json!([{"manager": "m", "operation": "Update", "time": time}]);
    let object =
        |time: &str, size: i64| json!({"metadata": {"managedFields": entry(time)}, "spec": {"size": size}});
    let live = object("1", 1);
    for (new, expected) in [(object("2", 1), object("1", 1)), (object("2", 2), object("2", 2))] {
        let mut kept = new;
        keep_times_if_unchanged(&live, &mut kept);
        assert_eq!(kept, expected);
    }
}

#[test]
fn nobody_owns_the_structs_of_a_built_in_object() {
    let schema = crate::builtins::schema("apps", "v1", "Deployment");
    let mut story = Story::new();
    let writer =
        Writer { is_custom: false, api_version: "apps/v1", kind: "Deployment", ..story.writer("m", "") };
    let mut deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
        "spec": {
            "selector": {"matchLabels": {"app": "a"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
            "template": {
                "metadata": {"labels": {"app": "a"}},
                "spec": {"containers": [{"name": "c", "resources": {}, "ports": [{"containerPort": 80, "protocol": "TCP"}]}]},
            },
        },
        "status": {},
    });
    track_update(&schema, None, &mut deployment, &writer);
    assert_eq!(
        deployment["metadata"]["managedFields"][0]["fieldsV1"],
        json!({"f:spec": {
            "f:selector": {},
            "f:strategy": {"f:type": {}, "f:rollingUpdate": {".": {}, "f:maxSurge": {}}},
            "f:template": {
                "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {
                    ".": {}, "f:name": {}, "f:resources": {},
                    "f:ports": {
                        ".": {},
                        "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}},
                    },
                }}},
            },
        }})
    );
}

#[test]
fn an_empty_list_that_go_writes_anyway_has_no_owner() {
    let schema = crate::builtins::schema("rbac.authorization.k8s.io", "v1", "Role");
    let api_version = "rbac.authorization.k8s.io/v1";
    let writer = Writer { is_custom: false, api_version, kind: "Role", ..Story::new().writer("m", "") };
    let mut role =
        json!({"apiVersion": api_version, "kind": "Role", "metadata": {"name": "a"}, "rules": null});
    track_update(&schema, None, &mut role, &writer);
    assert_eq!(role["metadata"].get("managedFields"), None);
}

#[test]
fn owners_of_replicas_are_owners_in_the_scale_and_back() {
    let entry = |manager: &str, operation: &str, api_version: &str, fields: Value| json!({"manager": manager, "operation": operation, "apiVersion": api_version, "fieldsType": "FieldsV1", "fieldsV1": fields});
    let replicas = || json!({"f:spec": {"f:replicas": {}}});
    let both = || json!({"f:spec": {"f:replicas": {}, "f:paused": {}}});
    let rest = || json!({"f:spec": {"f:paused": {}}});
    let path = ["spec", "replicas"];
    let parent = json!([
        entry("applier", "Apply", "apps/v1", both()),
        entry("updater", "Update", "apps/v1", both()),
        entry("other", "Update", "apps/v1", rest()),
    ]);
    let scale = scale::to_scale(Some(&parent), &path).expect("well-formed");
    let expected = json!([
        entry("applier", "Apply", "autoscaling/v1", replicas()),
        entry("updater", "Update", "autoscaling/v1", replicas()),
    ]);
    assert_eq!(scale.as_ref(), Some(&expected));

    let unchanged = scale::to_parent(Some(&parent), scale.as_ref(), "apps/v1", &path).expect("well-formed");
    let expected = json!([
        entry("applier", "Apply", "apps/v1", both()),
        entry("other", "Update", "apps/v1", rest()),
        entry("updater", "Update", "apps/v1", rest()),
        entry("updater", "Update", "apps/v1", replicas()),
    ]);
    assert_eq!(unchanged, Some(expected), "upstream splits the entry of an updater");

    let taken = json!([entry("hpa", "Update", "autoscaling/v1", replicas())]);
    let changed = scale::to_parent(Some(&parent), Some(&taken), "apps/v1", &path).expect("well-formed");
    let expected = json!([
        entry("applier", "Apply", "apps/v1", rest()),
        entry("hpa", "Update", "apps/v1", replicas()),
        entry("other", "Update", "apps/v1", rest()),
        entry("updater", "Update", "apps/v1", rest()),
    ]);
    assert_eq!(changed, Some(expected));
    assert_eq!(scale::to_scale(None, &path), Ok(None));
}
