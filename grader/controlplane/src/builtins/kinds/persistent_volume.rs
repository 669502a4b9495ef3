//! PersistentVolumes (ValidatePersistentVolumeSpec in pkg/apis/core/validation/validation.go,
//! pkg/registry/core/persistentvolume).
//!
//! Left out: what the sources of single clouds and of storage systems say, which Kubernetes has given up.

use super::storage::protect;
use super::{claim, csi, placement, pod_warnings, resources, volumes};
use crate::builtins::fields::{at, has, list, members, set, text};
use crate::builtins::names;
use crate::builtins::rules::{Cluster, Rules};
use crate::error::ApiError;
use crate::field_error::FieldError;
use serde_json::{Value, json};

/// What named the class of a volume before there was a field for it.
const OLD_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const PROTECTION: &str = "kubernetes.io/pv-protection";
/// Where a volume can come from, in the order in which they are looked at.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];
const CSI_SECRETS: [&str; 4] = [
    "controllerPublishSecretRef",
    "controllerExpandSecretRef",
    "nodePublishSecretRef",
    "nodeExpandSecretRef",
];

pub(super) struct Volume;

impl Rules for Volume {
    /// The volume is protected as long as a claim is bound to it (plugin/pkg/admission/storage).
    fn admit(&self, new: &mut Value, old: Option<&Value>, _: &mut dyn Cluster) -> Result<(), ApiError> {
        if old.is_none() {
            protect(new, PROTECTION);
        }
        Ok(())
    }

    fn prepare_for_create(&self, volume: &mut Value) {
        let now = at(volume, "/metadata/creationTimestamp").clone();
        set(volume, "status", Some(json!({"phase": "Pending", "lastPhaseTransitionTime": now})));
    }

    fn validate_create(&self, volume: &Value) -> Vec<FieldError> {
        let spec = at(volume, "/spec");
        let mut errors = Vec::new();
        claim::access_modes(spec, "spec", "", &mut errors);
        capacity(spec, &mut errors);
        let policy = text(spec, "/persistentVolumeReclaimPolicy");
        let known = ["Delete", "Recycle", "Retain"];
        if !known.contains(&policy) {
            errors.push(FieldError::not_supported("spec.persistentVolumeReclaimPolicy", policy, known));
        }
        if has(spec, "nodeAffinity") {
            match at(spec, "/nodeAffinity/required") {
                Value::Null => {
                    let detail = "must specify required node constraints";
                    errors.push(FieldError::required("spec.nodeAffinity.required", detail));
                }
                required => placement::node_selector(required, "spec.nodeAffinity.required", &mut errors),
            }
        }
        source(spec, &mut errors);
        if policy == "Recycle" && is_root(text(spec, "/hostPath/path")) {
            let detail = "may not be 'recycle' for a hostPath mount of '/'";
            errors.push(FieldError::forbidden("spec.persistentVolumeReclaimPolicy", detail));
        }
        class(spec, "storageClassName", &mut errors);
        claim::volume_mode(spec, "spec", &mut errors);
        if has(spec, "volumeAttributesClassName") {
            if text(spec, "/volumeAttributesClassName").is_empty() {
                let detail = "an empty string is disallowed";
                errors.push(FieldError::required("spec.volumeAttributesClassName", detail));
            }
            class(spec, "volumeAttributesClassName", &mut errors);
            if !has(spec, "csi") {
                let detail = "has to be specified when using volumeAttributesClassName";
                errors.push(FieldError::required("spec.csi", detail));
            }
        }
        errors
    }

    /// See pkg/api/persistentvolume/util.go.
    fn warnings(&self, volume: &Value, _old: Option<&Value>) -> Vec<String> {
        let spec = at(volume, "/spec");
        let mut warnings = Vec::new();
        if at(volume, "/metadata/annotations").get(OLD_CLASS).is_some() {
            let instead = "deprecated since v1.8; use \"storageClassName\" attribute instead";
            warnings.push(format!("metadata.annotations[{OLD_CLASS}]: {instead}"));
        }
        if text(spec, "/persistentVolumeReclaimPolicy") == "Recycle" {
            let text = "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the \
                        recommended approach is to use dynamic provisioning.";
            warnings.push(text.to_owned());
        }
        for (i, term) in list(spec, "/nodeAffinity/required/nodeSelectorTerms").iter().enumerate() {
            let path = format!("spec.nodeAffinity.required.nodeSelectorTerms[{i}]");
            pod_warnings::node_term(term, &path, &mut warnings);
        }
        // Of these two Kubernetes says nothing here.
        if !has(spec, "flocker") && !has(spec, "quobyte") {
            pod_warnings::gone_source(spec, "spec", &mut warnings);
        }
        warnings
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() {
            return Vec::new();
        }
        // All that is wrong with the volume is said twice, by its strategy and by its validation.
        let mut errors = self.validate_create(new);
        errors.extend(self.validate_create(new));
        let (new, old) = (at(new, "/spec"), at(old, "/spec"));
        if sources(new, old) != sources(old, old) {
            let detail = "spec.persistentvolumesource is immutable after creation";
            errors.push(FieldError::forbidden("spec.persistentvolumesource", detail));
        }
        if new.get("volumeMode") != old.get("volumeMode") {
            let shown = at(new, "/volumeMode").clone();
            errors.push(FieldError::invalid("volumeMode", shown, "field is immutable"));
        }
        let affinity = at(old, "/nodeAffinity");
        if affinity.is_object() && at(new, "/nodeAffinity") != affinity {
            let shown = at(new, "/nodeAffinity").clone();
            errors.push(FieldError::invalid(
                "nodeAffinity",
                shown,
                "field is immutable, except for updating from beta label to GA",
            ));
        }
        if has(old, "volumeAttributesClassName") && !has(new, "volumeAttributesClassName") {
            let detail = "update from non-nil value to nil is forbidden";
            errors.push(FieldError::forbidden("spec.volumeAttributesClassName", detail));
        }
        errors
    }
}

