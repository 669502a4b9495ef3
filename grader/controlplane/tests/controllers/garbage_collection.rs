//! Owners go, dependents follow, wait, or stay.

use crate::cluster::{CONFIG_MAPS, Cluster, config_map, owned_by, seconds};
use serde_json::{Value, json};

fn policy(policy: &str) -> Value {
    json!({"propagationPolicy": policy})
}

/// An owner with one dependent.
fn family(blocking: bool, finalizers: &[&str]) -> Cluster {
    let mut cluster = Cluster::without_node();
    let owner = cluster.create(&CONFIG_MAPS, config_map("owner", json!([])));
    let mut child = config_map("child", json!([owned_by(&owner, blocking)]));
    child["metadata"]["finalizers"] = json!(finalizers);
    cluster.create(&CONFIG_MAPS, child);
    cluster.pass(seconds(1));
    cluster
}

#[test]
fn a_deleted_owner_takes_its_dependents_along_a_little_later() {
    let mut cluster = family(false, &[]);
    cluster.delete(&CONFIG_MAPS, "owner", policy("Background"));
    assert_eq!(cluster.names(&CONFIG_MAPS), ["child"]);
    cluster.pass(seconds(1));
    assert!(cluster.names(&CONFIG_MAPS).is_empty());
}

#[test]
fn orphans_stay_without_the_reference() {
    let mut cluster = family(true, &[]);
    cluster.delete(&CONFIG_MAPS, "owner", policy("Orphan"));
    assert_eq!(cluster.names(&CONFIG_MAPS), ["child", "owner"]);
    cluster.pass(seconds(1));
    assert_eq!(cluster.names(&CONFIG_MAPS), ["child"]);
    let child = cluster.get(&CONFIG_MAPS, "child").expect("it stays");
    assert!(child["metadata"]["ownerReferences"].is_null());
}

#[test]
fn a_foreground_owner_waits_for_blocking_dependents() {
    let mut cluster = family(true, &["example.com/hold"]);
    cluster.delete(&CONFIG_MAPS, "owner", policy("Foreground"));
    cluster.pass(seconds(600));
    assert_eq!(cluster.names(&CONFIG_MAPS), ["child", "owner"]);
    cluster.patch(&CONFIG_MAPS, "child", json!({"metadata": {"finalizers": null}}));
    cluster.pass(seconds(1));
    assert!(cluster.names(&CONFIG_MAPS).is_empty());
}

#[test]
fn a_foreground_owner_does_not_wait_for_others() {
    let mut cluster = family(false, &["example.com/hold"]);
    cluster.delete(&CONFIG_MAPS, "owner", policy("Foreground"));
    cluster.pass(seconds(1));
    assert_eq!(cluster.names(&CONFIG_MAPS), ["child"]);
    let child = cluster.get(&CONFIG_MAPS, "child").expect("its finalizer holds it");
    assert!(!child["metadata"]["deletionTimestamp"].is_null());
}

#[test]
fn an_object_with_an_owner_left_loses_only_the_reference() {
    let mut cluster = Cluster::without_node();
    let first = cluster.create(&CONFIG_MAPS, config_map("first", json!([])));
    let second = cluster.create(&CONFIG_MAPS, config_map("second", json!([])));
    let owners = json!([owned_by(&first, true), owned_by(&second, true)]);
    cluster.create(&CONFIG_MAPS, config_map("child", owners));
    cluster.delete(&CONFIG_MAPS, "first", Value::Null);
    cluster.pass(seconds(1));
    let child = cluster.get(&CONFIG_MAPS, "child").expect("it has an owner");
    assert_eq!(child["metadata"]["ownerReferences"][0]["name"], "second");
    assert_eq!(child["metadata"]["ownerReferences"].as_array().map(Vec::len), Some(1));
    cluster.delete(&CONFIG_MAPS, "second", Value::Null);
    cluster.pass(seconds(1));
    assert!(cluster.names(&CONFIG_MAPS).is_empty());
}

#[test]
fn an_absent_owner_is_like_a_deleted_one_and_an_unknown_kind_is_not() {
    let mut cluster = Cluster::without_node();
    let reference = |kind: &str| json!([{"apiVersion": "v1", "kind": kind, "name": "nobody", "uid": "11111111-2222-3333-4444-555555555555"}]);
    cluster.create(&CONFIG_MAPS, config_map("absent", reference("ConfigMap")));
    cluster.create(&CONFIG_MAPS, config_map("unknown", reference("Widget")));
    cluster.pass(seconds(3600));
    assert_eq!(cluster.names(&CONFIG_MAPS), ["unknown"]);
}

#[test]
fn a_chain_is_collected_to_its_end() {
    for order in ["Background", "Foreground"] {
        let mut cluster = Cluster::without_node();
        let mut owner = cluster.create(&CONFIG_MAPS, config_map("c-00", json!([])));
        for number in 1..20 {
            let child = config_map(&format!("c-{number:02}"), json!([owned_by(&owner, true)]));
            owner = cluster.create(&CONFIG_MAPS, child);
        }
        cluster.pass(seconds(1));
        cluster.delete(&CONFIG_MAPS, "c-00", policy(order));
        cluster.pass(seconds(5));
        assert!(cluster.names(&CONFIG_MAPS).is_empty(), "{order}");
    }
}
