//! The client: objects come, change and go.

use crate::cluster::{refusal, story};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{ObjectMeta, Status};
use kube::discovery::{Discovery, Scope, verbs};
use kube::{Api, ResourceExt};
use serde_json::json;
use std::collections::BTreeMap;

fn config_map(name: &str, data: &[(&str, &str)]) -> ConfigMap {
    let data = data.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let labels = BTreeMap::from([("story".to_owned(), "objects".to_owned())]);
    let metadata = ObjectMeta { name: Some(name.to_owned()), labels: Some(labels), ..ObjectMeta::default() };
    ConfigMap { metadata, data: Some(data), ..ConfigMap::default() }
}

#[test]
fn objects_come_change_and_go() {
    story(|client, namespace| async move {
        let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
        let post = PostParams::default();
        for name in ["a", "b", "c", "d", "e"] {
            let created = maps.create(&post, &config_map(name, &[("name", name)])).await.expect("created");
            assert!(created.uid().is_some() && created.resource_version().is_some());
        }
        assert_eq!(refusal(maps.create(&post, &config_map("a", &[])).await), 409);
        assert_eq!(refusal(maps.create(&post, &config_map("No_Name", &[])).await), 422);
        assert_eq!(refusal(maps.get("absent").await), 404);
        assert!(maps.get_opt("absent").await.expect("an answer").is_none());
        let metadata = maps.get_metadata("a").await.expect("metadata alone");
        assert_eq!(metadata.name_any(), "a");

        let some = maps.list(&ListParams::default().labels("story=objects").fields("metadata.name!=c")).await;
        let names: Vec<String> = some.expect("a list").iter().map(ResourceExt::name_any).collect();
        assert_eq!(names, ["a", "b", "d", "e"]);
        let mut pages = ListParams::default().labels("story").limit(2);
        let mut names = Vec::new();
        loop {
            let page = maps.list(&pages).await.expect("a page");
            names.extend(page.items.iter().map(ResourceExt::name_any));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => pages = pages.continue_token(&token),
                None => break,
            }
        }
        assert_eq!(names, ["a", "b", "c", "d", "e"]);

        let stale = maps.get("a").await.expect("an object");
        let mut fresh = stale.clone();
        fresh.data = Some(BTreeMap::from([("mine".to_owned(), "1".to_owned())]));
        maps.replace("a", &post, &fresh).await.expect("the first update is taken");
        assert_eq!(refusal(maps.replace("a", &post, &stale).await), 409);

        let dry = PostParams { dry_run: true, ..PostParams::default() };
        maps.create(&dry, &config_map("dry", &[])).await.expect("a dry run");
        assert_eq!(refusal(maps.get("dry").await), 404);

        let other = Preconditions { uid: Some("other".to_owned()), ..Preconditions::default() };
        let unless_other = DeleteParams::default().preconditions(other);
        assert_eq!(refusal(maps.delete("a", &unless_other).await), 409);
        let deleted = maps.delete("a", &DeleteParams::default()).await.expect("deleted");
        assert!(deleted.right().is_some_and(|status: Status| status.is_success()));
        let selected = ListParams::default().labels("story=objects");
        maps.delete_collection(&DeleteParams::default(), &selected).await.expect("a collection is deleted");
        assert!(maps.list(&selected).await.expect("a list").items.is_empty());
    });
}

