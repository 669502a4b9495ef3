//! Claims that pods bring along in their `ephemeral` volumes (pkg/controller/volume/ephemeral).

use super::known::{PERSISTENT_VOLUME_CLAIMS, PODS};
use super::owners::{self, Key};
use super::recorder::{EventType, Recorder};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Makes the claims of pods' ephemeral volumes; the garbage collector takes them away with the pod.
#[derive(Debug)]
pub struct EphemeralVolumes {
    reaction: SignedDuration,
    queue: WorkQueue<Key>,
    recorder: Recorder,
}

impl EphemeralVolumes {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, queue: WorkQueue::default(), recorder: Recorder::new("ephemeral_volume") }
    }

    /// The answer is whether every volume has its claim.
    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<bool, ApiError> {
        let Some(pod) = api.get(&PODS, Some(&key.0), &key.1).filter(|pod| !object::is_deleting(pod)) else {
            return Ok(true);
        };
        for volume in
            fields::items(&pod, "/spec/volumes").iter().filter(|volume| volume["ephemeral"].is_object())
        {
            if let Err(why) = claim(api, &pod, volume) {
                let message = format!("ephemeral volume {}: {why}", fields::text(volume, "/name"));
                self.recorder.record(api, &pod, EventType::Warning, "FailedBinding", &message);
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Controller for EphemeralVolumes {
    fn name(&self) -> &'static str {
        "ephemeral-volume-controller"
    }

    fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        match (&change.old, &change.new) {
            (None, Some(pod)) if change.resource == PODS => {
                let mut volumes = fields::items(pod, "/spec/volumes").iter();
                if volumes.any(|volume| volume["ephemeral"].is_object()) {
                    self.queue.add(owners::key(pod), due);
                }
            }
            (Some(claim), None) if change.resource == PERSISTENT_VOLUME_CLAIMS => {
                // Only the pod that owns a claim brings it again.
                let owner = owners::controller_of(claim).filter(|owner| owner["kind"] == "Pod");
                if let Some(owner) = owner {
                    let name = owner["name"].as_str().unwrap_or_default().to_owned();
                    self.queue.add((object::namespace(claim).to_owned(), name), due);
                }
            }
            _ => {}
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(key) = self.queue.pop(now) {
            match unless_gone(self.sync(api, &key)) {
                Ok(Some(true) | None) => self.queue.forget(&key),
                Ok(Some(false)) | Err(_) => self.queue.retry(key, now),
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

/// Makes the claim of one volume, unless it is there.
///
/// # Errors
/// Why there is none.
fn claim(api: &mut Api<'_>, pod: &Value, volume: &Value) -> Result<(), String> {
    let namespace = object::namespace(pod);
    let name = format!("{}-{}", object::name(pod), fields::text(volume, "/name"));
    if let Some(known) = api.get(&PERSISTENT_VOLUME_CLAIMS, Some(namespace), &name) {
        let is_own = owners::controller_of(&known).is_some_and(|owner| owner["uid"] == object::uid(pod));
        let pod = object::name(pod);
        return if is_own {
            Ok(())
        } else {
            Err(format!(
                "PVC {namespace}/{name} was not created for pod {namespace}/{pod} (pod is not owner)"
            ))
        };
    }
    let template = &volume["ephemeral"]["volumeClaimTemplate"];
    let mut claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace, "ownerReferences": [{
            "apiVersion": "v1", "kind": "Pod", "name": object::name(pod), "uid": object::uid(pod),
            "controller": true, "blockOwnerDeletion": true,
        }]},
        "spec": template["spec"],
    });
    for key in ["annotations", "labels"] {
        if template["metadata"][key].is_object() {
            claim["metadata"][key] = template["metadata"][key].clone();
        }
    }
    let created = api.create(&PERSISTENT_VOLUME_CLAIMS, Some(namespace), claim);
    created.map(drop).map_err(|error| format!("create PVC {name}: {}", error.message()))
}
