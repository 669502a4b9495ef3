//! The life of a CustomResourceDefinition after it was written: its names are accepted, it is established, and
//! when it goes, its objects go first (apiextensions-apiserver/pkg/controller).

use crate::api_server::ApiServer;
use crate::custom_resources::status::{self, CLEANUP};
use crate::endpoint::query::DeleteOptions;
use crate::object;
use crate::resources::CRDS;
use crate::store::{Change, ResourceId};
use crate::strategy;
use crate::verbs::write::Write;
use crate::verbs::{delete, update};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long after a change of its definition a watch of a custom resource still lives.
const LAST_MOMENT: SignedDuration = SignedDuration::from_secs(1);

/// How long a definition is there after it was deleted: clients delete one and begin then to watch it go. A real API
/// server took 12 to 163 ms.
const PAUSE: SignedDuration = SignedDuration::from_millis(50);

/// The definitions on their way out, by name, and when each is taken a step further.
#[derive(Clone, Debug, Default)]
pub(crate) struct Departures(BTreeMap<String, Timestamp>);

impl Departures {
    fn note(&mut self, name: &str, now: Timestamp) {
        self.0.entry(name.to_owned()).or_insert(now + PAUSE);
    }

    fn take_due(&mut self, now: Timestamp) -> Vec<String> {
        let (due, later) = std::mem::take(&mut self.0).into_iter().partition(|(_, at)| *at <= now);
        self.0 = later;
        let due: BTreeMap<String, Timestamp> = due;
        due.into_keys().collect()
    }

    /// When [`advance`] has something to do.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.0.values().min().copied()
    }
}

/// Brings the status of definitions up to date, and notes which of them are being deleted.
pub(crate) fn settle(server: &mut ApiServer, now: Timestamp) {
    let unsettled: Vec<String> = server.resources.unsettled().map(str::to_owned).collect();
    for name in &unsettled {
        let Some(crd) = current(server, name) else { continue };
        if object::is_deleting(&crd) {
            server.departures.note(name, now);
            continue;
        }
        let definitions = server.store.list(&CRDS, None).map(|stored| &*stored.object);
        let others = definitions.filter(|other| object::name(other) != name);
        let named = status::naming(&crd, others, now);
        write_status(server, name, named, now);
        let established = current(server, name).and_then(|crd| status::establishing(&crd, now));
        write_status(server, name, established, now);
        let judged = current(server, name).and_then(|crd| status::approving(&crd, now));
        write_status(server, name, judged, now);
    }
}

/// Ends the watches of a resource whose definition defines it in another way, or not at all any more
/// (apiextensions-apiserver/pkg/apiserver/customresource_handler.go, `tearDown`).
pub(crate) fn end_watches(server: &mut ApiServer, change: &Change, now: Timestamp) {
    let Some(old) = &change.old else { return };
    let as_before = |new: &Value| {
        ["/spec", "/status/acceptedNames"].iter().all(|part| old.pointer(part) == new.pointer(part))
    };
    if !change.new.as_deref().is_some_and(as_before) {
        server.watches.end_at(&defined_by(old), now + LAST_MOMENT);
    }
}

fn defined_by(crd: &Value) -> ResourceId {
    let text = |pointer: &str| crd.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    ResourceId::new(text("/spec/group"), text("/spec/names/plural"))
}

/// A write to a custom resource may have been the last one that a definition on its way out waited for.
pub(crate) fn resume(server: &mut ApiServer, now: Timestamp) {
    let ApiServer { resources, departures, .. } = server;
    for name in resources.terminating() {
        departures.note(name, now);
    }
}

/// Takes the definitions whose time has come a step further on their way out.
pub(crate) fn advance(server: &mut ApiServer, now: Timestamp) {
    for name in server.departures.take_due(now) {
        let crd = current(server, &name).filter(|crd| object::is_deleting(crd));
        if let Some(crd) = crd {
            finalize(server, &crd, now);
        }
    }
}

fn current(server: &ApiServer, name: &str) -> Option<Arc<Value>> {
    server.store.get(&CRDS, "", name).map(|stored| stored.object.clone())
}

fn write_status(server: &mut ApiServer, name: &str, status: Option<Value>, now: Timestamp) {
    let (Some(status), Some(crd)) = (status, current(server, name)) else { return };
    let Some(resource) = server.resources.preferred(&CRDS).cloned() else { return };
    let mut new = (*crd).clone();
    new["status"] = status;
    let mut write = Write { subresource: Some("status"), ..Write::by_server(&resource, &crd, now) };
    // The definition was just read: nothing can have changed it, and it was valid.
    let _ = update::replace(server, &mut write, new);
    server.resources.take_up(&server.store, name);
}

/// Deletes the objects of a definition that is on its way out; without any left, nothing holds it any more.
fn finalize(server: &mut ApiServer, crd: &Arc<Value>, now: Timestamp) {
    if !object::finalizers(crd).any(|finalizer| finalizer == CLEANUP) {
        return;
    }
    let id = defined_by(crd);
    let instances: Vec<Arc<Value>> =
        server.store.list(&id, None).map(|stored| stored.object.clone()).collect();
    if let Some(resource) = server.resources.preferred(&id).cloned() {
        for instance in instances.iter().filter(|instance| !object::is_deleting(instance)) {
            let mut write = Write::by_server(&resource, instance, now);
            // Whatever cannot be deleted now is tried again when something of it changes.
            let _ = delete::delete(server, &mut write, &DeleteOptions::default());
        }
    }
    let finished = server.store.list(&id, None).next().is_none();
    let terminating = status::terminating(crd, finished, now);
    write_status(server, object::name(crd), terminating, now);
    let Some(crd) = current(server, object::name(crd)).filter(|_| finished) else { return };
    let left: Vec<&str> = object::finalizers(&crd).filter(|finalizer| *finalizer != CLEANUP).collect();
    if left.is_empty() {
        server.store.remove(&CRDS, "", object::name(&crd), now);
    } else {
        let mut new = (*crd).clone();
        strategy::set(&mut new["metadata"], "finalizers", Some(left.into_iter().collect()));
        server.store.put(&CRDS, new, now);
    }
    server.resources.take_up(&server.store, object::name(&crd));
}
