//! Who depends on whom.

use super::{FOREGROUND, ORPHAN, has_finalizer};
use crate::object;
use crate::store::{Change, ResourceId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Something for the collector to look at, by uid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// Delete it if it has no owner left, or let it go if it waits for its dependents.
    Collect(String),
    /// Take it off its dependents, then let it go.
    Orphan(String),
}

/// An object that has owners, or waits for its dependents.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) uid: String,
    pub(super) resource: ResourceId,
    namespace: String,
    pub(super) name: String,
    owners: Vec<Owner>,
    pub(super) deleting: bool,
    /// In foreground deletion.
    pub(super) waits_for_dependents: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Owner {
    uid: String,
    blocked: bool,
}

impl Node {
    fn new(resource: &ResourceId, object: &Value) -> Self {
        let deleting = object::is_deleting(object);
        Self {
            uid: object::uid(object).to_owned(),
            resource: resource.clone(),
            namespace: object::namespace(object).to_owned(),
            name: object::name(object).to_owned(),
            owners: owners_of(object),
            deleting,
            waits_for_dependents: deleting && has_finalizer(object, FOREGROUND),
        }
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        Some(self.namespace.as_str()).filter(|namespace| !namespace.is_empty())
    }

    /// Whether it holds up the foreground deletion of this owner.
    pub(super) fn blocks(&self, owner: &str) -> bool {
        self.owners.iter().any(|reference| reference.uid == owner && reference.blocked)
    }
}

fn owners_of(object: &Value) -> Vec<Owner> {
    let uid = |reference: &Value| reference["uid"].as_str().unwrap_or_default().to_owned();
    object::owner_references(object)
        .map(|reference| Owner { uid: uid(reference), blocked: reference["blockOwnerDeletion"] == true })
        .collect()
}

/// The nodes, and the way from owners to dependents.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: BTreeMap<String, Node>,
    dependents: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    pub(super) fn node(&self, uid: &str) -> Option<&Node> {
        self.nodes.get(uid)
    }

    pub(super) fn has_dependents(&self, uid: &str) -> bool {
        self.dependents.contains_key(uid)
    }

    pub(super) fn dependents(&self, uid: &str) -> impl Iterator<Item = &Node> {
        let uids = self.dependents.get(uid).into_iter().flatten();
        uids.filter_map(|dependent| self.nodes.get(dependent))
    }

    /// Follows a change; the answer is what has to be looked at because of it.
    pub(super) fn observe(&mut self, change: &Change) -> Vec<Work> {
        let mut work = Vec::new();
        match &change.new {
            Some(new) => self.keep(change, new, &mut work),
            None => self.drop(object::uid(change.object()), &mut work),
        }
        work
    }

    fn keep(&mut self, change: &Change, new: &Value, work: &mut Vec<Work>) {
        let node = Node::new(&change.resource, new);
        let uid = node.uid.clone();
        let before = change.old.as_deref();
        let began = |finalizer: &str| {
            let waits = |object: &Value| object::is_deleting(object) && has_finalizer(object, finalizer);
            waits(new) && !before.is_some_and(waits)
        };
        let old_owners = before.map(owners_of).unwrap_or_default();
        for old in old_owners.iter().filter(|old| old.blocked && !node.blocks(&old.uid)) {
            work.push(Work::Collect(old.uid.clone()));
        }
        if node.owners.iter().any(|owner| !old_owners.iter().any(|old| old.uid == owner.uid)) {
            // Whether the new owner is there is looked up later: it may be created just now.
            work.push(Work::Collect(uid.clone()));
        }
        if began(ORPHAN) {
            work.push(Work::Orphan(uid.clone()));
        } else if began(FOREGROUND) {
            work.extend(self.dependents.get(&uid).into_iter().flatten().cloned().map(Work::Collect));
            work.push(Work::Collect(uid.clone()));
        }
        for old in old_owners {
            self.unlink(&old.uid, &uid);
        }
        for owner in &node.owners {
            self.dependents.entry(owner.uid.clone()).or_default().insert(uid.clone());
        }
        if node.owners.is_empty() && !node.deleting {
            self.nodes.remove(&uid);
        } else {
            self.nodes.insert(uid, node);
        }
    }

    fn drop(&mut self, uid: &str, work: &mut Vec<Work>) {
        work.extend(self.dependents.get(uid).into_iter().flatten().cloned().map(Work::Collect));
        let Some(node) = self.nodes.remove(uid) else { return };
        for owner in node.owners {
            self.unlink(&owner.uid, uid);
            if self.nodes.get(&owner.uid).is_some_and(|owner| owner.waits_for_dependents) {
                work.push(Work::Collect(owner.uid));
            }
        }
    }

    fn unlink(&mut self, owner: &str, dependent: &str) {
        if let Some(dependents) = self.dependents.get_mut(owner) {
            dependents.remove(dependent);
            if dependents.is_empty() {
                self.dependents.remove(owner);
            }
        }
    }
}