fn capacity(spec: &Value, errors: &mut Vec<FieldError>) {
    let capacity = members(spec, "/capacity").cloned().unwrap_or_default();
    if capacity.is_empty() {
        errors.push(FieldError::required("spec.capacity", ""));
    }
    if capacity.len() != 1 || !capacity.contains_key("storage") {
        let shown = at(spec, "/capacity").clone();
        errors.push(FieldError::not_supported("spec.capacity", shown, ["storage"]));
    }
    for (name, amount) in &capacity {
        let Some(amount) = resources::parse(amount) else { continue };
        let path = format!("spec.capacity[{name}]");
        if amount.is_zero() || amount.is_negative() {
            let detail = "must be greater than zero";
            errors.push(FieldError::invalid(path, amount.to_string(), detail));
        }
    }
}

/// A volume comes from one place.
fn source(spec: &Value, errors: &mut Vec<FieldError>) {
    let mut given = SOURCES.iter().filter(|source| has(spec, source));
    let Some(kind) = given.next() else {
        errors.push(FieldError::required("spec", "must specify a volume type"));
        return;
    };
    let (source, path) = (at(spec, &format!("/{kind}")), format!("spec.{kind}"));
    volumes::place(kind, source, &path, errors);
    match *kind {
        "iscsi" => volumes::iscsi(source, "must be valid format", &path, errors),
        "csi" => csi_source(source, &path, errors),
        "local" if !has(spec, "nodeAffinity") => {
            let detail = "Local volume requires node affinity";
            errors.push(FieldError::required("spec.nodeAffinity", detail));
        }
        _ => {}
    }
    for extra in given {
        let detail = "may not specify more than 1 volume type";
        errors.push(FieldError::forbidden(format!("spec.{extra}"), detail));
    }
}

fn csi_source(source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    csi::driver_name(text(source, "/driver"), &format!("{path}.driver"), errors);
    if text(source, "/volumeHandle").is_empty() {
        errors.push(FieldError::required(format!("{path}.volumeHandle"), ""));
    }
    for key in CSI_SECRETS.into_iter().filter(|key| has(source, key)) {
        type NameCheck = fn(&str) -> Vec<String>;
        let checks: [(&str, NameCheck); 2] =
            [("name", names::dns_subdomain), ("namespace", names::dns_label)];
        for (part, check) in checks {
            let path = format!("{path}.{key}.{part}");
            match text(source, &format!("/{key}/{part}")) {
                "" => errors.push(FieldError::required(path, "")),
                name => errors.extend(FieldError::invalid_for_each(&path, name, check(name))),
            }
        }
    }
}

fn class(spec: &Value, key: &str, errors: &mut Vec<FieldError>) {
    let class = text(spec, &format!("/{key}"));
    if !class.is_empty() {
        let wrong = names::dns_subdomain(class);
        errors.extend(FieldError::invalid_for_each(&format!("spec.{key}"), class, wrong));
    }
}

/// The sources of a spec. A secret for resizing that the volume did not have may come later.
fn sources(spec: &Value, old: &Value) -> Vec<Value> {
    let mut sources: Vec<Value> = SOURCES.iter().map(|key| at(spec, &format!("/{key}")).clone()).collect();
    if has(old, "csi") && !has(at(old, "/csi"), "controllerExpandSecretRef") {
        sources.iter_mut().for_each(|source| set(source, "controllerExpandSecretRef", None));
    }
    sources
}

fn is_root(path: &str) -> bool {
    path.starts_with('/') && path.split('/').all(|part| part.is_empty() || part == ".")
}
