//! PersistentVolumeClaims (pkg/registry/core/persistentvolumeclaim/strategy.go, pkg/apis/core/validation).

use super::{data_source, default_class, limits, resources};
use crate::builtins::fields::{at, list, put, set, text};
use crate::builtins::names;
use crate::builtins::quantity::Quantity;
use crate::builtins::rules::{Cluster, Rules, keep_all_but_status, keep_status};
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::selector::label;
use crate::store::ResourceId;
use serde_json::{Value, json};

const STORAGE_CLASSES: ResourceId = ResourceId::known("storage.k8s.io", "storageclasses");
const CLAIMS: ResourceId = ResourceId::known("", "persistentvolumeclaims");
const PROTECTION: &str = "kubernetes.io/pvc-protection";

pub(super) struct Claim;

impl Rules for Claim {
    fn admit_final(&self, new: &Value, old: Option<&Value>, cluster: &dyn Cluster) -> Result<(), ApiError> {
        limits::check_claim(new, cluster)?;
        match old.map(|old| growth_refusal(new, old, cluster)) {
            Some(Some(why)) => Err(ApiError::forbidden(&CLAIMS, text(new, "/metadata/name"), why)),
            _ => Ok(()),
        }
    }

    /// The claim is protected as long as a pod uses it, and asks for the default class when it names none
    /// (plugin/pkg/admission/storage).
    fn admit(&self, new: &mut Value, old: Option<&Value>, cluster: &mut dyn Cluster) -> Result<(), ApiError> {
        if old.is_some() {
            return Ok(());
        }
        let mut finalizers = list(new, "/metadata/finalizers").to_vec();
        if !finalizers.iter().any(|finalizer| finalizer == PROTECTION) {
            finalizers.push(PROTECTION.into());
            put(new, &["metadata", "finalizers"], finalizers);
        }
        if at(new, "/spec/storageClassName").is_null() && text(new, "/spec/volumeName").is_empty() {
            let classes = cluster.list(&STORAGE_CLASSES, None);
            if let Some(name) = default_class::name(&classes, "storageclass.kubernetes.io/is-default-class") {
                put(new, &["spec", "storageClassName"], name);
            }
        }
        Ok(())
    }

    fn prepare_for_create(&self, claim: &mut Value) {
        data_source::prepare(&mut claim["spec"]);
        set(claim, "status", Some(json!({"phase": "Pending"})));
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        if subresource == Some("status") {
            return keep_all_but_status(new, old);
        }
        keep_status(new, old);
        if let Some(spec) = new.get_mut("spec") {
            data_source::complete(spec);
        }
    }

    fn warnings(&self, claim: &Value, _old: Option<&Value>) -> Vec<String> {
        warnings(at(claim, "/spec"), "spec")
    }

    fn validate_create(&self, claim: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        validate_spec(at(claim, "/spec"), "spec", &mut errors);
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() {
            return Vec::new();
        }
        let mut errors = self.validate_create(new);
        let mut allowed = at(old, "/spec").clone();
        let mut allow = |key: &str| set(&mut allowed, key, at(new, "/spec").get(key).cloned());
        if text(old, "/spec/volumeName").is_empty() {
            // Binding names the volume.
            allow("volumeName");
        }
        if at(old, "/spec/storageClassName").is_null() {
            // The default class may be set later for a claim without one.
            allow("storageClassName");
        }
        if text(new, "/status/phase") == "Bound" {
            allow("volumeAttributesClassName");
            let storage = at(new, "/spec/resources/requests/storage");
            put(&mut allowed, &["resources", "requests", "storage"], storage.clone());
        }
        if allowed != *at(new, "/spec") {
            let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName \
                          for bound claims";
            errors.push(FieldError::forbidden("spec", detail));
        }
        // What is not there counts as zero, which is the least.
        let amount = |claim: &Value, pointer| resources::parse(at(claim, pointer)).filter(|q| !q.is_zero());
        let wanted = |claim: &Value| amount(claim, "/spec/resources/requests/storage");
        if wanted(new) < wanted(old) && wanted(new) <= amount(old, "/status/capacity/storage") {
            let detail = "field can not be less than status.capacity";
            errors.push(FieldError::forbidden("spec.resources.requests.storage", detail));
        }
        errors
    }
}

