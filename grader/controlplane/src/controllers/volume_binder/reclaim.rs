//! What is done with a volume that nobody claims any more (reclaimVolume in pkg/controller/volume/persistentvolume/
//! pv_controller.go).
//!
//! There is no storage behind any volume: what a real one deletes from the disk is left out, and so are the pods that
//! recycle.

use super::Visit;
use super::volumes::PROVISIONED_BY;
use crate::controllers::fields;
use crate::controllers::known::{PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES};
use crate::controllers::recorder::EventType;
use crate::error::ApiError;
use crate::go_text;
use crate::object;
use serde_json::Value;
use std::sync::Arc;

const MIGRATED_TO: &str = "pv.kubernetes.io/migrated-to";
const HOST_PATH: &str = "kubernetes.io/host-path";

/// Who deletes what a volume holds.
enum Deleter {
    /// This controller.
    Own,
    /// Somebody else, who deletes the volume as well.
    Other,
    /// Nobody, and why.
    Nobody(String),
}

impl Visit<'_, '_> {
    pub(super) fn reclaim(&mut self, volume: &Arc<Value>) -> Result<(), ApiError> {
        if super::has_annotation(volume, MIGRATED_TO) {
            return Ok(());
        }
        match fields::text(volume, "/spec/persistentVolumeReclaimPolicy") {
            "Retain" => Ok(()),
            "Recycle" if volume["spec"]["hostPath"].is_object() || volume["spec"]["nfs"].is_object() => {
                Ok(())
            }
            "Recycle" => self.fail(volume, "VolumeFailedRecycle", "No recycler plugin found for the volume!"),
            "Delete" => match deleter(volume) {
                Deleter::Other => Ok(()),
                Deleter::Nobody(why) => self.fail(volume, "VolumeFailedDelete", &why),
                Deleter::Own if self.is_wanted(volume) => Ok(()),
                Deleter::Own => {
                    self.api.delete(&PERSISTENT_VOLUMES, None, object::name(volume), &Value::Null).map(drop)
                }
            },
            _ => {
                let why = "Volume has unrecognized PersistentVolumeReclaimPolicy";
                self.fail(volume, "VolumeUnknownReclaimPolicy", why)
            }
        }
    }

    /// Whether the volume's claim is there after all.
    fn is_wanted(&self, volume: &Value) -> bool {
        let Some(key) = super::claim_key(volume) else { return true };
        let claim = self.api.get(&PERSISTENT_VOLUME_CLAIMS, Some(&key.0), &key.1);
        claim.is_some_and(|claim| {
            let wanted = fields::text(&claim, "/spec/volumeName");
            volume["spec"]["claimRef"]["uid"] == object::uid(&claim)
                && (wanted.is_empty() || wanted == object::name(volume))
        })
    }

    fn fail(&mut self, volume: &Arc<Value>, reason: &str, why: &str) -> Result<(), ApiError> {
        if volume["status"]["phase"] == "Failed" {
            return Ok(());
        }
        let failed = self.set_phase(volume, "Failed", why)?;
        self.recorder.record(self.api, &failed, EventType::Warning, reason, why);
        Ok(())
    }
}

fn deleter(volume: &Value) -> Deleter {
    let spec = &volume["spec"];
    match fields::annotation(volume, PROVISIONED_BY) {
        "" | HOST_PATH => {}
        maker if maker.starts_with("kubernetes.io/") => {
            return Deleter::Nobody(format!("no volume plugin matched name: {maker}"));
        }
        _ => return Deleter::Other,
    }
    if spec["csi"].is_object() {
        return Deleter::Other;
    }
    if let Some(path) = spec["hostPath"]["path"].as_str() {
        if path.strip_prefix("/tmp/").is_some_and(|rest| !rest.is_empty()) {
            return Deleter::Own;
        }
        return Deleter::Nobody(format!(
            "host_path deleter only supports /tmp/.+ but received provided {path}"
        ));
    }
    let kind = if spec["nfs"].is_object() { "deletable volume" } else { "volume" };
    let name = go_text::quote(object::name(volume));
    Deleter::Nobody(format!(
        "error getting deleter volume plugin for volume {name}: no {kind} plugin matched"
    ))
}
