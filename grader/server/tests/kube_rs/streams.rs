//! The runtime's watcher and reflector.

use crate::cluster::{eventually, next, story};
use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, reflector};
use kube::{Api, ResourceExt};
use serde_json::json;
use std::collections::BTreeMap;

fn labelled(name: &str) -> ConfigMap {
    let labels = BTreeMap::from([("story".to_owned(), "streams".to_owned())]);
    let metadata = ObjectMeta { name: Some(name.to_owned()), labels: Some(labels), ..ObjectMeta::default() };
    ConfigMap { metadata, ..ConfigMap::default() }
}

async fn a_watcher_tells_everything(maps: Api<ConfigMap>, config: watcher::Config) {
    let post = PostParams::default();
    for name in ["a", "b"] {
        maps.create(&post, &labelled(name)).await.expect("created");
    }
    let mut events = watcher::watcher(maps.clone(), config.labels("story=streams")).boxed();
    let mut first = Vec::new();
    loop {
        match next("the first list", &mut events).await.expect("an event") {
            Event::Init => {}
            Event::InitApply(object) => first.push(object.name_any()),
            Event::InitDone => break,
            other => panic!("before the first list is done: {other:?}"),
        }
    }
    assert_eq!(first, ["a", "b"]);
    maps.create(&post, &labelled("c")).await.expect("created");
    let patch = Patch::Merge(json!({"data": {"x": "y"}}));
    maps.patch("a", &PatchParams::default(), &patch).await.expect("patched");
    maps.delete("b", &DeleteParams::default()).await.expect("deleted");
    // Whoever loses the label goes out of sight.
    let patch = Patch::Merge(json!({"metadata": {"labels": null}}));
    maps.patch("c", &PatchParams::default(), &patch).await.expect("patched");
    let mut told = Vec::new();
    while told.len() < 4 {
        told.push(match next("what happened", &mut events).await.expect("an event") {
            Event::Apply(object) => format!("applied {}", object.name_any()),
            Event::Delete(object) => format!("deleted {}", object.name_any()),
            other => panic!("a new list: {other:?}"),
        });
    }
    assert_eq!(told, ["applied c", "applied a", "deleted b", "deleted c"]);
}

#[test]
fn a_watcher_that_lists_first() {
    story(|client, namespace| {
        a_watcher_tells_everything(Api::namespaced(client, &namespace), watcher::Config::default())
    });
}

#[test]
fn a_watcher_that_streams_its_list() {
    story(|client, namespace| {
        let config = watcher::Config::default().streaming_lists();
        a_watcher_tells_everything(Api::namespaced(client, &namespace), config)
    });
}

#[test]
fn a_watcher_of_metadata_alone() {
    story(|client, namespace| async move {
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
        let metadata: Api<PartialObjectMeta<ConfigMap>> = Api::namespaced(client, &namespace);
        let config = watcher::Config::default().labels("story=streams");
        let mut objects = watcher::watcher(metadata, config).touched_objects().boxed();
        maps.create(&PostParams::default(), &labelled("a")).await.expect("created");
        let seen = next("the object's metadata", &mut objects).await.expect("an object");
        assert_eq!(seen.name_any(), "a");
        maps.delete("a", &DeleteParams::default()).await.expect("deleted");
        let seen = next("its end", &mut objects).await.expect("an object");
        assert_eq!(seen.name_any(), "a");
    });
}

#[test]
fn a_reflector_mirrors_the_cluster() {
    story(|client, namespace| async move {
        let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
        let (reader, writer) = reflector::store();
        let config = watcher::Config::default().labels("story=streams");
        let stream = watcher::watcher(maps.clone(), config).default_backoff().reflect(writer);
        let mirror = tokio::spawn(stream.for_each(|_| std::future::ready(())));
        reader.wait_until_ready().await.expect("the first list");
        for i in 0..20 {
            maps.create(&PostParams::default(), &labelled(&format!("m-{i}"))).await.expect("created");
        }
        eventually("the mirror has all twenty", async || reader.len() == 20).await;
        let patch = Patch::Merge(json!({"data": {"x": "y"}}));
        let changed = maps.patch("m-7", &PatchParams::default(), &patch).await.expect("patched");
        let seven = ObjectRef::new("m-7").within(&namespace);
        eventually("the mirror has the change", async || {
            reader.get(&seven).is_some_and(|seen| seen.resource_version() == changed.resource_version())
        })
        .await;
        let all = kube::api::ListParams::default().labels("story=streams");
        maps.delete_collection(&DeleteParams::default(), &all).await.expect("deleted");
        eventually("the mirror is empty", async || reader.is_empty()).await;
        mirror.abort();
    });
}
