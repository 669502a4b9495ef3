//! Which volume fits a claim (component-helpers/storage/volume/pv_helpers.go, pkg/controller/volume/persistentvolume/
//! index.go).

use super::claim_key;
use crate::builtins::quantity::Quantity;
use crate::controllers::{fields, owners};
use crate::object;
use crate::selector::label::LabelSelector;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
const FILESYSTEM: &str = "Filesystem";

/// The class of a claim or a volume; empty for none.
pub(super) fn class(object: &Value) -> &str {
    match object["metadata"]["annotations"].get(CLASS_ANNOTATION).and_then(Value::as_str) {
        Some(class) => class,
        None => fields::text(object, "/spec/storageClassName"),
    }
}

/// Whether a claim says which class it wants, if only that it wants none.
pub(super) fn names_class(claim: &Value) -> bool {
    super::has_annotation(claim, CLASS_ANNOTATION) || claim["spec"]["storageClassName"].is_string()
}

/// The volume for a claim: one that was kept for it, or else the smallest that is large enough, of those that allow no
/// more than they must. A claim whose class waits for a consumer gets none but what was kept for it.
pub(super) fn best<'v>(claim: &Value, volumes: &'v [Arc<Value>], waits: bool) -> Option<&'v Arc<Value>> {
    let wanted = modes(claim);
    let mut offers: Vec<(Vec<&str>, Vec<&Arc<Value>>)> = Vec::new();
    for volume in volumes.iter().filter(|volume| modes(volume).is_superset(&wanted)) {
        let modes: Vec<&str> = modes(volume).into_iter().collect();
        match offers.iter_mut().find(|(known, _)| *known == modes) {
            Some((_, offered)) => offered.push(volume),
            None => offers.push((modes, vec![volume])),
        }
    }
    offers.sort_by_key(|(modes, _)| modes.len());
    offers.into_iter().find_map(|(_, volumes)| best_of(claim, &volumes, waits))
}

fn best_of<'v>(claim: &Value, volumes: &[&'v Arc<Value>], waits: bool) -> Option<&'v Arc<Value>> {
    let selector = claim["spec"].get("selector").filter(|selector| selector.is_object());
    let selector = selector.and_then(|selector| LabelSelector::from_value(Some(selector)).ok());
    let mut smallest: Option<(&Arc<Value>, Quantity)> = None;
    for volume in volumes {
        let is_kept = is_bound_to(volume, claim);
        let size = size(volume, "/spec/capacity/storage");
        let fits = (claim_key(volume).is_none() || is_kept)
            && size.partial_cmp(&self::size(claim, "/spec/resources/requests/storage"))
                != Some(Ordering::Less)
            && mode(volume) == mode(claim)
            && attributes_class(volume) == attributes_class(claim)
            && !object::is_deleting(volume);
        if !fits {
            continue;
        }
        if is_kept {
            return Some(volume);
        }
        if waits
            || volume["status"]["phase"] != "Available"
            || selector.as_ref().is_some_and(|selector| !selector.matches_object(volume))
            || class(volume) != class(claim)
        {
            continue;
        }
        if smallest.as_ref().is_none_or(|(_, smallest)| size.partial_cmp(smallest) == Some(Ordering::Less)) {
            smallest = Some((volume, size));
        }
    }
    smallest.map(|(volume, _)| volume)
}

/// Why a claim may not have the volume that it names, if so.
pub(super) fn mismatch(volume: &Value, claim: &Value) -> Option<String> {
    if object::is_deleting(volume) {
        let name = crate::go_text::quote(object::name(volume));
        return Some(format!("the volume is marked for deletion {name}"));
    }
    let (offered, wanted) =
        (size(volume, "/spec/capacity/storage"), size(claim, "/spec/resources/requests/storage"));
    let why = if offered.partial_cmp(&wanted) == Some(Ordering::Less) {
        "requested PV is too small"
    } else if class(volume) != class(claim) {
        "storageClassName does not match"
    } else if attributes_class(volume) != attributes_class(claim) {
        "volumeAttributesClassName does not match"
    } else if mode(volume) != mode(claim) {
        "incompatible volumeMode"
    } else if !modes(volume).is_superset(&modes(claim)) {
        "incompatible accessMode"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// Whether a volume is for this claim, or kept for it.
pub(super) fn is_bound_to(volume: &Value, claim: &Value) -> bool {
    let uid = fields::text(volume, "/spec/claimRef/uid");
    claim_key(volume) == Some(owners::key(claim)) && (uid.is_empty() || uid == object::uid(claim))
}

/// What a volume is used as.
pub(super) fn mode(object: &Value) -> &str {
    match fields::text(object, "/spec/volumeMode") {
        "" => FILESYSTEM,
        mode => mode,
    }
}

fn modes(object: &Value) -> BTreeSet<&str> {
    fields::items(object, "/spec/accessModes").iter().filter_map(Value::as_str).collect()
}

fn attributes_class(object: &Value) -> &str {
    fields::text(object, "/spec/volumeAttributesClassName")
}

fn size(object: &Value, pointer: &str) -> Quantity {
    Quantity::parse(fields::text(object, pointer)).unwrap_or_else(|_| Quantity::count(0))
}
