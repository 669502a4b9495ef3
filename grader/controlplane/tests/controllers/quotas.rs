//! Quotas: what they refuse, and how the refused recover.

use crate::cluster::{Cluster, QUOTAS, STATEFUL_SETS, seconds, stateful_set};
use controlplane::store::ResourceId;
use serde_json::{Value, json};

fn quota(hard: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "limits", "namespace": "default"},
        "spec": {"hard": hard},
    })
}

#[test]
fn a_stateful_set_over_the_quota_is_forbidden_until_the_quota_is_lifted() {
    let mut cluster = Cluster::new();
    cluster.create(&QUOTAS, quota(json!({"count/statefulsets.apps": "0"})));
    cluster.pass(seconds(1));
    let now = cluster.now;
    let create = |cluster: &mut Cluster| {
        cluster.plane.act_as("test", now, |api| {
            api.create(&STATEFUL_SETS, Some("default"), stateful_set(json!({"replicas": 1})))
        })
    };
    let refused = create(&mut cluster).expect_err("the quota is used up");
    assert_eq!((refused.code().as_u16(), refused.reason()), (403, "Forbidden"));
    insta::assert_snapshot!(refused.message(), @r#"
    statefulsets.apps "db" is forbidden: exceeded quota: limits, requested: count/statefulsets.apps=1, used: count/statefulsets.apps=0, limited: count/statefulsets.apps=0
    "#);
    cluster.delete(&QUOTAS, "limits", Value::Null);
    create(&mut cluster).expect("nothing forbids it any more");
}

#[test]
fn pods_over_the_quota_come_when_there_is_room() {
    let mut cluster = Cluster::new();
    cluster.create(&QUOTAS, quota(json!({"pods": "1"})));
    cluster.pass(seconds(1));
    cluster.create(&STATEFUL_SETS, stateful_set(json!({"replicas": 2})));
    cluster.pass(seconds(60));
    assert_eq!(cluster.pods(), "db-0 Running!");
    insta::assert_snapshot!(cluster.events().replace(|c: char| c.is_ascii_digit() && c > '1', "#"), @r#"
    Normal SuccessfulCreate: Create Pod db-0 in StatefulSet db successful (1)
    Warning FailedCreate: Create Pod db-1 in StatefulSet db failed error: pods "db-1" is forbidden: exceeded quota: limits, requested: pods=1, used: pods=1, limited: pods=1 (1#)
    "#);
    let limits = cluster.get(&QUOTAS, "limits").expect("it was created");
    assert_eq!(limits["status"]["used"]["pods"], "1");
    cluster.patch(&QUOTAS, "limits", json!({"spec": {"hard": {"pods": "2"}}}));
    cluster.pass(seconds(600));
    assert_eq!(cluster.pods(), "db-0 Running!, db-1 Running!");
    cluster.patch(&STATEFUL_SETS, "db", json!({"spec": {"replicas": 0}}));
    cluster.pass(seconds(60));
    let limits = cluster.get(&QUOTAS, "limits").expect("it was created");
    assert_eq!(limits["status"]["used"]["pods"], "0");
}

#[test]
fn a_status_that_somebody_has_changed_is_put_right_in_time() {
    let mut cluster = Cluster::new();
    cluster.create(&QUOTAS, quota(json!({"pods": "1"})));
    cluster.pass(seconds(1));
    let mut changed = (*cluster.get(&QUOTAS, "limits").expect("it was created")).clone();
    changed["status"]["hard"]["pods"] = json!("2");
    let now = cluster.now;
    let written = cluster.plane.act_as("test", now, |api| api.update_status(&QUOTAS, changed));
    written.expect("whoever may write the status may write nonsense");
    cluster.pass(seconds(1));
    let hard = |cluster: &mut Cluster| {
        cluster.get(&QUOTAS, "limits").expect("it is there")["status"]["hard"].clone()
    };
    assert_eq!(hard(&mut cluster), json!({"pods": "2"}));
    cluster.pass(seconds(30));
    assert_eq!(hard(&mut cluster), json!({"pods": "1"}));
}

#[test]
fn claims_use_the_most_devices_of_a_class_that_they_may_be_given() {
    const CLAIMS: ResourceId = ResourceId::known("resource.k8s.io", "resourceclaims");
    let mut cluster = Cluster::new();
    cluster.create(&QUOTAS, quota(json!({"gold.deviceclass.resource.k8s.io/devices": "40"})));
    cluster.pass(seconds(1));
    let of = |class: &str, more: Value| {
        let mut wanted = json!({"deviceClassName": class});
        wanted.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        wanted
    };
    let claim = |name: &str, requests: Value| {
        json!({
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
            "metadata": {"name": name, "namespace": "default"}, "spec": {"devices": {"requests": requests}},
        })
    };
    let alternatives = json!([
        {"name": "a", "deviceClassName": "gold", "count": 2}, {"name": "b", "deviceClassName": "gold", "count": 5},
        {"name": "c", "deviceClassName": "silver", "allocationMode": "All"},
    ]);
    let first = json!([
        {"name": "one", "exactly": of("gold", json!({}))}, {"name": "some", "firstAvailable": alternatives},
    ]);
    cluster.create(&CLAIMS, claim("first", first));
    let all = json!([{"name": "all", "exactly": of("gold", json!({"allocationMode": "All"}))}]);
    cluster.create(&CLAIMS, claim("all", all.clone()));
    cluster.pass(seconds(1));
    let used = cluster.get(&QUOTAS, "limits").expect("it was created")["status"]["used"].clone();
    assert_eq!(used["gold.deviceclass.resource.k8s.io/devices"], "38");
    let now = cluster.now;
    let created =
        cluster.plane.act_as("test", now, |api| api.create(&CLAIMS, Some("default"), claim("more", all)));
    let refused = created.expect_err("the quota is used up");
    assert_eq!(
        refused.message(),
        "resourceclaims.resource.k8s.io \"more\" is forbidden: exceeded quota: limits, requested: \
         gold.deviceclass.resource.k8s.io/devices=32, used: gold.deviceclass.resource.k8s.io/devices=38, limited: \
         gold.deviceclass.resource.k8s.io/devices=40"
    );
}
