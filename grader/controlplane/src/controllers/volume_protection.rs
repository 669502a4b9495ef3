//! Claims, volumes and classes of their attributes that are deleted stay as long as they are in use
//! (pkg/controller/volume/pvcprotection, pvprotection, vacprotection). Admission gives them the finalizer; these
//! controllers take it off.

use super::known::{PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, VOLUME_ATTRIBUTES_CLASSES};
use super::owners::{self, Key};
use super::quota::attributes_classes;
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, pods, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::{Change, ResourceId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const CLAIM_FINALIZER: &str = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER: &str = "kubernetes.io/pv-protection";
const CLASS_FINALIZER: &str = "kubernetes.io/vac-protection";

/// Lets deleted claims go when no pod uses them any more.
#[derive(Debug)]
pub struct ClaimProtection {
    reaction: SignedDuration,
    /// The pods that use a claim.
    users: BTreeMap<Key, BTreeSet<String>>,
    queue: WorkQueue<Key>,
}

/// Lets deleted volumes go when they are not bound any more.
#[derive(Debug)]
pub struct VolumeProtection {
    reaction: SignedDuration,
    queue: WorkQueue<Key>,
}

/// Lets deleted VolumeAttributesClasses go when no claim and no volume names them any more.
#[derive(Debug)]
pub struct ClassProtection {
    reaction: SignedDuration,
    queue: WorkQueue<Key>,
}

impl ClaimProtection {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, users: BTreeMap::new(), queue: WorkQueue::default() }
    }

    fn observe_pod(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        // A pod uses its claims from its creation on, scheduled or not, until it is finished or gone.
        for claim in change.old.iter().flat_map(|pod| claims_of(pod)) {
            if let Some(users) = self.users.get_mut(&claim) {
                users.remove(object::name(change.object()));
                if users.is_empty() {
                    self.users.remove(&claim);
                }
            }
            self.queue.add(claim, due);
        }
        for claim in change.new.iter().flat_map(|pod| claims_of(pod)) {
            self.users.entry(claim).or_default().insert(object::name(change.object()).to_owned());
        }
    }
}

impl VolumeProtection {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, queue: WorkQueue::default() }
    }
}

impl ClassProtection {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, queue: WorkQueue::default() }
    }
}

impl Controller for ClaimProtection {
    fn name(&self) -> &'static str {
        "persistentvolumeclaim-protection-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == PODS {
            self.observe_pod(change);
        } else if change.resource == PERSISTENT_VOLUME_CLAIMS && is_deletion(change) {
            self.queue.add(owners::key(change.object()), later(change.at, self.reaction));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        let users = &self.users;
        work_off(&mut self.queue, now, |key| {
            release(api, &PERSISTENT_VOLUME_CLAIMS, key, CLAIM_FINALIZER, |_, _| !users.contains_key(key))
        });
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

impl Controller for VolumeProtection {
    fn name(&self) -> &'static str {
        "persistentvolume-protection-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == PERSISTENT_VOLUMES && is_deletion(change) {
            self.queue.add(owners::key(change.object()), later(change.at, self.reaction));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        work_off(&mut self.queue, now, |key| {
            let free = |_: &Api<'_>, volume: &Value| fields::text(volume, "/status/phase") != "Bound";
            release(api, &PERSISTENT_VOLUMES, key, VOLUME_FINALIZER, free)
        });
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

impl Controller for ClassProtection {
    fn name(&self) -> &'static str {
        "volumeattributesclass-protection-controller"
    }

    fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        if change.resource == VOLUME_ATTRIBUTES_CLASSES && is_deletion(change) {
            self.queue.add(owners::key(change.object()), due);
        } else if change.resource == PERSISTENT_VOLUME_CLAIMS || change.resource == PERSISTENT_VOLUMES {
            for class in change.old.iter().flat_map(|user| attributes_classes(user)) {
                self.queue.add((String::new(), class.to_owned()), due);
            }
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        work_off(&mut self.queue, now, |key| {
            let names_it = |user: &Arc<Value>| attributes_classes(user).contains(&key.1.as_str());
            let free = |api: &Api<'_>, _: &Value| {
                let users = [PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES];
                !users.iter().any(|resource| api.list(resource, None).iter().any(names_it))
            };
            release(api, &VOLUME_ATTRIBUTES_CLASSES, key, CLASS_FINALIZER, free)
        });
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

fn is_deletion(change: &Change) -> bool {
    change.new.as_deref().is_some_and(object::is_deleting)
}

pub(super) fn claims_of(pod: &Value) -> Vec<Key> {
    if pods::is_finished(pod) {
        return Vec::new();
    }
    let namespace = object::namespace(pod).to_owned();
    let names = fields::items(pod, "/spec/volumes").iter().filter_map(|volume| {
        let claim = fields::text(volume, "/persistentVolumeClaim/claimName");
        match (claim.is_empty(), volume["ephemeral"].is_null()) {
            (false, _) => Some(claim.to_owned()),
            (true, false) => Some(format!("{}-{}", object::name(pod), fields::text(volume, "/name"))),
            (true, true) => None,
        }
    });
    names.map(|name| (namespace.clone(), name)).collect()
}

fn work_off(queue: &mut WorkQueue<Key>, now: Timestamp, mut act: impl FnMut(&Key) -> Result<(), ApiError>) {
    while let Some(key) = queue.pop(now) {
        let visit = unless_gone(act(&key));
        queue.finish(key, visit.map(|_| None), now);
    }
}

/// Takes the finalizer off a deleted object that is free to go.
fn release(
    api: &mut Api<'_>,
    resource: &ResourceId,
    key: &Key,
    finalizer: &str,
    is_free: impl Fn(&Api<'_>, &Value) -> bool,
) -> Result<(), ApiError> {
    let namespace = Some(key.0.as_str()).filter(|namespace| !namespace.is_empty());
    let Some(found) = api.get(resource, namespace, &key.1) else { return Ok(()) };
    let protected = object::finalizers(&found).any(|present| present == finalizer);
    if !object::is_deleting(&found) || !protected || !is_free(api, &found) {
        return Ok(());
    }
    let left: Vec<&str> = object::finalizers(&found).filter(|present| *present != finalizer).collect();
    let patch = json!({"metadata": {
        "resourceVersion": object::resource_version(&found), "finalizers": left,
    }});
    api.merge_patch(resource, namespace, &key.1, None, &patch).map(drop)
}
