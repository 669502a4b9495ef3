//! The garbage collector: deletes what has lost its owners, waits for or orphans the dependents of owners that are
//! deleted in the foreground or with the policy Orphan (pkg/controller/garbagecollector).

mod graph;

use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, owners};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use graph::{Graph, Node, Work};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The finalizer of an object that waits for its dependents.
const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer of an object whose dependents shall stay.
const ORPHAN: &str = "orphan";

/// Collects what nobody owns any more.
///
/// # Guarantees
/// Works for every resource, custom ones included. Only objects that have owners, or wait for their dependents, are
/// remembered.
#[derive(Debug)]
pub struct GarbageCollector {
    reaction: SignedDuration,
    graph: Graph,
    queue: WorkQueue<Work>,
}

impl GarbageCollector {
    /// A collector that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, graph: Graph::default(), queue: WorkQueue::default() }
    }

    fn collect(&mut self, api: &mut Api<'_>, uid: &str) -> Result<(), ApiError> {
        let Some(node) = self.graph.node(uid) else { return Ok(()) };
        let Some(latest) = api.get(&node.resource, node.namespace(), &node.name) else { return Ok(()) };
        if object::uid(&latest) != uid {
            return Ok(());
        }
        match (object::is_deleting(&latest), has_finalizer(&latest, FOREGROUND)) {
            (true, true) => return self.wait_for_dependents(api, node.clone(), &latest),
            (true, false) => return Ok(()),
            (false, _) => {}
        }
        let owners = Owners::of(api, &latest)?;
        if !owners.solid.is_empty() {
            return owners.drop_the_others(api, node, &latest);
        }
        if owners.absent.is_empty() && owners.waiting.is_empty() {
            return Ok(());
        }
        let policy = if !owners.waiting.is_empty() && self.graph.has_dependents(uid) {
            if self.graph.dependents(uid).any(|dependent| dependent.waits_for_dependents) {
                // Owner and dependent wait for each other's end: nobody may block here any more.
                return unblock_and_delete(api, node, &latest);
            }
            "Foreground"
        } else if has_finalizer(&latest, ORPHAN) {
            "Orphan"
        } else if has_finalizer(&latest, FOREGROUND) {
            "Foreground"
        } else {
            "Background"
        };
        delete(api, node, &latest, policy)
    }

    /// An owner in foreground deletion goes when no dependent blocks it; the blocking ones are deleted.
    fn wait_for_dependents(&mut self, api: &mut Api<'_>, node: Node, latest: &Value) -> Result<(), ApiError> {
        let uid = object::uid(latest);
        let blocking: Vec<&Node> =
            self.graph.dependents(uid).filter(|dependent| dependent.blocks(uid)).collect();
        if blocking.is_empty() {
            return remove_finalizer(api, &node, latest, FOREGROUND);
        }
        let due = later(api.now(), self.reaction);
        let work: Vec<Work> = blocking
            .into_iter()
            .filter(|dependent| !dependent.deleting)
            .map(|dependent| Work::Collect(dependent.uid.clone()))
            .collect();
        for work in work {
            self.queue.add(work, due);
        }
        Ok(())
    }

    fn orphan(&self, api: &mut Api<'_>, uid: &str) -> Result<(), ApiError> {
        let Some(owner) = self.graph.node(uid) else { return Ok(()) };
        for dependent in self.graph.dependents(uid) {
            let Some(latest) = api.get(&dependent.resource, dependent.namespace(), &dependent.name) else {
                continue;
            };
            if object::uid(&latest) == dependent.uid {
                owners::set_owner_references(
                    api,
                    &dependent.resource,
                    &latest,
                    owners::without(&latest, uid),
                )?;
            }
        }
        let Some(latest) = api.get(&owner.resource, owner.namespace(), &owner.name) else { return Ok(()) };
        if object::uid(&latest) != uid {
            return Ok(());
        }
        remove_finalizer(api, owner, &latest, ORPHAN)
    }
}

