//! Twenty clients of all kinds for a while: no error, no growth of memory, no watch that falls silent.

use crate::client::{Access, Failure};
use crate::cluster::Running;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

const WRITERS: usize = 8;
const LISTERS: usize = 4;
const WATCHERS: usize = 8;
const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
/// A writer rests this long between two rounds: a busy operator, not a flood.
const REST: Duration = Duration::from_millis(10);
/// Writers never rest longer than a fraction of this, so a watch that is silent for so long is stuck.
const SILENCE: Duration = Duration::from_secs(10);
/// A round keeps its last objects, so that what is stored stays the same.
const KEPT: u64 = 20;

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    events: AtomicU64,
    reopened: AtomicU64,
}

/// Runs all clients for this long.
pub(crate) async fn soak(length: Duration) -> Result<(), Failure> {
    let cluster = Running::ours().await?;
    let counts = Arc::new(Counts::default());
    let start = Instant::now();
    let end = start + length;
    let mut clients = tokio::task::JoinSet::new();
    for index in 0..WRITERS {
        let namespace = json!({"metadata": {"name": space(index)}});
        let mut client = cluster.access.client().await?;
        client.expect(Method::POST, "/api/v1/namespaces", JSON, namespace.to_string()).await?;
        clients.spawn(write(cluster.access.clone(), index, end, counts.clone()));
    }
    for _ in 0..LISTERS {
        clients.spawn(list(cluster.access.clone(), end, counts.clone()));
    }
    for index in 0..WATCHERS {
        clients.spawn(watch(cluster.access.clone(), index, end, counts.clone()));
    }
    println!("| minute | requests | events | watches opened again | memory, MiB |\n|---|---|---|---|---|");
    let mut report = tokio::time::interval(length / 10);
    report.tick().await;
    loop {
        tokio::select! {
            _ = report.tick(), if Instant::now() < end => {
                let number = |count: &AtomicU64| count.load(Ordering::Relaxed);
                println!(
                    "| {:.1} | {} | {} | {} | {:.1} |",
                    start.elapsed().as_secs_f64() / 60.0,
                    number(&counts.requests),
                    number(&counts.events),
                    number(&counts.reopened),
                    cluster.memory().unwrap_or_default(),
                );
            }
            client = clients.join_next() => match client {
                Some(outcome) => outcome??,
                None => break,
            },
        }
    }
    println!("no error, no silent watch");
    Ok(())
}

fn space(index: usize) -> String {
    format!("soak-{index}")
}

/// Creates, changes in every way, and removes again.
async fn write(access: Access, index: usize, end: Instant, counts: Arc<Counts>) -> Result<(), Failure> {
    let mut client = access.client().await?;
    let folder = format!("/api/v1/namespaces/{}/configmaps", space(index));
    for round in 0.. {
        if Instant::now() > end {
            break;
        }
        let item = format!("{folder}/object-{round}");
        let object = json!({"metadata": {"name": format!("object-{round}"), "labels": {"round": round.to_string()}}, "data": {"a": "1"}});
        let created = client.expect(Method::POST, &folder, JSON, object.to_string()).await?;
        let mut object: Value = serde_json::from_slice(&created)?;
        let (status, _) = client.send(Method::POST, &folder, JSON, created).await?;
        if status != StatusCode::CONFLICT && status != StatusCode::INTERNAL_SERVER_ERROR {
            return Err(format!("a second creation is answered with {status}").into());
        }
        client.expect(Method::PATCH, &item, MERGE, r#"{"data":{"b":"2"}}"#).await?;
        let (status, _) = client.send(Method::PUT, &item, JSON, object.to_string()).await?;
        if status != StatusCode::CONFLICT {
            return Err(format!("a stale write is answered with {status}").into());
        }
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("resourceVersion");
        }
        client.expect(Method::PUT, &item, JSON, object.to_string()).await?;
        let applied = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"c": round.to_string()}});
        let target = format!("{item}?fieldManager=soak&force=true");
        client.expect(Method::PATCH, &target, APPLY, applied.to_string()).await?;
        client.expect(Method::GET, &item, JSON, "").await?;
        if round >= KEPT {
            client.expect(Method::DELETE, &format!("{folder}/object-{}", round - KEPT), JSON, "").await?;
        }
        counts.requests.fetch_add(8, Ordering::Relaxed);
        sleep(REST).await;
    }
    Ok(())
}

