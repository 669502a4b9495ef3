//! What becomes of a volume (syncVolume in pkg/controller/volume/persistentvolume/pv_controller.go).

use super::matching::mode;
use super::{BOUND_BY_CONTROLLER, Visit, claim_key, has_annotation};
use crate::controllers::fields;
use crate::controllers::known::{PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES};
use crate::controllers::recorder::EventType;
use crate::error::ApiError;
use crate::go_text;
use crate::object;
use serde_json::Value;
use std::sync::Arc;

/// Who made a volume.
pub(super) const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

impl Visit<'_, '_> {
    pub(super) fn sync_volume(&mut self, name: &str) -> Result<(), ApiError> {
        let Some(volume) = self.volume(name) else { return Ok(()) };
        let reserved = fields::text(&volume, "/spec/claimRef/uid");
        let Some(key) = claim_key(&volume).filter(|_| !reserved.is_empty()) else {
            return self.set_phase(&volume, "Available", "").map(drop);
        };
        let claim = self.api.get(&PERSISTENT_VOLUME_CLAIMS, Some(&key.0), &key.1);
        let Some(claim) = claim.filter(|claim| object::uid(claim) == reserved) else {
            return self.release(&volume);
        };
        let wanted = fields::text(&claim, "/spec/volumeName");
        if wanted.is_empty() {
            if mode(&claim) != mode(&volume) {
                self.tell_of_modes(&volume, &claim);
            }
            // The claim's own visit goes on.
            return Ok(());
        }
        if wanted == name {
            return self.set_phase(&volume, "Bound", "").map(drop);
        }
        // The claim has another volume.
        let is_made = has_annotation(&volume, PROVISIONED_BY)
            && volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete";
        if is_made { self.release(&volume) } else { self.unbind(&volume) }
    }

    fn release(&mut self, volume: &Arc<Value>) -> Result<(), ApiError> {
        let is_known = ["Released", "Failed"].iter().any(|phase| volume["status"]["phase"] == *phase);
        let volume = if is_known { volume.clone() } else { self.set_phase(volume, "Released", "")? };
        self.reclaim(&volume)
    }

    fn unbind(&mut self, volume: &Arc<Value>) -> Result<(), ApiError> {
        let mut free = (**volume).clone();
        if has_annotation(volume, BOUND_BY_CONTROLLER) {
            if let Some(spec) = free["spec"].as_object_mut() {
                spec.remove("claimRef");
            }
            if let Some(annotations) = free["metadata"]["annotations"].as_object_mut() {
                annotations.remove(BOUND_BY_CONTROLLER);
            }
        } else if let Some(reference) = free["spec"]["claimRef"].as_object_mut() {
            // Somebody keeps it for this claim.
            reference.remove("uid");
        }
        let free = self.api.update(&PERSISTENT_VOLUMES, free)?;
        self.set_phase(&free, "Available", "").map(drop)
    }

    fn tell_of_modes(&mut self, volume: &Value, claim: &Value) {
        let (volume_name, claim_name) =
            (go_text::quote(object::name(volume)), go_text::quote(object::name(claim)));
        let of_volume = format!(
            "Cannot bind PersistentVolume to requested PersistentVolumeClaim {claim_name} due to incompatible volumeMode."
        );
        let of_claim = format!(
            "Cannot bind PersistentVolume {volume_name} to requested PersistentVolumeClaim due to incompatible volumeMode."
        );
        for (about, message) in [(volume, of_volume), (claim, of_claim)] {
            self.recorder.record(self.api, about, EventType::Warning, "VolumeMismatch", &message);
        }
    }
}
