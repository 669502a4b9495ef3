//! HorizontalPodAutoscalers in `autoscaling/v1` and `v2`: what Kubernetes v1.36 shows of each in the other.

use crate::world::{World, request};
use controlplane::{Reply, Timestamp};
use http::Method;
use serde_json::{Map, Value, json};

const V1: &str = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
const V2: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
const PREFIX: &str = "autoscaling.alpha.kubernetes.io/";

fn scaler(version: &str, annotations: Value, spec: Value) -> Value {
    let target = json!({"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"});
    let mut all = json!({"scaleTargetRef": target, "maxReplicas": 3});
    all.as_object_mut().expect("an object").extend(spec.as_object().cloned().unwrap_or_default());
    json!({
        "apiVersion": format!("autoscaling/{version}"), "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "s", "annotations": annotations}, "spec": all,
    })
}

/// Annotations (without the prefix that they share), spec without what is in all of them, and status.
fn shown(object: &Value) -> Value {
    let annotations = object["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    let short = annotations.iter().map(|(key, value)| (key.replace(PREFIX, "~"), value.clone()));
    let mut spec = object["spec"].clone();
    for key in ["scaleTargetRef", "maxReplicas"] {
        spec.as_object_mut().expect("a spec").remove(key);
    }
    json!({
        "annotations": short.collect::<Map<String, Value>>(), "spec": spec, "status": object["status"],
        "fields": object["metadata"]["managedFields"],
    })
}

fn in_both(world: &mut World, write: (Method, &str, &Value)) -> (Value, Value) {
    let (method, path, body) = write;
    match world.plane.handle(&request(method, path, body), Timestamp::UNIX_EPOCH) {
        Reply::Complete(response) => assert!(response.status.is_success(), "{:?}", response.body),
        other => panic!("a complete answer, not {other:?}"),
    }
    let read =
        |world: &mut World, path: &str| shown(&world.ok(Method::GET, &format!("{path}/s"), &Value::Null));
    (read(world, V1), read(world, V2))
}

fn without_fields(mut shown: Value) -> Value {
    shown.as_object_mut().expect("an object").remove("fields");
    shown
}

#[test]
fn each_version_shows_what_was_written_in_the_other() {
    let cpu = |percent: i64| {
        let target = json!({"type": "Utilization", "averageUtilization": percent});
        json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    };
    let memory = json!({
        "type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 5}},
    });
    let memory_text = r#"[{"type":"Resource","resource":{"name":"memory","targetAverageUtilization":5}}]"#;
    let metrics = format!("{PREFIX}metrics");
    let cases = [
        (scaler("v1", json!({}), json!({})), json!({}), 80, json!([cpu(80)])),
        (scaler("v2", json!({}), json!({})), json!({}), 80, json!([cpu(80)])),
        (
            scaler("v1", json!({}), json!({"targetCPUUtilizationPercentage": 55})),
            json!({}),
            55,
            json!([cpu(55)]),
        ),
        (
            scaler(
                "v1",
                json!({&metrics: memory_text, "k": "v"}),
                json!({"targetCPUUtilizationPercentage": 50}),
            ),
            json!({"~metrics": memory_text, "k": "v"}),
            50,
            json!([memory, cpu(50)]),
        ),
        (
            scaler("v2", json!({}), json!({"metrics": [cpu(50), memory]})),
            json!({"~metrics": memory_text}),
            50,
            json!([cpu(50), memory]),
        ),
        (scaler("v2", json!({&metrics: "[]", "k": "v"}), json!({})), json!({"k": "v"}), 80, json!([cpu(80)])),
        (scaler("v1", json!({&metrics: "nonsense"}), json!({})), json!({}), 80, json!([cpu(80)])),
        (scaler("v1", json!({&metrics: "[{\"type\":1}]"}), json!({})), json!({}), 80, json!([cpu(80)])),
    ];
    for (object, annotations, percent, metrics) in cases {
        let mut world = World::new(&["v1"]);
        let path = if object["apiVersion"] == "autoscaling/v1" { V1 } else { V2 };
        let (v1, v2) = in_both(&mut world, (Method::POST, path, &object));
        let spec = json!({"minReplicas": 1, "targetCPUUtilizationPercentage": percent});
        let status = json!({"currentReplicas": 0, "desiredReplicas": 0});
        let expected = json!({"annotations": annotations, "spec": spec, "status": status});
        assert_eq!(without_fields(v1), expected, "{object}");
        let mut others = annotations.clone();
        others.as_object_mut().expect("an object").retain(|key, _| !key.starts_with('~'));
        let spec = json!({"minReplicas": 1, "metrics": metrics});
        let status = json!({"currentMetrics": null, "desiredReplicas": 0});
        let expected = json!({"annotations": others, "spec": spec, "status": status});
        assert_eq!(without_fields(v2), expected, "{object}");
    }
}

#[test]
fn annotations_carry_what_the_first_version_does_not_know() {
    let mut world = World::new(&["v1"]);
    let labels = json!({"matchLabels": {"a": "b"}});
    let expressions = json!({"matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}]});
    let spec = json!({
        "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
            {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
            {"type": "ContainerResource", "containerResource": {
                "name": "cpu", "container": "c", "target": {"type": "Utilization", "averageUtilization": 61},
            }},
            {"type": "Pods", "pods": {
                "metric": {"name": "pm", "selector": labels}, "target": {"type": "AverageValue", "averageValue": "1500m"},
            }},
            {"type": "Object", "object": {
                "describedObject": {"kind": "Svc", "name": "s", "apiVersion": "v1"}, "metric": {"name": "om"},
                "target": {"type": "Value", "value": "2k"},
            }},
            {"type": "Object", "object": {
                "describedObject": {"kind": "Svc", "name": "s"}, "metric": {"name": "om"},
                "target": {"type": "AverageValue", "averageValue": "2k"},
            }},
            {"type": "External", "external": {
                "metric": {"name": "em", "selector": expressions}, "target": {"type": "AverageValue", "averageValue": "0.5"},
            }},
            {"type": "External", "external": {"metric": {"name": "em"}, "target": {"type": "Value", "value": "5"}}},
        ],
        "behavior": {
            "scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 10}], "tolerance": "0.05"},
            "scaleDown": {"selectPolicy": "Min", "stabilizationWindowSeconds": 3},
        },
    });
    let (v1, v2) = in_both(&mut world, (Method::POST, V2, &scaler("v2", json!({"x": "y"}), spec)));
    let status = json!({"status": {
        "currentReplicas": 1, "desiredReplicas": 2, "lastScaleTime": "2020-01-01T00:00:00Z", "observedGeneration": 1,
        "conditions": [
            {
                "type": "AbleToScale", "status": "True", "reason": "R", "message": "m",
                "lastTransitionTime": "2020-01-01T00:00:00Z",
            },
            {"type": "X", "status": "False"},
        ],
        "currentMetrics": [
            {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 10, "averageValue": "100m"}}},
            {"type": "Resource", "resource": {"name": "memory", "current": {"value": "3", "averageValue": "100m"}}},
            {"type": "ContainerResource", "containerResource": {
                "name": "cpu", "container": "c", "current": {"averageUtilization": 1, "averageValue": "7"},
            }},
            {"type": "Pods", "pods": {"metric": {"name": "pm", "selector": labels}, "current": {"averageValue": "1500m"}}},
            {"type": "Object", "object": {
                "describedObject": {"kind": "Svc", "name": "s", "apiVersion": "v1"}, "metric": {"name": "om"},
                "current": {"averageValue": "2k"},
            }},
            {"type": "External", "external": {
                "metric": {"name": "em"}, "current": {"value": "1", "averageValue": "0.5"},
            }},
        ],
    }});
    let (_, told) = in_both(&mut world, (Method::PATCH, &format!("{V2}/s/status"), &status));
    assert_eq!(told["spec"], v2["spec"]);
    // A write in the first version changes what it is about, and loses nothing else.
    let patch = json!({"spec": {"targetCPUUtilizationPercentage": 70}});
    let (v1_after, v2_after) = in_both(&mut world, (Method::PATCH, &format!("{V1}/s"), &patch));
    assert_eq!(v2_after["status"], told["status"]);
    assert_eq!(v2_after["spec"]["behavior"], v2["spec"]["behavior"]);
    let last = v2_after["spec"]["metrics"].as_array().and_then(|metrics| metrics.last());
    let target = last.map(|metric| metric["resource"]["target"].clone());
    assert_eq!(target, Some(json!({"type": "Utilization", "averageUtilization": 70})));
    let shown = [v1, v1_after].map(without_fields);
    insta::assert_json_snapshot!(shown);
}

#[test]
fn managers_own_fields_of_the_version_that_they_write() {
    let mut world = World::new(&["v1"]);
    let (v1, v2) = in_both(&mut world, (Method::POST, V1, &scaler("v1", json!({}), json!({}))));
    assert_eq!(v1["fields"], v2["fields"]);
    let fields = &v1["fields"][0];
    let expected = json!({"f:spec": {
        "f:maxReplicas": {}, "f:minReplicas": {}, "f:scaleTargetRef": {}, "f:targetCPUUtilizationPercentage": {},
    }});
    assert_eq!((&fields["apiVersion"], &fields["fieldsV1"]), (&json!("autoscaling/v1"), &expected));
}

/// Version, annotations, members of the spec, status code and causes: recorded from kube-apiserver v1.36.3.
const REFUSALS: &str = include_str!("refusals.jsonl");

#[test]
fn what_makes_no_sense_is_refused_in_either_version() {
    let mut world = World::new(&["v1"]);
    for line in REFUSALS.lines() {
        let case: Value = serde_json::from_str(line).expect("a recorded case");
        let version = case[0].as_str().expect("a version");
        let path = if version == "v1" { V1 } else { V2 };
        let object = scaler(version, case[1].clone(), case[2].clone());
        let (status, answer) = world.answer(Method::POST, &format!("{path}?dryRun=All"), &object);
        let causes = answer["details"]["causes"].as_array().into_iter().flatten();
        let causes: Vec<Value> = causes.map(|cause| json!([cause["field"], cause["message"]])).collect();
        let code = if status == 201 { Value::Null } else { status.into() };
        assert_eq!((code, Value::from(causes)), (case[3].clone(), case[4].clone()), "{line}");
    }
}