/// Lists everything, in pages.
async fn list(access: Access, end: Instant, counts: Arc<Counts>) -> Result<(), Failure> {
    let mut client = access.client().await?;
    while Instant::now() < end {
        let mut next = String::new();
        loop {
            let target = format!("/api/v1/configmaps?limit=25&continue={next}");
            let page: Value = serde_json::from_slice(&client.expect(Method::GET, &target, JSON, "").await?)?;
            counts.requests.fetch_add(1, Ordering::Relaxed);
            next = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if next.is_empty() {
                break;
            }
        }
        sleep(REST).await;
    }
    Ok(())
}

/// Lists and watches, again and again, and compares what it has heard with what is there.
async fn watch(access: Access, index: usize, end: Instant, counts: Arc<Counts>) -> Result<(), Failure> {
    let mut connection = access.watcher().await?;
    let folder = format!("/api/v1/namespaces/{}/configmaps", space(index % WRITERS));
    let mut view = BTreeMap::new();
    let mut seen = relist(&access, &folder, &mut view).await?;
    while Instant::now() < end {
        let target =
            format!("{folder}?watch=true&timeoutSeconds=5&allowWatchBookmarks=true&resourceVersion={seen}");
        let mut events = connection.watch(&target).await?;
        while let Some(event) = timeout(SILENCE, events.next()).await.map_err(|_| "a watch fell silent")?? {
            let event: Value = serde_json::from_slice(&event)?;
            counts.events.fetch_add(1, Ordering::Relaxed);
            let object = &event["object"];
            let (name, revision) = identity(object);
            if revision < seen || (revision == seen && event["type"] != "BOOKMARK") {
                return Err(format!("event {revision} comes after {seen}").into());
            }
            seen = revision;
            match event["type"].as_str().unwrap_or_default() {
                "ADDED" | "MODIFIED" => {
                    view.insert(name, revision);
                }
                "DELETED" => {
                    view.remove(&name);
                }
                "BOOKMARK" => {}
                _ => return Err(event.to_string().into()),
            }
        }
        counts.reopened.fetch_add(1, Ordering::Relaxed);
    }
    // Writers have stopped or are about to: hear the last of it, then compare.
    sleep(Duration::from_secs(1)).await;
    let target = format!("{folder}?watch=true&timeoutSeconds=1&resourceVersion={seen}");
    let mut events = connection.watch(&target).await?;
    while let Some(event) = events.next().await? {
        let event: Value = serde_json::from_slice(&event)?;
        let (name, revision) = identity(&event["object"]);
        if event["type"] == "DELETED" {
            view.remove(&name)
        } else {
            view.insert(name, revision)
        };
    }
    let mut there = BTreeMap::new();
    relist(&access, &folder, &mut there).await?;
    if view != there {
        return Err(format!("a watch of {folder} ends with {view:?}, but there is {there:?}").into());
    }
    Ok(())
}

/// Over a connection of its own: a server ends those that have been idle for as long as a watcher watches.
async fn relist(access: &Access, folder: &str, view: &mut BTreeMap<String, u64>) -> Result<u64, Failure> {
    let mut client = access.client().await?;
    let list: Value = serde_json::from_slice(&client.expect(Method::GET, folder, JSON, "").await?)?;
    view.extend(list["items"].as_array().into_iter().flatten().map(identity));
    Ok(identity(&list).1)
}

fn identity(object: &Value) -> (String, u64) {
    let metadata = &object["metadata"];
    let revision = metadata["resourceVersion"].as_str().and_then(|text| text.parse().ok());
    (metadata["name"].as_str().unwrap_or_default().to_owned(), revision.unwrap_or_default())
}
