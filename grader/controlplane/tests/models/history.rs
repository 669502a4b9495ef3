//! The store, its history, and its watchers.
//!
//! The model keeps a full copy of everything after every write, and knows when which of them is forgotten. A client
//! knows only what the server told it: it lists, watches, is cut off, resumes, meets 410 and lists again, and must
//! have exactly the server's state whenever its watch is open.

use crate::cluster::{MERGE, send, watch};
use controlplane::{ControlPlane, Options, Timestamp, WatchId};
use http::{Method, StatusCode};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const COMPACTION: Duration = Duration::from_secs(60);
/// One name begins with the other, and comes after it in lists of all namespaces.
const NAMESPACES: [&str; 2] = ["team", "team-b"];

/// `namespace/name`: the order of lists.
type Key = String;

#[derive(Clone, Debug, PartialEq)]
struct Object {
    color: &'static str,
    data: u8,
    /// The write that made it so.
    write: usize,
}

type Objects = BTreeMap<Key, Object>;

/// What a list or a watch is about.
#[derive(Clone, Copy, Debug)]
struct Scope {
    namespace: Option<&'static str>,
    color: Option<&'static str>,
}

impl Scope {
    fn of(self, objects: &Objects) -> Objects {
        let inside = |key: &Key| self.namespace.is_none_or(|name| key.starts_with(&format!("{name}/")));
        let wanted = |object: &Object| self.color.is_none_or(|color| object.color == color);
        let chosen = objects.iter().filter(|(key, object)| inside(key) && wanted(object));
        chosen.map(|(key, object)| (key.clone(), object.clone())).collect()
    }

    fn target(self, options: &str) -> String {
        let place = self.namespace.map(|namespace| format!("/namespaces/{namespace}")).unwrap_or_default();
        let selector = self.color.map(|color| format!("&labelSelector=color%3D{color}")).unwrap_or_default();
        format!("/api/v1{place}/configmaps?{options}{selector}")
    }
}

#[derive(Clone, Debug)]
struct Model {
    /// Everything after each write; the first is empty.
    versions: Vec<Objects>,
    /// Versions before this one are forgotten.
    forgotten: usize,
    marked: usize,
    seconds: u64,
}

#[derive(Clone, Debug)]
enum Step {
    Put { key: Key, color: &'static str, data: u8 },
    Remove { key: Key },
    Wait { seconds: u64 },
    ListAt { version: prop::sample::Index, scope: Scope },
    StartPages { limit: usize, scope: Scope },
    NextPage,
    Watch { client: usize, scope: Scope, bookmarks: bool, seconds: u64 },
    CutOff { client: usize },
    Resume { client: usize },
}

impl Model {
    fn now(&self) -> &Objects {
        self.versions.last().expect("there is a first version")
    }

    fn write(&mut self, change: impl FnOnce(&mut Objects, usize)) {
        let mut objects = self.now().clone();
        change(&mut objects, self.versions.len());
        self.versions.push(objects);
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { versions: vec![Objects::new()], forgotten: 0, marked: 0, seconds: 0 }).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        let key = || {
            (prop::sample::select(&NAMESPACES[..]), "[a-d]")
                .prop_map(|(space, name)| format!("{space}/{name}"))
        };
        let color = || prop::sample::select(vec!["red", "blue"]);
        let scope = || {
            (prop::option::of(prop::sample::select(&NAMESPACES[..])), prop::option::of(color()))
                .prop_map(|(namespace, color)| Scope { namespace, color })
        };
        let client = || 0..3_usize;
        prop_oneof![
            8 => (key(), color(), 0..3_u8).prop_map(|(key, color, data)| Step::Put { key, color, data }),
            4 => key().prop_map(|key| Step::Remove { key }),
            2 => (1..50_u64).prop_map(|seconds| Step::Wait { seconds }),
            2 => (any::<prop::sample::Index>(), scope())
                .prop_map(|(version, scope)| Step::ListAt { version, scope }),
            1 => (1..4_usize, scope()).prop_map(|(limit, scope)| Step::StartPages { limit, scope }),
            2 => Just(Step::NextPage),
            2 => (client(), scope(), any::<bool>(), 1..100_u64).prop_map(
                |(client, scope, bookmarks, seconds)| Step::Watch { client, scope, bookmarks, seconds }
            ),
            2 => client().prop_map(|client| Step::CutOff { client }),
            2 => client().prop_map(|client| Step::Resume { client }),
        ]
        .boxed()
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        match step {
            Step::Put { key, color, data } => {
                let same = state.now().get(key).is_some_and(|o| (o.color, o.data) == (*color, *data));
                if !same {
                    state.write(|objects, write| {
                        objects.insert(key.clone(), Object { color, data: *data, write });
                    });
                }
            }
            Step::Remove { key } if state.now().contains_key(key) => {
                state.write(|objects, _| {
                    objects.remove(key);
                });
            }
            Step::Wait { seconds } => {
                let every = COMPACTION.as_secs();
                let ticks = (state.seconds + seconds) / every - state.seconds / every;
                for _ in 0..ticks {
                    state.forgotten = state.forgotten.max(state.marked);
                    state.marked = state.versions.len() - 1;
                }
                state.seconds += seconds;
            }
            _ => {}
        }
        state
    }
}

