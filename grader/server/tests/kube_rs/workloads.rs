//! What the cluster's own controllers do.

use crate::cluster::{eventually, story};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{DeleteParams, EvictParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

#[test]
fn a_namespace_goes_with_everything_in_it() {
    story(|client, namespace| async move {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let inner = json!({"metadata": {"name": format!("{namespace}-inner")}});
        let inner: Namespace = serde_json::from_value(inner).expect("a Namespace");
        let inner = namespaces.create(&PostParams::default(), &inner).await.expect("created").name_any();
        let maps: Api<ConfigMap> = Api::namespaced(client, &inner);
        let held = json!({"metadata": {"name": "held", "finalizers": ["example.com/hold"]}});
        let held: ConfigMap = serde_json::from_value(held).expect("a ConfigMap");
        maps.create(&PostParams::default(), &held).await.expect("created");
        namespaces.delete(&inner, &DeleteParams::default()).await.expect("deleted");
        eventually("what is in it is deleted", async || {
            maps.get("held").await.expect("it has a finalizer").metadata.deletion_timestamp.is_some()
        })
        .await;
        let phase = namespaces.get(&inner).await.expect("it waits").status.and_then(|status| status.phase);
        assert_eq!(phase.as_deref(), Some("Terminating"));
        let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        maps.patch("held", &PatchParams::default(), &release).await.expect("released");
        eventually("the namespace is gone", async || {
            namespaces.get_opt(&inner).await.expect("an answer").is_none()
        })
        .await;
    });
}

#[test]
fn a_deployment_scales_loses_a_pod_and_goes() {
    story(|client, namespace| async move {
        let deployments: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
        let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), &namespace);
        let pods: Api<Pod> = Api::namespaced(client, &namespace);
        let deployment = json!({
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "web", "image": "example.com/web"}]},
                },
            },
        });
        let deployment: Deployment = serde_json::from_value(deployment).expect("a Deployment");
        let created = deployments.create(&PostParams::default(), &deployment).await.expect("created");
        assert_eq!(created.spec.and_then(|spec| spec.revision_history_limit), Some(10));
        let alive = async || -> Vec<String> {
            let all = pods.list(&ListParams::default().labels("app=web")).await.expect("a list");
            let alive = all.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
            alive.map(ResourceExt::name_any).collect()
        };
        eventually("it has two Pods", async || alive().await.len() == 2).await;
        let three = Patch::Merge(json!({"spec": {"replicas": 3}}));
        let scale = deployments.patch_scale("web", &PatchParams::default(), &three).await.expect("scaled");
        assert_eq!(scale.spec.and_then(|spec| spec.replicas), Some(3));
        eventually("it has three Pods", async || alive().await.len() == 3).await;
        let victim = alive().await.remove(0);
        pods.evict(&victim, &EvictParams::default()).await.expect("evicted");
        eventually("another Pod takes its place", async || {
            let now = alive().await;
            now.len() == 3 && !now.contains(&victim)
        })
        .await;
        deployments.delete("web", &DeleteParams::foreground()).await.expect("deleted");
        eventually("its Pods and ReplicaSets go with it", async || {
            alive().await.is_empty()
                && sets.list(&ListParams::default()).await.expect("a list").items.is_empty()
        })
        .await;
    });
}
