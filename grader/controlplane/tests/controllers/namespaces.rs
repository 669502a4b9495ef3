//! What is in every namespace, and how namespaces end.

use crate::cluster::{CONFIG_MAPS, Cluster, NAMESPACES, config_map, seconds};
use controlplane::store::ResourceId;
use serde_json::{Value, json};

const ACCOUNTS: ResourceId = ResourceId::known("", "serviceaccounts");

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

#[test]
fn every_namespace_has_an_account_and_the_root_certificate_again_when_they_are_deleted() {
    let mut cluster = Cluster::new();
    for _ in 0..2 {
        assert!(cluster.get(&ACCOUNTS, "default").is_some());
        assert!(cluster.get(&CONFIG_MAPS, "kube-root-ca.crt").is_some());
        cluster.delete(&ACCOUNTS, "default", Value::Null);
        cluster.delete(&CONFIG_MAPS, "kube-root-ca.crt", Value::Null);
        cluster.pass(seconds(1));
    }
}

#[test]
fn a_deleted_namespace_takes_its_content_along() {
    let mut cluster = Cluster::new();
    cluster.create(&NAMESPACES, namespace("shop"));
    let mut held = config_map("held", json!([]));
    held["metadata"]["namespace"] = "shop".into();
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    cluster.create(&CONFIG_MAPS, held);
    cluster.delete(&NAMESPACES, "shop", Value::Null);
    cluster.pass(seconds(60));
    let shop = cluster.get(&NAMESPACES, "shop").expect("a finalizer holds its content");
    let conditions = shop["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let lines: Vec<String> = conditions
        .iter()
        .map(|condition| format!("{} {}: {}", condition["type"], condition["status"], condition["message"]))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    "NamespaceDeletionDiscoveryFailure" "False": "All resources successfully discovered"
    "NamespaceDeletionGroupVersionParsingFailure" "False": "All legacy kube types successfully parsed"
    "NamespaceDeletionContentFailure" "False": "All content successfully deleted, may be waiting on finalization"
    "NamespaceContentRemaining" "True": "Some resources are remaining: configmaps. has 1 resource instances"
    "NamespaceFinalizersRemaining" "True": "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
    "#);
    let now = cluster.now;
    let freed = cluster.plane.act_as("test", now, |api| {
        api.merge_patch(&CONFIG_MAPS, Some("shop"), "held", None, &json!({"metadata": {"finalizers": null}}))
    });
    freed.expect("it is there");
    cluster.pass(seconds(60));
    assert!(cluster.get(&NAMESPACES, "shop").is_none());
}