impl Controller for GarbageCollector {
    fn name(&self) -> &'static str {
        "garbage-collector-controller"
    }

    fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        for work in self.graph.observe(change) {
            self.queue.add(work, due);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(work) = self.queue.pop(now) {
            let done = match &work {
                Work::Collect(uid) => self.collect(api, uid),
                Work::Orphan(uid) => self.orphan(api, uid),
            };
            match done {
                Err(error) if !error.is_not_found() => self.queue.retry(work, now),
                _ => self.queue.forget(&work),
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

/// The owners that an object names, by what has become of them.
#[derive(Debug, Default)]
struct Owners {
    /// There, and nothing is known against them.
    solid: Vec<String>,
    /// Not there (under that uid, in that namespace).
    absent: Vec<String>,
    /// There, but waiting for their dependents to go.
    waiting: Vec<String>,
}

impl Owners {
    /// # Errors
    /// An owner of a kind that is not served: nothing can be said about it (yet).
    fn of(api: &Api<'_>, dependent: &Value) -> Result<Self, ApiError> {
        let mut owners = Self::default();
        for reference in object::owner_references(dependent) {
            let uid = fields::text(reference, "/uid").to_owned();
            let (resource, namespaced) = api
                .resource_of(fields::text(reference, "/apiVersion"), fields::text(reference, "/kind"))
                .ok_or_else(|| ApiError::unexpected("the owner's kind is not served"))?;
            let namespace = owners::namespace_of(dependent);
            if namespaced && namespace.is_none() {
                // It can never be looked up; such an object is never collected.
                owners.solid.push(uid);
                continue;
            }
            let owner =
                api.get(&resource, namespace.filter(|_| namespaced), fields::text(reference, "/name"));
            match owner.filter(|owner| object::uid(owner) == uid) {
                None => owners.absent.push(uid),
                Some(owner) if object::is_deleting(&owner) && has_finalizer(&owner, FOREGROUND) => {
                    owners.waiting.push(uid);
                }
                Some(_) => owners.solid.push(uid),
            }
        }
        Ok(owners)
    }

    /// An object that keeps an owner loses its references to the others: they must not hold anybody up.
    fn drop_the_others(&self, api: &mut Api<'_>, node: &Node, latest: &Value) -> Result<(), ApiError> {
        let kept: Vec<Value> = object::owner_references(latest)
            .filter(|reference| self.solid.iter().any(|uid| reference["uid"] == **uid))
            .cloned()
            .collect();
        if self.absent.is_empty() && self.waiting.is_empty() {
            return Ok(());
        }
        owners::set_owner_references(api, &node.resource, latest, kept).map(drop)
    }
}

fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    object::finalizers(object).any(|present| present == finalizer)
}

/// Deletes exactly what was judged: not a successor of the same name, not one that has got an owner meanwhile.
fn delete(api: &mut Api<'_>, node: &Node, latest: &Value, policy: &str) -> Result<(), ApiError> {
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy,
        "preconditions": {
            "uid": object::uid(latest), "resourceVersion": object::resource_version(latest),
        },
    });
    api.delete(&node.resource, node.namespace(), &node.name, &options).map(drop)
}

fn unblock_and_delete(api: &mut Api<'_>, node: &Node, latest: &Value) -> Result<(), ApiError> {
    let mut references: Vec<Value> = object::owner_references(latest).cloned().collect();
    for reference in &mut references {
        reference["blockOwnerDeletion"] = false.into();
    }
    match owners::set_owner_references(api, &node.resource, latest, references)? {
        Some(unblocked) => delete(api, node, &unblocked, "Foreground"),
        None => Ok(()),
    }
}

fn remove_finalizer(api: &mut Api<'_>, node: &Node, latest: &Value, finalizer: &str) -> Result<(), ApiError> {
    if !has_finalizer(latest, finalizer) {
        return Ok(());
    }
    let left: Vec<&str> = object::finalizers(latest).filter(|present| *present != finalizer).collect();
    let patch = json!({"metadata": {
        "resourceVersion": object::resource_version(latest),
        "finalizers": left,
    }});
    api.merge_patch(&node.resource, node.namespace(), &node.name, None, &patch).map(drop)
}