/// What is odd about the spec of a claim or of a claim template (pkg/api/persistentvolumeclaim/util.go).
pub(super) fn warnings(spec: &Value, path: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    for key in ["requests", "limits"] {
        let asked = at(spec, &format!("/resources/{key}/storage"));
        let odd = resources::parse(asked).filter(|amount| !amount.is_whole());
        warnings.extend(odd.map(|amount| {
            format!(
                "{path}.resources.{key}[storage]: fractional byte value \"{amount}\" is invalid, must be an integer"
            )
        }));
    }
    warnings
}

/// Checks the spec of a claim or of a claim template.
pub(super) fn validate_spec(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    access_modes(spec, path, "at least 1 access mode is required", errors);
    if at(spec, "/selector").is_object() {
        errors.extend(label::validate(at(spec, "/selector"), &format!("{path}.selector")));
    }
    let storage_path = format!("{path}.resources[storage]");
    match at(spec, "/resources/requests/storage") {
        Value::Null => errors.push(FieldError::required(storage_path, "")),
        storage => {
            if let Some(quantity) = resources::parse(storage).filter(|q| q.is_zero() || q.is_negative()) {
                errors.push(FieldError::invalid(
                    storage_path,
                    quantity.to_string(),
                    "must be greater than zero",
                ));
            }
        }
    }
    for key in ["storageClassName", "volumeAttributesClassName"] {
        let class = text(spec, &format!("/{key}"));
        if !class.is_empty() {
            let bad = names::dns_subdomain(class).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.{key}"), class, e)));
        }
    }
    volume_mode(spec, path, errors);
    data_source::validate(spec, path, errors);
}

/// Checks how a volume may be mounted; `none` is what to say when nothing is given.
pub(super) fn access_modes(spec: &Value, path: &str, none: &str, errors: &mut Vec<FieldError>) {
    const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    const ALONE: &str = "ReadWriteOncePod";
    let modes: Vec<&str> = list(spec, "/accessModes").iter().filter_map(Value::as_str).collect();
    let path = format!("{path}.accessModes");
    if modes.is_empty() {
        errors.push(FieldError::required(path.as_str(), none));
    }
    for mode in modes.iter().filter(|mode| !MODES.contains(mode)) {
        errors.push(FieldError::not_supported(path.as_str(), *mode, MODES));
    }
    if modes.contains(&ALONE) && modes.iter().any(|mode| MODES.contains(mode) && *mode != ALONE) {
        errors.push(FieldError::forbidden(path, "may not use ReadWriteOncePod with other access modes"));
    }
}

/// Checks whether a volume is one of files or of blocks.
pub(super) fn volume_mode(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mode = text(spec, "/volumeMode");
    if !["", "Block", "Filesystem"].contains(&mode) {
        errors.push(FieldError::not_supported(format!("{path}.volumeMode"), mode, ["Block", "Filesystem"]));
    }
}
/// Why a claim may not grow, if it does (plugin/pkg/admission/storage/persistentvolume/resize).
fn growth_refusal(new: &Value, old: &Value, cluster: &dyn Cluster) -> Option<&'static str> {
    let size = |claim: &Value| Quantity::parse(text(claim, "/spec/resources/requests/storage")).ok();
    if size(new) <= size(old) {
        return None;
    }
    if text(old, "/status/phase") != "Bound" {
        return Some("Only bound persistent volume claims can be expanded");
    }
    let class = text(new, "/spec/storageClassName");
    let class =
        cluster.get(&STORAGE_CLASSES, "", class).filter(|_| class == text(old, "/spec/storageClassName"));
    if class.is_some_and(|class| class["allowVolumeExpansion"] == true) {
        return None;
    }
    Some(
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    )
}
