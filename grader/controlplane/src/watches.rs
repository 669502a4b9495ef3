//! Open watches: who hears of which change, and the frames that wait to be taken.

use crate::endpoint::accept::{Accept, Shape};
use crate::endpoint::represent::Representation;
use crate::endpoint::written::Written;
use crate::error::ApiError;
use crate::object;
use crate::request::WatchId;
use crate::resources::Resource;
use crate::store::{Change, ResourceId};
use crate::verbs::selection::Selection;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

/// How often an idle watch with bookmarks hears how far it is (about what the watch cache does).
const BOOKMARK_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// A last bookmark comes this long before the watch times out.
const BOOKMARK_BEFORE_END: SignedDuration = SignedDuration::from_secs(2);

/// One open watch.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    resource: Arc<Resource>,
    namespace: Option<String>,
    selection: Selection,
    representation: Representation,
    /// Changes up to here are known to the client.
    seen: u64,
    bookmarks: bool,
    now: Timestamp,
    ends: Timestamp,
    next_bookmark: Option<Timestamp>,
    /// Whether a Table still has to say what its columns are.
    columns_due: bool,
}

impl Watch {
    #[expect(clippy::too_many_arguments, reason = "everything that a watch is, said once")]
    pub(crate) fn new(
        resource: Arc<Resource>,
        namespace: Option<String>,
        selection: Selection,
        representation: Representation,
        seen: u64,
        bookmarks: bool,
        now: Timestamp,
        ends: Timestamp,
    ) -> Self {
        let mut watch = Self {
            resource,
            namespace,
            selection,
            representation,
            seen,
            bookmarks,
            now,
            ends,
            next_bookmark: None,
            columns_due: true,
        };
        watch.plan_bookmark(now);
        watch
    }

    fn scope(&self) -> Scope {
        (self.resource.storage.clone(), self.namespace.clone())
    }

    fn plan_bookmark(&mut self, now: Timestamp) {
        let last = self.ends - BOOKMARK_BEFORE_END;
        self.next_bookmark = match now + BOOKMARK_EVERY {
            _ if !self.bookmarks => None,
            next if next < last => Some(next),
            _ if now < last => Some(last),
            _ => None,
        };
    }

    fn next_wake(&self) -> Timestamp {
        self.next_bookmark.map_or(self.ends, |at| at.min(self.ends))
    }

    fn is_of(&self, resource: &Resource) -> bool {
        self.resource.storage == resource.storage && self.resource.version == resource.version
    }

    fn selects(&self, object: &Value) -> bool {
        self.namespace.as_deref().is_none_or(|namespace| namespace == object::namespace(object))
            && self.selection.matches(&self.resource, object)
    }

    /// The event that a change is for this watch, if it is one: entering the selection is ADDED, leaving it DELETED.
    fn event(&mut self, change: &Change, known: &mut Known) -> Option<Bytes> {
        if change.revision <= self.seen {
            return None;
        }
        self.seen = change.revision;
        let before = change.old.as_ref().filter(|object| self.selects(object)).cloned();
        let after = change.new.as_ref().filter(|object| self.selects(object)).cloned();
        match (before, after) {
            (None, None) => None,
            (None, Some(new)) => Some(self.shared("ADDED", || new, change.revision, known)),
            (Some(_), Some(new)) => Some(self.shared("MODIFIED", || new, change.revision, known)),
            (Some(old), None) => {
                let gone = || {
                    let mut gone = (*old).clone();
                    object::set_metadata(&mut gone, "resourceVersion", change.revision.to_string());
                    Arc::new(gone)
                };
                Some(self.shared("DELETED", gone, change.revision, known))
            }
        }
    }

    /// A frame that other watches may have as well. Tables are each watch's own: columns come once, ages change.
    fn shared(
        &mut self,
        kind: &'static str,
        object: impl FnOnce() -> Arc<Value>,
        revision: u64,
        known: &mut Known,
    ) -> Bytes {
        let accept = self.representation.accept;
        if matches!(accept.shape, Shape::Table { .. }) {
            return self.frame(kind, &object(), revision);
        }
        let same = |frame: &&KnownFrame| {
            frame.kind == kind && frame.accept == accept && Arc::ptr_eq(&frame.resource, &self.resource)
        };
        if let Some(frame) = known.iter().find(same) {
            return frame.bytes.clone();
        }
        let bytes = self.frame(kind, &object(), revision);
        known.push(KnownFrame { kind, accept, resource: self.resource.clone(), bytes: bytes.clone() });
        bytes
    }

