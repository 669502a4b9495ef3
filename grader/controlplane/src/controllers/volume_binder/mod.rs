//! Binds claims to volumes, and takes volumes back (pkg/controller/volume/persistentvolume).
//!
//! A real one looks at everything again every fifteen seconds. This one looks again when something has changed that
//! may make a difference, so that it costs nothing while nothing happens.

mod claims;
mod matching;
mod reclaim;
mod volumes;

use super::known::{PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES};
use super::owners::{self, Key};
use super::recorder::Recorder;
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::{Change, ResourceId};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const STORAGE_CLASSES: ResourceId = ResourceId::known("storage.k8s.io", "storageclasses");
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";

/// Finds a volume for every claim that waits for one, and looks after volumes whose claims are gone.
#[derive(Debug)]
pub struct VolumeBinder {
    reaction: SignedDuration,
    queue: WorkQueue<Item>,
    /// Claims that have no volume yet.
    unbound: BTreeSet<Key>,
    /// The claims that name a volume.
    naming: BTreeMap<String, BTreeSet<Key>>,
    recorder: Recorder,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Volume(String),
    Claim(Key),
}

/// What one visit works with.
struct Visit<'v, 'a> {
    api: &'v mut Api<'a>,
    recorder: &'v mut Recorder,
}

impl VolumeBinder {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self {
            reaction,
            queue: WorkQueue::default(),
            unbound: BTreeSet::new(),
            naming: BTreeMap::new(),
            recorder: Recorder::new("persistentvolume-controller"),
        }
    }

    fn observe_claim(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        let key = owners::key(change.object());
        let volume_of = |claim: &Arc<Value>| fields::text(claim, "/spec/volumeName").to_owned();
        let (old, new) = (change.old.as_ref().map(volume_of), change.new.as_ref().map(volume_of));
        if old != new {
            if let Some(volume) = &old
                && let Some(claims) = self.naming.get_mut(volume)
            {
                claims.remove(&key);
                if claims.is_empty() {
                    self.naming.remove(volume);
                }
            }
            if let Some(volume) = new.as_ref().filter(|volume| !volume.is_empty()) {
                self.naming.entry(volume.clone()).or_default().insert(key.clone());
            }
        }
        for volume in [old, new].into_iter().flatten().filter(|volume| !volume.is_empty()) {
            self.queue.add(Item::Volume(volume), due);
        }
        if change.new.as_ref().is_some_and(|claim| !has_annotation(claim, BIND_COMPLETED)) {
            self.unbound.insert(key.clone());
        } else {
            self.unbound.remove(&key);
        }
        if change.new.is_some() {
            self.queue.add(Item::Claim(key), due);
        }
    }

    fn observe_volume(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        let name = object::name(change.object());
        let naming = self.naming.get(name).cloned().unwrap_or_default();
        let meant = [&change.old, &change.new].into_iter().flatten().filter_map(|volume| claim_key(volume));
        let claims = meant.chain(naming).chain(self.unbound.iter().cloned());
        self.queue.add_all(claims.map(Item::Claim), due);
        self.queue.add(Item::Volume(name.to_owned()), due);
    }
}

impl Controller for VolumeBinder {
    fn name(&self) -> &'static str {
        "persistentvolume-binder-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == PERSISTENT_VOLUME_CLAIMS {
            self.observe_claim(change);
        } else if change.resource == PERSISTENT_VOLUMES {
            self.observe_volume(change);
        } else if change.resource == STORAGE_CLASSES {
            let due = later(change.at, self.reaction);
            self.queue.add_all(self.unbound.iter().cloned().map(Item::Claim), due);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(item) = self.queue.pop(now) {
            let mut visit = Visit { api, recorder: &mut self.recorder };
            let outcome = match &item {
                Item::Claim(key) => visit.sync_claim(key),
                Item::Volume(name) => visit.sync_volume(name),
            };
            self.queue.finish(item, unless_gone(outcome).map(|_| None), now);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

impl Visit<'_, '_> {
    fn volume(&self, name: &str) -> Option<Arc<Value>> {
        self.api.get(&PERSISTENT_VOLUMES, None, name)
    }

    fn set_phase(&mut self, volume: &Arc<Value>, phase: &str, message: &str) -> Result<Arc<Value>, ApiError> {
        if volume["status"]["phase"] == phase {
            return Ok(volume.clone());
        }
        let mut changed = (**volume).clone();
        changed["status"]["phase"] = phase.into();
        if message.is_empty() {
            changed["status"].as_object_mut().map(|status| status.remove("message"));
        } else {
            changed["status"]["message"] = message.into();
        }
        self.api.update_status(&PERSISTENT_VOLUMES, changed)
    }
}

fn has_annotation(object: &Value, key: &str) -> bool {
    object["metadata"]["annotations"].get(key).is_some()
}

fn annotate(object: &mut Value, key: &str, value: &str) {
    if !object["metadata"]["annotations"].is_object() {
        object["metadata"]["annotations"] = serde_json::json!({});
    }
    object["metadata"]["annotations"][key] = value.into();
}

/// The claim that a volume is for; nothing for a volume that nobody has asked for.
fn claim_key(volume: &Value) -> Option<Key> {
    let reference = volume["spec"].get("claimRef").filter(|reference| reference.is_object())?;
    let text = |key: &str| reference[key].as_str().unwrap_or_default().to_owned();
    Some((text("namespace"), text("name")))
}
