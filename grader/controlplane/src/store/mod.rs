//! The objects and their history: what etcd and the watch cache are to a real API server.
//!
//! The store knows no HTTP and no rules. It gives every write the next number of one global sequence (the
//! resourceVersion), keeps the latest writes for watches, and says what changed.

mod history;
mod resource_id;
mod weight;

pub use resource_id::ResourceId;
pub(crate) use weight::weight;

use crate::object;
use history::History;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// One committed write.
#[derive(Clone, Debug)]
pub struct Change {
    /// The write's number: the resourceVersion of `new`, or of the deletion.
    pub revision: u64,
    /// What kind of object changed.
    pub resource: ResourceId,
    /// The object before; none for a creation.
    pub old: Option<Arc<Value>>,
    /// The object after; none for a removal.
    pub new: Option<Arc<Value>>,
    /// When.
    pub at: Timestamp,
}

impl Change {
    /// The object after the change, or before it when it is gone.
    ///
    /// # Panics
    /// On a change that somebody has put together without either.
    pub fn object(&self) -> &Arc<Value> {
        self.new.as_ref().or(self.old.as_ref()).expect("a change has an object before or after it")
    }
}

/// What a control plane remembers, for another one to go on from: see
/// [`Options::restore`](crate::Options::restore).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The number of the latest write.
    pub revision: u64,
    /// Every object as it is stored, under the resource that it is stored as.
    pub objects: Vec<(ResourceId, Arc<Value>)>,
}

/// An object as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) revision: u64,
    pub(crate) object: Arc<Value>,
    weight: usize,
}

/// `namespace/name`, or the name alone for cluster-scoped objects: the order of lists is that of etcd's keys, in which
/// `a-b/x` comes before `a/x`.
type Key = Box<str>;
type Objects = BTreeMap<Key, Stored>;

/// All objects of all resources.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    revision: u64,
    resources: BTreeMap<ResourceId, Objects>,
    /// What all objects weigh together, in bytes.
    weight: usize,
    history: History,
    /// Changes that nobody has been told yet.
    fresh: Vec<Arc<Change>>,
}

pub(crate) fn key(namespace: &str, name: &str) -> Key {
    if namespace.is_empty() { name.into() } else { format!("{namespace}/{name}").into() }
}

impl Store {
    /// Takes up the objects of another store. They count as changes that nobody has been told yet; before them there
    /// is no history.
    pub(crate) fn restore(&mut self, snapshot: Snapshot, at: Timestamp) {
        self.revision = snapshot.revision;
        self.history.compact(snapshot.revision);
        for (resource, object) in snapshot.objects {
            let revision = object::resource_version(&object).parse().unwrap_or(snapshot.revision);
            let key = key(object::namespace(&object), object::name(&object));
            let weight = weight::weight(&object);
            let stored = Stored { revision, object: object.clone(), weight };
            self.weight += weight;
            self.resources.entry(resource.clone()).or_default().insert(key, stored);
            self.fresh.push(Arc::new(Change { revision, resource, old: None, new: Some(object), at }));
        }
    }

    /// Everything that another store needs to go on from here.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let objects = self.resources.iter().flat_map(|(resource, objects)| {
            objects.values().map(|stored| (resource.clone(), stored.object.clone()))
        });
        Snapshot { revision: self.revision, objects: objects.collect() }
    }

    /// How many objects there are of each resource.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&ResourceId, usize)> {
        self.resources.iter().map(|(resource, objects)| (resource, objects.len()))
    }

    /// What all objects weigh together, in bytes of memory.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// The number of the latest write.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// History up to and including this revision is gone: it can be listed or watched from no more.
    pub(crate) fn compacted(&self) -> u64 {
        self.history.compacted()
    }

    pub(crate) fn get(&self, resource: &ResourceId, namespace: &str, name: &str) -> Option<&Stored> {
        self.resources.get(resource)?.get(&key(namespace, name))
    }

    /// Objects of a resource in the order of lists (namespace, name), in one namespace or in all.
    pub(crate) fn list<'a>(
        &'a self,
        resource: &ResourceId,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = &'a Stored> + use<'a> {
        self.entries(resource, namespace, None).map(|(_, stored)| stored)
    }

    /// The same with their keys, from after this key on.
    pub(crate) fn entries<'a>(
        &'a self,
        resource: &ResourceId,
        namespace: Option<&str>,
        after: Option<&str>,
    ) -> impl Iterator<Item = (&'a str, &'a Stored)> + use<'a> {
        let prefix = match namespace {
            None | Some("") => String::new(),
            Some(namespace) => format!("{namespace}/"),
        };
        let start: (Bound<&str>, Bound<&str>) = match after {
            Some(after) if *after > *prefix => (Bound::Excluded(after), Bound::Unbounded),
            _ => (Bound::Included(&prefix), Bound::Unbounded),
        };
        let rest = self.resources.get(resource).map(|objects| objects.range::<str, _>(start));
        rest.into_iter()
            .flatten()
            .take_while(move |(key, _)| key.starts_with(&prefix))
            .map(|(key, stored)| (&**key, stored))
    }

    /// Stores `object` (new or changed) under its name and gives it the next revision.
    pub(crate) fn put(&mut self, resource: &ResourceId, mut object: Value, at: Timestamp) -> Arc<Value> {
        self.revision += 1;
        object::set_metadata(&mut object, "resourceVersion", self.revision.to_string());
        let key = key(object::namespace(&object), object::name(&object));
        let object = Arc::new(object);
        let weight = weight::weight(&object);
        let stored = Stored { revision: self.revision, object: object.clone(), weight };
        let objects = match self.resources.get_mut(resource) {
            Some(objects) => objects,
            None => self.resources.entry(resource.clone()).or_default(),
        };
        let old = objects.insert(key, stored);
        self.weight += weight;
        self.weight -= old.as_ref().map_or(0, |old| old.weight);
        self.record(resource, old.map(|old| old.object), Some(object.clone()), weight, at);
        object
    }

    /// Removes an object. The answer is the object as it was, under the revision of its removal.
    pub(crate) fn remove(
        &mut self,
        resource: &ResourceId,
        namespace: &str,
        name: &str,
        at: Timestamp,
    ) -> Option<Arc<Value>> {
        let stored = self.resources.get_mut(resource)?.remove(&key(namespace, name))?;
        self.weight -= stored.weight;
        self.revision += 1;
        let mut gone = (*stored.object).clone();
        object::set_metadata(&mut gone, "resourceVersion", self.revision.to_string());
        let gone = Arc::new(gone);
        self.record(resource, Some(stored.object), None, stored.weight, at);
        Some(gone)
    }

    fn record(
        &mut self,
        resource: &ResourceId,
        old: Option<Arc<Value>>,
        new: Option<Arc<Value>>,
        weight: usize,
        at: Timestamp,
    ) {
        let change = Arc::new(Change { revision: self.revision, resource: resource.clone(), old, new, at });
        self.history.push(change.clone(), weight);
        self.fresh.push(change);
    }

    /// The changes after `revision`, oldest first; `Err` when some of them are gone.
    pub(crate) fn changes_after(
        &self,
        revision: u64,
    ) -> Result<impl Iterator<Item = &Arc<Change>>, Compacted> {
        self.history.after(revision)
    }

    /// The changes since the last call.
    pub(crate) fn take_fresh(&mut self) -> Vec<Arc<Change>> {
        std::mem::take(&mut self.fresh)
    }

    /// Forgets the history up to and including `revision`.
    pub(crate) fn compact(&mut self, revision: u64) {
        self.history.compact(revision.min(self.revision));
    }
}

/// The asked-for history is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compacted;