    fn bookmark(&mut self, revision: u64, initial_end: bool) -> Bytes {
        let columns = std::mem::take(&mut self.columns_due);
        let bookmark = self.representation.bookmark(&self.resource, revision, initial_end, columns, self.now);
        self.representation.event("BOOKMARK", self.representation.written(&self.resource, &bookmark))
    }

    fn frame(&mut self, kind: &str, object: &Arc<Value>, revision: u64) -> Bytes {
        let object = self.resource.present(object, revision);
        match self.representation.accept.shape {
            Shape::Plain => {
                self.representation.event(kind, self.representation.written(&self.resource, &object))
            }
            _ => {
                let columns = std::mem::take(&mut self.columns_due);
                let shaped = self.representation.shaped(&self.resource, &object, columns, self.now);
                self.representation.event(kind, Written::of_struct(&shaped))
            }
        }
    }
}

/// The frames of one change so far: most watches of a resource have the same.
type Known = Vec<KnownFrame>;

struct KnownFrame {
    kind: &'static str,
    accept: Accept,
    resource: Arc<Resource>,
    bytes: Bytes,
}

/// A resource, in one namespace or in all.
type Scope = (ResourceId, Option<String>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Watches {
    next: u64,
    open: BTreeMap<WatchId, Watch>,
    /// Which watches a change may concern: how many others there are does not matter to it.
    by_scope: BTreeMap<Scope, BTreeSet<WatchId>>,
    wakes: BTreeSet<(Timestamp, WatchId)>,
    frames: Vec<(WatchId, Bytes)>,
    ended: Vec<WatchId>,
}

impl Watches {
    pub(crate) fn open(&mut self, watch: Watch) -> WatchId {
        self.next += 1;
        let id = WatchId(self.next);
        self.by_scope.entry(watch.scope()).or_default().insert(id);
        self.wakes.insert((watch.next_wake(), id));
        self.open.insert(id, watch);
        id
    }

    /// How many watches are open.
    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn close(&mut self, id: WatchId) {
        if let Some(watch) = self.open.remove(&id) {
            if let Entry::Occupied(mut ids) = self.by_scope.entry(watch.scope()) {
                ids.get_mut().remove(&id);
                if ids.get().is_empty() {
                    ids.remove();
                }
            }
            self.wakes.remove(&(watch.next_wake(), id));
        }
    }

    /// Ends a watch from the server's side.
    pub(crate) fn finish(&mut self, id: WatchId) {
        self.close(id);
        self.ended.push(id);
    }

    pub(crate) fn take_frames(&mut self) -> Vec<(WatchId, Bytes)> {
        std::mem::take(&mut self.frames)
    }

    pub(crate) fn take_ended(&mut self) -> Vec<WatchId> {
        std::mem::take(&mut self.ended)
    }

    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// Sends the bookmarks that are due and ends the watches whose time is over. `told` is up to which revision all
    /// changes of a resource have been published.
    pub(crate) fn advance(&mut self, told: impl Fn(&Resource) -> u64, now: Timestamp) {
        while let Some(&(at, id)) = self.wakes.first()
            && at <= now
        {
            let Some(watch) = self.open.get_mut(&id) else {
                self.wakes.remove(&(at, id));
                continue;
            };
            if watch.ends <= now {
                self.finish(id);
                continue;
            }
            self.wakes.remove(&(at, id));
            watch.seen = watch.seen.max(told(&watch.resource));
            watch.plan_bookmark(now);
            let bookmark = watch.bookmark(watch.seen, false);
            self.wakes.insert((watch.next_wake(), id));
            self.frames.push((id, bookmark));
        }
    }

    /// The watches of a resource, in all its versions and namespaces.
    fn of(&self, resource: &ResourceId) -> impl Iterator<Item = WatchId> {
        let scopes = self.by_scope.range((resource.clone(), None)..);
        scopes.take_while(move |((of, _), _)| of == resource).flat_map(|(_, ids)| ids).copied()
    }

    /// Whether anybody watches this version of a resource.
    pub(crate) fn has(&self, resource: &Resource) -> bool {
        self.of(&resource.storage).any(|id| self.open.get(&id).is_some_and(|watch| watch.is_of(resource)))
    }

    /// Ends all watches of a resource at this time, if they do not end before.
    pub(crate) fn end_at(&mut self, resource: &ResourceId, at: Timestamp) {
        for id in self.of(resource).collect::<Vec<_>>() {
            let Some(watch) = self.open.get_mut(&id) else { continue };
            self.wakes.remove(&(watch.next_wake(), id));
            watch.ends = watch.ends.min(at);
            watch.next_bookmark = watch.next_bookmark.filter(|bookmark| *bookmark < at);
            self.wakes.insert((watch.next_wake(), id));
        }
    }

    /// Ends all watches of this version with an error.
    pub(crate) fn expire(&mut self, resource: &Resource, error: &ApiError) {
        for id in self.of(&resource.storage).collect::<Vec<_>>() {
            if self.open.get(&id).is_some_and(|watch| watch.is_of(resource)) {
                self.send_error(id, error);
                self.finish(id);
            }
        }
    }

    /// The watches that a change may concern.
    fn concerned(&self, change: &Change) -> Vec<WatchId> {
        let namespace = object::namespace(change.object()).to_owned();
        let scopes = [None, Some(namespace)].map(|namespace| (change.resource.clone(), namespace));
        scopes.iter().filter_map(|scope| self.by_scope.get(scope)).flatten().copied().collect()
    }

    /// Tells a change to all who watch the resource in a form that the server knows to make. The answer is the versions
    /// in which it has to be told when a webhook has converted it.
    pub(crate) fn publish(&mut self, change: &Change) -> Vec<Arc<Resource>> {
        let mut converted: Vec<Arc<Resource>> = Vec::new();
        let mut known = Known::new();
        for id in self.concerned(change) {
            let Some(watch) = self.open.get_mut(&id) else { continue };
            if watch.resource.converted_by_webhook().is_some() {
                if !converted.iter().any(|resource| watch.is_of(resource)) {
                    converted.push(watch.resource.clone());
                }
                continue;
            }
            if let Some(frame) = watch.event(change, &mut known) {
                self.frames.push((id, frame));
            }
        }
        converted
    }

    /// Tells a change to all who watch this version, which its objects are in.
    pub(crate) fn publish_converted(&mut self, resource: &Resource, change: &Change) {
        let mut known = Known::new();
        for id in self.concerned(change) {
            let watch = self.open.get_mut(&id).filter(|watch| watch.is_of(resource));
            if let Some(frame) = watch.and_then(|watch| watch.event(change, &mut known)) {
                self.frames.push((id, frame));
            }
        }
    }

    /// A change of the past for one watch.
    pub(crate) fn replay(&mut self, id: WatchId, change: &Change) {
        if let Some(frame) = self.open.get_mut(&id).and_then(|watch| watch.event(change, &mut Known::new())) {
            self.frames.push((id, frame));
        }
    }

    /// An object that was there before the watch began.
    pub(crate) fn send_initial(&mut self, id: WatchId, object: &Arc<Value>, revision: u64) {
        if let Some(watch) = self.open.get_mut(&id)
            && watch.selects(object)
        {
            let frame = watch.frame("ADDED", object, revision);
            self.frames.push((id, frame));
        }
    }

    /// The initial objects show the state of this revision.
    pub(crate) fn set_start(&mut self, id: WatchId, revision: u64) {
        if let Some(watch) = self.open.get_mut(&id) {
            watch.seen = revision;
        }
    }

    /// The BOOKMARK that ends the initial objects.
    pub(crate) fn send_initial_end(&mut self, id: WatchId, revision: u64) {
        if let Some(watch) = self.open.get_mut(&id) {
            let bookmark = watch.bookmark(revision, true);
            self.frames.push((id, bookmark));
        }
    }

    pub(crate) fn send_error(&mut self, id: WatchId, error: &ApiError) {
        let representation = self.open.get(&id).map_or(Representation::JSON, |watch| watch.representation);
        self.frames.push((id, representation.event("ERROR", Written::of_struct(&error.to_status()))));
    }
}
