//! Volumes, claims and `storage.k8s.io`.

use super::printed::{Printed, join, quantity};
use crate::builtins::fields::text;
use crate::object;
use serde_json::{Value, json};

/// Where the class of a volume or claim was named before there was a field for it.
const CLASS_ANNOTATION: &str = "/metadata/annotations/volume.beta.kubernetes.io~1storage-class";

pub(super) fn volume(volume: &Printed<'_>) -> Value {
    let claim = volume.at("/spec/claimRef");
    let claim = match claim.is_null() {
        true => String::new(),
        false => format!("{}/{}", text(claim, "/namespace"), text(claim, "/name")),
    };
    json!([
        volume.name(),
        quantity(volume.at("/spec/capacity/storage")),
        access_modes(volume.list("/spec/accessModes")),
        volume.text("/spec/persistentVolumeReclaimPolicy"),
        phase(volume),
        claim,
        class(volume),
        or_unset(volume, "/spec/volumeAttributesClassName"),
        volume.text("/status/reason"),
        volume.age(),
        or_unset(volume, "/spec/volumeMode"),
    ])
}

pub(super) fn claim(claim: &Printed<'_>) -> Value {
    let bound = !claim.text("/spec/volumeName").is_empty();
    let (capacity, modes) = match bound {
        true => {
            (quantity(claim.at("/status/capacity/storage")), access_modes(claim.list("/status/accessModes")))
        }
        false => ("", String::new()),
    };
    json!([
        claim.name(),
        phase(claim),
        claim.text("/spec/volumeName"),
        capacity,
        modes,
        class(claim),
        or_unset(claim, "/spec/volumeAttributesClassName"),
        claim.age(),
        or_unset(claim, "/spec/volumeMode"),
    ])
}

fn phase<'a>(object: &Printed<'a>) -> &'a str {
    if object::is_deleting(object.object) { "Terminating" } else { object.text("/status/phase") }
}

fn class<'a>(object: &Printed<'a>) -> &'a str {
    object.at(CLASS_ANNOTATION).as_str().unwrap_or_else(|| object.text("/spec/storageClassName"))
}

fn or_unset<'a>(object: &Printed<'a>, pointer: &str) -> &'a str {
    object.at(pointer).as_str().unwrap_or("<unset>")
}

/// Short names, each once, in a fixed order.
fn access_modes(modes: &[Value]) -> String {
    let names = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let used = names.iter().filter(|(mode, _)| modes.iter().any(|used| used == mode));
    join(used.map(|(_, name)| *name), ",")
}

pub(super) fn storage_class(class: &Printed<'_>) -> Value {
    let annotations = ["storageclass.kubernetes.io", "storageclass.beta.kubernetes.io"];
    let is_default =
        |domain: &str| class.text(&format!("/metadata/annotations/{domain}~1is-default-class")) == "true";
    let default = if annotations.into_iter().any(is_default) { " (default)" } else { "" };
    json!([
        format!("{}{default}", class.name()),
        class.text("/provisioner"),
        class.at("/reclaimPolicy").as_str().unwrap_or("Delete"),
        class.at("/volumeBindingMode").as_str().unwrap_or("Immediate"),
        class.flag("/allowVolumeExpansion"),
        class.age(),
    ])
}

pub(super) fn volume_attributes_class(class: &Printed<'_>) -> Value {
    json!([class.name(), class.text("/driverName"), class.age()])
}

pub(super) fn volume_attachment(attachment: &Printed<'_>) -> Value {
    json!([
        attachment.name(),
        attachment.text("/spec/attacher"),
        attachment.text("/spec/source/persistentVolumeName"),
        attachment.text("/spec/nodeName"),
        attachment.flag("/status/attached"),
        attachment.age(),
    ])
}

pub(super) fn csi_driver(driver: &Printed<'_>) -> Value {
    let tokens = match driver.at("/spec/tokenRequests").as_array() {
        Some(requests) => join(requests.iter().map(|request| text(request, "/audience")), ","),
        None => "<unset>".to_owned(),
    };
    let modes = driver.list("/spec/volumeLifecycleModes");
    let modes = if modes.is_empty() {
        "<none>".to_owned()
    } else {
        join(modes.iter().filter_map(Value::as_str), ",")
    };
    json!([
        driver.name(),
        driver.at("/spec/attachRequired").as_bool().unwrap_or(true),
        driver.flag("/spec/podInfoOnMount"),
        driver.flag("/spec/storageCapacity"),
        tokens,
        driver.flag("/spec/requiresRepublish"),
        modes,
        driver.age(),
    ])
}

pub(super) fn csi_node(node: &Printed<'_>) -> Value {
    json!([node.name(), node.list("/spec/drivers").len(), node.age()])
}
