//! Controller references: who manages an object, adopting what nobody manages, releasing what no longer fits
//! (pkg/controller/controller_ref_manager.go).

use super::{Api, fields, label_selector, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::{Change, ResourceId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Namespace and name.
pub(super) type Key = (String, String);

pub(super) fn key(object: &Value) -> Key {
    (object::namespace(object).to_owned(), object::name(object).to_owned())
}

/// The owner reference with `controller: true`.
pub(super) fn controller_of(object: &Value) -> Option<&Value> {
    object::owner_references(object).find(|reference| reference["controller"] == true)
}

/// A kind of object that manages others.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnerKind {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
}

impl OwnerKind {
    /// The reference by which `owner` manages an object.
    pub(super) fn reference(&self, owner: &Value) -> Value {
        json!({
            "apiVersion": self.api_version, "kind": self.kind,
            "name": object::name(owner), "uid": object::uid(owner),
            "controller": true, "blockOwnerDeletion": true,
        })
    }

    /// The LabelSelector by which `owner` finds what it manages; that of a ReplicationController is a plain map.
    fn selector(&self, owner: &Value) -> Value {
        let selector = &owner["spec"]["selector"];
        if self.kind == "ReplicationController" { json!({"matchLabels": selector}) } else { selector.clone() }
    }

    /// The owner of this kind that manages `object`, whatever its version.
    pub(super) fn managing(&self, object: &Value) -> Option<Key> {
        let reference = controller_of(object)?;
        let group = |version: &str| version.split_once('/').map(|(group, _)| group.to_owned());
        let ours = reference["kind"] == self.kind
            && group(fields::text(reference, "/apiVersion")) == group(self.api_version);
        ours.then(|| (object::namespace(object).to_owned(), fields::text(reference, "/name").to_owned()))
    }
}

/// The owners of one kind, and the objects of one resource that they manage or might adopt.
///
/// # Guarantees
/// Following a change costs the logarithm of the number of objects; only an object that nobody manages is held
/// against the owners of its namespace.
#[derive(Debug)]
pub(super) struct Owned {
    kind: OwnerKind,
    children: ResourceId,
    by_controller: BTreeMap<String, BTreeSet<Key>>,
    orphans: BTreeSet<Key>,
    /// Selectors of the owners.
    selectors: BTreeMap<Key, Value>,
}

impl Owned {
    pub(super) fn new(kind: OwnerKind, children: ResourceId) -> Self {
        Self {
            kind,
            children,
            by_controller: BTreeMap::new(),
            orphans: BTreeSet::new(),
            selectors: BTreeMap::new(),
        }
    }

    /// Notes a change of an owner.
    pub(super) fn observe_owner(&mut self, change: &Change) {
        let key = key(change.object());
        match &change.new {
            Some(owner) => self.selectors.insert(key, self.kind.selector(owner)),
            None => self.selectors.remove(&key),
        };
    }

    /// Notes a change of a child; the answer names the owners that should look at it.
    pub(super) fn observe_child(&mut self, change: &Change) -> BTreeSet<Key> {
        let mut concerned = BTreeSet::new();
        for child in change.old.iter().chain(&change.new) {
            concerned.extend(self.kind.managing(child));
        }
        if let Some(old) = &change.old {
            self.forget(old);
        }
        let Some(new) = &change.new else { return concerned };
        let child = key(new);
        match controller_of(new) {
            Some(reference) => {
                let uid = fields::text(reference, "/uid").to_owned();
                self.by_controller.entry(uid).or_default().insert(child);
            }
            None => {
                let namespace = child.0.clone();
                let owners = self.selectors.range((namespace.clone(), String::new())..);
                let owners = owners.take_while(|((in_namespace, _), _)| *in_namespace == namespace);
                let selecting = owners.filter(|(_, selector)| label_selector::selects(selector, new));
                concerned.extend(selecting.map(|(owner, _)| owner.clone()));
                self.orphans.insert(child);
            }
        }
        concerned
    }

    /// The children that the owner of that uid manages.
    pub(super) fn children(&self, owner: &str) -> impl Iterator<Item = &Key> {
        self.by_controller.get(owner).into_iter().flatten()
    }

    fn forget(&mut self, child: &Value) {
        let child_key = key(child);
        let Some(reference) = controller_of(child) else {
            self.orphans.remove(&child_key);
            return;
        };
        let uid = fields::text(reference, "/uid");
        if let Some(children) = self.by_controller.get_mut(uid) {
            children.remove(&child_key);
            if children.is_empty() {
                self.by_controller.remove(uid);
            }
        }
    }

    /// What `owner` manages now: its matching children, and matching ones that nobody managed (it adopts them).
    /// Children that no longer match are released. A deleted owner neither adopts nor releases.
    ///
    /// # Errors
    /// What a patch was answered; those that are gone meanwhile do not count.
    pub(super) fn claim(
        &self,
        api: &mut Api<'_>,
        owner: &Value,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<Vec<Arc<Value>>, ApiError> {
        let namespace = object::namespace(owner).to_owned();
        let own = self.by_controller.get(object::uid(owner)).into_iter().flatten();
        let orphans = self.orphans.range((namespace.clone(), String::new())..);
        let orphans = orphans.take_while(|(in_namespace, _)| *in_namespace == namespace);
        let candidates: BTreeSet<&Key> = own.chain(orphans).collect();
        let selector = self.kind.selector(owner);
        let matches = |child: &Value| label_selector::selects(&selector, child) && fits(child);
        let mut claimed = Vec::new();
        for (namespace, name) in candidates {
            let Some(child) = api.get(&self.children, Some(namespace), name) else { continue };
            match controller_of(&child) {
                Some(reference) if reference["uid"] != object::uid(owner) => {}
                Some(_) if matches(&child) => claimed.push(child),
                Some(_) if object::is_deleting(owner) => {}
                Some(_) => {
                    self.set_references(api, &child, without(&child, object::uid(owner)))?;
                }
                None if object::is_deleting(owner) || object::is_deleting(&child) || !matches(&child) => {}
                None => {
                    let mut references = without(&child, object::uid(owner));
                    references.push(self.kind.reference(owner));
                    claimed.extend(self.set_references(api, &child, references)?);
                }
            }
        }
        Ok(claimed)
    }

    /// The answer is nothing when the child is gone.
    fn set_references(
        &self,
        api: &mut Api<'_>,
        child: &Value,
        references: Vec<Value>,
    ) -> Result<Option<Arc<Value>>, ApiError> {
        set_owner_references(api, &self.children, child, references)
    }
}

/// The owner references of `object` but the one to `uid`.
pub(super) fn without(object: &Value, uid: &str) -> Vec<Value> {
    object::owner_references(object).filter(|reference| reference["uid"] != uid).cloned().collect()
}

/// Replaces the owner references of an object that must still be the one that was seen. The answer is nothing when it
/// is gone.
pub(super) fn set_owner_references(
    api: &mut Api<'_>,
    resource: &ResourceId,
    seen: &Value,
    references: Vec<Value>,
) -> Result<Option<Arc<Value>>, ApiError> {
    let references = if references.is_empty() { Value::Null } else { Value::Array(references) };
    let patch = json!({"metadata": {
        "uid": object::uid(seen), "resourceVersion": object::resource_version(seen),
        "ownerReferences": references,
    }});
    unless_gone(api.merge_patch(resource, namespace_of(seen), object::name(seen), None, &patch))
}

/// The namespace as requests want it: none for a cluster-scoped object.
pub(super) fn namespace_of(object: &Value) -> Option<&str> {
    Some(object::namespace(object)).filter(|namespace| !namespace.is_empty())
}
