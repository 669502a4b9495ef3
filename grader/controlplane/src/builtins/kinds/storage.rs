//! PersistentVolumes and StorageClasses (pkg/registry/core/persistentvolume, pkg/apis/storage/validation).

use super::resources;
use crate::builtins::fields::{at, list, members, put, set, text};
use crate::builtins::names;
use crate::builtins::rules::{Cluster, Rules};
use crate::error::ApiError;
use crate::field_error::FieldError;
use serde_json::{Value, json};

const PROTECTION: &str = "kubernetes.io/pv-protection";

pub(super) struct Volume;

impl Rules for Volume {
    /// The volume is protected as long as a claim is bound to it (plugin/pkg/admission/storage).
    fn admit(&self, new: &mut Value, old: Option<&Value>, _: &mut dyn Cluster) -> Result<(), ApiError> {
        let mut finalizers = list(new, "/metadata/finalizers").to_vec();
        if old.is_none() && !finalizers.iter().any(|finalizer| finalizer == PROTECTION) {
            finalizers.push(PROTECTION.into());
            put(new, &["metadata", "finalizers"], finalizers);
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
        if list(spec, "/accessModes").is_empty() {
            errors.push(FieldError::required("spec.accessModes", ""));
        }
        match members(spec, "/capacity") {
            None => errors.push(FieldError::required("spec.capacity", "")),
            Some(capacity) => {
                if capacity.len() != 1 || !capacity.contains_key("storage") {
                    let shown = Value::from(capacity.clone());
                    errors.push(FieldError::not_supported("spec.capacity", shown, ["storage"]));
                }
                for (name, amount) in capacity {
                    let path = format!("spec.capacity[{name}]");
                    if let Some(amount) = resources::parse(amount).filter(|q| q.is_zero() || q.is_negative())
                    {
                        let detail = "must be greater than zero";
                        errors.push(FieldError::invalid(path, amount.to_string(), detail));
                    }
                }
            }
        }
        let policy = text(spec, "/persistentVolumeReclaimPolicy");
        let known = ["Delete", "Recycle", "Retain"];
        if !known.contains(&policy) {
            errors.push(FieldError::not_supported("spec.persistentVolumeReclaimPolicy", policy, known));
        }
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() { Vec::new() } else { self.validate_create(new) }
    }
}

pub(super) struct StorageClass;

impl Rules for StorageClass {
    fn validate_create(&self, class: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        match text(class, "/provisioner") {
            "" => errors.push(FieldError::required("provisioner", "")),
            provisioner => {
                let bad = names::qualified_name(&provisioner.to_lowercase()).into_iter();
                errors.extend(bad.map(|e| FieldError::invalid("provisioner", provisioner, e)));
            }
        }
        for (key, known) in [
            ("reclaimPolicy", &["Delete", "Retain"][..]),
            ("volumeBindingMode", &["Immediate", "WaitForFirstConsumer"]),
        ] {
            let value = text(class, &format!("/{key}"));
            if !known.contains(&value) {
                errors.push(FieldError::not_supported(key, value, known));
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let changed = ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"]
            .into_iter()
            .filter(|key| new.get(*key) != old.get(*key));
        changed
            .map(|key| {
                let value = new.get(key).cloned().unwrap_or_default();
                FieldError::invalid(key, value, "field is immutable")
            })
            .collect()
    }
}