/// What a client has heard.
#[derive(Debug)]
struct Client {
    scope: Scope,
    bookmarks: bool,
    seconds: u64,
    seen: u64,
    view: BTreeMap<Key, Value>,
    open: Option<WatchId>,
}

#[derive(Debug)]
struct Pages {
    scope: Scope,
    limit: usize,
    version: usize,
    last: Option<Key>,
    token: String,
}

struct Cluster {
    plane: ControlPlane,
    now: Timestamp,
    /// The revision of the model's first version.
    base: u64,
    clients: BTreeMap<usize, Client>,
    pages: Option<Pages>,
}

impl Cluster {
    fn get(&mut self, target: &str) -> (StatusCode, Value) {
        send(&mut self.plane, self.now, Method::GET, target, "application/json", &Value::Null)
    }

    /// Lists and then watches from there.
    fn start(&mut self, client: usize, scope: Scope, bookmarks: bool, seconds: u64) {
        let (status, list) = self.get(&scope.target(""));
        assert_eq!(status, StatusCode::OK);
        let items = list["items"].as_array().expect("a list has items");
        let view = items.iter().map(|object| (key_of(object), object.clone())).collect();
        let seen = number(&list["metadata"]["resourceVersion"]);
        self.clients.insert(client, Client { scope, bookmarks, seconds, seen, view, open: None });
        self.resume(client);
    }

    fn resume(&mut self, id: usize) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let target = client.scope.target(&format!(
            "watch=true&resourceVersion={}&timeoutSeconds={}&allowWatchBookmarks={}",
            client.seen, client.seconds, client.bookmarks
        ));
        client.open = Some(watch(&mut self.plane, self.now, &target));
        self.deliver();
    }

    fn cut_off(&mut self, client: usize) {
        if let Some(id) = self.clients.get_mut(&client).and_then(|client| client.open.take()) {
            self.plane.close_watch(id);
        }
    }

    /// Hands the frames to the clients; those that are told that history is gone start again.
    fn deliver(&mut self) {
        let mut expired = Vec::new();
        let frames = self.plane.take_frames();
        let ended = self.plane.take_ended();
        for (id, frame) in frames {
            let Some((name, client)) = self.clients.iter_mut().find(|(_, client)| client.open == Some(id))
            else {
                continue;
            };
            let event: Value = serde_json::from_slice(&frame).expect("a frame is JSON");
            if event["type"] == "ERROR" {
                assert_eq!(event["object"]["code"], 410, "{event}");
                expired.push(*name);
            } else {
                client.hear(&event);
            }
        }
        for client in self.clients.values_mut() {
            client.open = client.open.filter(|id| !ended.contains(id));
        }
        for name in expired {
            let Client { scope, bookmarks, seconds, .. } = self.clients[&name];
            self.start(name, scope, bookmarks, seconds);
        }
    }
}

impl Client {
    fn hear(&mut self, event: &Value) {
        let object = &event["object"];
        let revision = number(&object["metadata"]["resourceVersion"]);
        if event["type"] == "BOOKMARK" {
            assert!(self.bookmarks, "nobody asked for a bookmark");
            assert!(revision >= self.seen, "a bookmark goes back from {} to {revision}", self.seen);
            self.seen = revision;
            return;
        }
        assert!(revision > self.seen, "event {revision} comes after {}", self.seen);
        self.seen = revision;
        let key = key_of(object);
        let known = self.view.contains_key(&key);
        match event["type"].as_str() {
            Some("ADDED") => assert!(!known, "{key} is added twice"),
            Some("MODIFIED") => assert!(known, "{key} is modified before it is added"),
            Some("DELETED") => assert!(known, "{key} is deleted before it is added"),
            other => panic!("an event of type {other:?}"),
        }
        if event["type"] == "DELETED" {
            self.view.remove(&key);
        } else {
            self.view.insert(key, object.clone());
        }
    }
}

struct HistoryTest;

impl StateMachineTest for HistoryTest {
    type SystemUnderTest = Cluster;
    type Reference = Model;

    fn init_test(_: &Model) -> Cluster {
        let now = Timestamp::UNIX_EPOCH;
        let compaction = COMPACTION.try_into().ok();
        let mut plane = ControlPlane::new(Options { start: now, compaction, ..Options::default() });
        for name in NAMESPACES {
            let namespace = json!({"metadata": {"name": name}});
            send(&mut plane, now, Method::POST, "/api/v1/namespaces", "application/json", &namespace);
        }
        Cluster { base: plane.revision(), plane, now, clients: BTreeMap::new(), pages: None }
    }