#[test]
fn patches_of_every_kind() {
    story(|client, namespace| async move {
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
        maps.create(&PostParams::default(), &config_map("m", &[("a", "1"), ("b", "1")]))
            .await
            .expect("created");
        let merge = Patch::Merge(json!({"data": {"a": "2", "b": null}}));
        let merged = maps.patch("m", &PatchParams::default(), &merge).await.expect("merged");
        assert_eq!(merged.data, Some(BTreeMap::from([("a".to_owned(), "2".to_owned())])));
        let steps = serde_json::from_value(json!([
            {"op": "test", "path": "/data/a", "value": "2"},
            {"op": "add", "path": "/data/c", "value": "3"},
        ]));
        let patch = Patch::Json::<()>(steps.expect("a patch"));
        let patched = maps.patch("m", &PatchParams::default(), &patch).await.expect("patched");
        assert_eq!(patched.data.expect("data").len(), 2);
        assert_eq!(
            refusal(
                maps.patch(
                    "m",
                    &PatchParams::default(),
                    &Patch::Json::<()>(
                        serde_json::from_value(json!([{"op": "test", "path": "/data/a", "value": "9"}]))
                            .expect("a patch"),
                    )
                )
                .await
            ),
            422
        );

        let apply = |data| {
            Patch::Apply(json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": data,
            }))
        };
        let (one, two) = (PatchParams::apply("one"), PatchParams::apply("two"));
        maps.patch("applied", &one, &apply(json!({"a": "1", "b": "1"}))).await.expect("apply creates");
        assert_eq!(refusal(maps.patch("applied", &two, &apply(json!({"a": "2"}))).await), 409);
        maps.patch("applied", &two.clone().force(), &apply(json!({"a": "2"}))).await.expect("force takes it");
        let last = maps.patch("applied", &one, &apply(json!({}))).await.expect("applied");
        assert_eq!(last.data, Some(BTreeMap::from([("a".to_owned(), "2".to_owned())])));

        let secrets: Api<Secret> = Api::namespaced(client, &namespace);
        let secret = json!({"metadata": {"name": "s"}, "stringData": {"password": "hunter2"}});
        let secret: Secret = serde_json::from_value(secret).expect("a Secret");
        let created = secrets.create(&PostParams::default(), &secret).await.expect("created");
        assert_eq!(created.data.expect("data")["password"].0, b"hunter2");
    });
}

#[test]
fn a_lease_changes_hands() {
    story(|client, namespace| async move {
        let leases: Api<Lease> = Api::namespaced(client, &namespace);
        let now: Timestamp = "2026-01-01T00:00:00.123456Z".parse().expect("a time");
        let lease = Lease {
            metadata: ObjectMeta { name: Some("leader".to_owned()), ..ObjectMeta::default() },
            spec: Some(LeaseSpec {
                holder_identity: Some("one".to_owned()),
                lease_duration_seconds: Some(15),
                acquire_time: Some(MicroTime(now)),
                ..LeaseSpec::default()
            }),
        };
        let mut held = leases.create(&PostParams::default(), &lease).await.expect("created");
        let spec = held.spec.as_mut().expect("a spec");
        assert_eq!(spec.acquire_time.as_ref().map(|time| time.0), Some(now));
        spec.holder_identity = Some("two".to_owned());
        let mut late = held.clone();
        leases.replace("leader", &PostParams::default(), &held).await.expect("the other one takes it");
        late.spec.as_mut().expect("a spec").holder_identity = Some("three".to_owned());
        assert_eq!(refusal(leases.replace("leader", &PostParams::default(), &late).await), 409);
    });
}

#[test]
fn kinds_are_discovered() {
    story(|client, namespace| async move {
        let discovery = Discovery::new(client.clone()).run_aggregated().await.expect("discovery");
        let apps = discovery.get("apps").expect("a group");
        let (deployment, capabilities) = apps.recommended_kind("Deployment").expect("a kind");
        assert_eq!((deployment.plural.as_str(), &capabilities.scope), ("deployments", &Scope::Namespaced));
        assert!(capabilities.supports_operation(verbs::WATCH));
        let core = discovery.get("").expect("the core group");
        let (kind, _) = core.recommended_kind("ConfigMap").expect("a kind");
        let maps: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, &kind);
        let map = DynamicObject::new("dynamic", &kind).data(json!({"data": {"a": "b"}}));
        let created = maps.create(&PostParams::default(), &map).await.expect("created");
        assert_eq!(created.data["data"], json!({"a": "b"}));
        let version = client.apiserver_version().await.expect("a version");
        assert_eq!(version.major, "1");
    });
}
