//! Volumes for claims, as a provisioner and the volume binder make them.

use crate::controllers::Api;
use crate::controllers::known::{PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES};
use crate::controllers::owners::Key;
use crate::error::ApiError;
use crate::object;
use serde_json::{Value, json};

fn volume_name(claim: &str) -> String {
    format!("pvc-{claim}")
}

/// Makes a volume for a claim that has none, and binds both.
pub(super) fn bind(api: &mut Api<'_>, key: &Key, uid: &str) -> Result<(), ApiError> {
    let Some(claim) = api.get(&PERSISTENT_VOLUME_CLAIMS, Some(&key.0), &key.1) else { return Ok(()) };
    if object::uid(&claim) != uid || object::is_deleting(&claim) || claim["status"]["phase"] == "Bound" {
        return Ok(());
    }
    let name = volume_name(uid);
    let capacity = json!({"storage": claim["spec"]["resources"]["requests"]["storage"]});
    if api.get(&PERSISTENT_VOLUMES, None, &name).is_none() {
        let created = api.create(&PERSISTENT_VOLUMES, None, volume(&name, &claim, &capacity))?;
        let mut bound = (*created).clone();
        bound["status"]["phase"] = "Bound".into();
        api.update_status(&PERSISTENT_VOLUMES, bound)?;
    }
    let patch = json!({
        "metadata": {"annotations": {
            "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
        }},
        "spec": {"volumeName": name},
    });
    let claim = api.merge_patch(&PERSISTENT_VOLUME_CLAIMS, Some(&key.0), &key.1, None, &patch)?;
    let mut bound = (*claim).clone();
    bound["status"] =
        json!({"phase": "Bound", "accessModes": claim["spec"]["accessModes"], "capacity": capacity});
    api.update_status(&PERSISTENT_VOLUME_CLAIMS, bound).map(drop)
}

fn volume(name: &str, claim: &Value, capacity: &Value) -> Value {
    let mut volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": "node-simulator"}},
        "spec": {
            "capacity": capacity,
            "accessModes": claim["spec"]["accessModes"],
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": object::name(claim),
                "namespace": object::namespace(claim), "uid": object::uid(claim),
                "resourceVersion": object::resource_version(claim),
            },
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": format!("/var/local/volumes/{name}"), "type": ""},
        },
    });
    for key in ["storageClassName", "volumeMode"] {
        if !claim["spec"][key].is_null() {
            volume["spec"][key] = claim["spec"][key].clone();
        }
    }
    volume
}

/// Deletes the volume that was made for a claim which is gone.
pub(super) fn reclaim(api: &mut Api<'_>, claim: &str) -> Result<(), ApiError> {
    let name = volume_name(claim);
    let Some(volume) = api.get(&PERSISTENT_VOLUMES, None, &name) else { return Ok(()) };
    if object::finalizers(&volume).next().is_some() {
        // The protection that admission adds: nobody uses the volume any more.
        api.merge_patch(&PERSISTENT_VOLUMES, None, &name, None, &json!({"metadata": {"finalizers": null}}))?;
    }
    api.delete(&PERSISTENT_VOLUMES, None, &name, &Value::Null).map(drop)
}