    fn apply(mut cluster: Cluster, model: &Model, step: Step) -> Cluster {
        match step {
            Step::Put { key, color, data } => {
                let (namespace, name) = key.split_once('/').expect("a key has two parts");
                let folder = format!("/api/v1/namespaces/{namespace}/configmaps");
                let content = json!({"metadata": {"name": name, "labels": {"color": color}}, "data": {"n": data.to_string()}});
                let (plane, now) = (&mut cluster.plane, cluster.now);
                let (status, _) = send(plane, now, Method::POST, &folder, "application/json", &content);
                if status == StatusCode::CONFLICT {
                    let item = format!("{folder}/{name}");
                    let (status, object) = send(plane, now, Method::PATCH, &item, MERGE, &content);
                    assert_eq!(status, StatusCode::OK, "{object}");
                } else {
                    assert_eq!(status, StatusCode::CREATED);
                }
            }
            Step::Remove { key } => {
                let (namespace, name) = key.split_once('/').expect("a key has two parts");
                let item = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
                let plane = &mut cluster.plane;
                send(plane, cluster.now, Method::DELETE, &item, "application/json", &Value::Null);
            }
            Step::Wait { seconds } => {
                let end = cluster.now + Duration::from_secs(seconds);
                while let Some(wake) = cluster.plane.next_wake().filter(|wake| *wake <= end) {
                    cluster.plane.advance(wake);
                }
                cluster.now = end;
            }
            Step::ListAt { version, scope } => {
                let version = version.index(model.versions.len());
                let revision = cluster.base + version as u64;
                let options = format!("resourceVersion={revision}&resourceVersionMatch=Exact");
                let (status, list) = cluster.get(&scope.target(&options));
                if version < model.forgotten {
                    assert_eq!(status, StatusCode::GONE);
                } else {
                    assert_eq!(number(&list["metadata"]["resourceVersion"]), revision);
                    assert_same(&list["items"], &scope.of(&model.versions[version]), cluster.base);
                }
            }
            Step::StartPages { limit, scope } => {
                let version = model.versions.len() - 1;
                let pages = Pages { scope, limit, version, last: None, token: String::new() };
                cluster.pages = Some(pages);
                cluster.next_page(model);
            }
            Step::NextPage => cluster.next_page(model),
            Step::Watch { client, scope, bookmarks, seconds } => {
                cluster.cut_off(client);
                cluster.start(client, scope, bookmarks, seconds);
            }
            Step::CutOff { client } => cluster.cut_off(client),
            Step::Resume { client } => {
                if cluster.clients.get(&client).is_some_and(|client| client.open.is_none()) {
                    cluster.resume(client);
                }
            }
        }
        cluster.deliver();
        cluster
    }

    fn check_invariants(cluster: &Cluster, model: &Model) {
        assert_eq!(cluster.plane.revision() - cluster.base, model.versions.len() as u64 - 1);
        for client in cluster.clients.values().filter(|client| client.open.is_some()) {
            let view: Value = client.view.values().cloned().collect();
            assert_same(&view, &client.scope.of(model.now()), cluster.base);
        }
    }
}

impl Cluster {
    fn next_page(&mut self, model: &Model) {
        let Some(pages) = self.pages.take() else { return };
        let options = format!("limit={}&continue={}", pages.limit, pages.token);
        let (status, list) = self.get(&pages.scope.target(&options));
        if !pages.token.is_empty() && pages.version < model.forgotten {
            assert_eq!(status, StatusCode::GONE);
            return;
        }
        assert_eq!(number(&list["metadata"]["resourceVersion"]), self.base + pages.version as u64);
        let mut left = pages.scope.of(&model.versions[pages.version]);
        left.retain(|key, _| pages.last.as_ref().is_none_or(|last| key > last));
        let page: Objects = left.iter().take(pages.limit).map(|(k, o)| (k.clone(), o.clone())).collect();
        assert_same(&list["items"], &page, self.base);
        if pages.scope.color.is_none() {
            let remaining = left.len() - page.len();
            let expected = if remaining > 0 { json!(remaining) } else { Value::Null };
            assert_eq!(list["metadata"]["remainingItemCount"], expected);
        }
        let token = list["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
        assert!(left.len() == page.len() || !token.is_empty(), "more objects, but no way to them");
        if !token.is_empty() {
            self.pages =
                Some(Pages { last: page.last_key_value().map(|(key, _)| key.clone()), token, ..pages });
        }
    }
}

fn assert_same(items: &Value, expected: &Objects, base: u64) {
    let shown: Vec<(Key, Value)> = items.as_array().into_iter().flatten().map(summary).collect();
    let wanted: Vec<(Key, Value)> = expected
        .iter()
        .map(|(key, object)| {
            let revision = (base + object.write as u64).to_string();
            (key.clone(), json!([object.color, object.data.to_string(), revision]))
        })
        .collect();
    assert_eq!(shown, wanted);
}

fn summary(object: &Value) -> (Key, Value) {
    let metadata = &object["metadata"];
    (key_of(object), json!([metadata["labels"]["color"], object["data"]["n"], metadata["resourceVersion"]]))
}

fn key_of(object: &Value) -> Key {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    format!("{}/{}", text("namespace"), text("name"))
}

fn number(revision: &Value) -> u64 {
    revision.as_str().and_then(|text| text.parse().ok()).expect("a resourceVersion is a number")
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn lists_and_watches_tell_the_whole_history(sequential 1..60 => HistoryTest);
}
