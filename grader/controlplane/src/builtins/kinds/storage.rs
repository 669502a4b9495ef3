//! The classes of volumes (pkg/apis/storage/validation).

use crate::builtins::fields::{list, members, put, text};
use crate::builtins::names;
use crate::builtins::rules::{Cluster, Rules};
use crate::error::ApiError;
use crate::field_error::FieldError;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const CLASS_PROTECTION: &str = "kubernetes.io/vac-protection";
const MOST_PARAMETERS: usize = 512;
const LONGEST_PARAMETERS: usize = 256 * 1024;
/// So many pairs of equal topologies are told: there can be far more of them than of topologies.
const MOST_DUPLICATES: usize = 1_000;

pub(super) struct StorageClass;

impl Rules for StorageClass {
    fn validate_create(&self, class: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        driver(class, "provisioner", &mut errors);
        parameters(class, &mut errors);
        for (key, known) in [
            ("reclaimPolicy", &["Delete", "Retain"][..]),
            ("volumeBindingMode", &["Immediate", "WaitForFirstConsumer"]),
        ] {
            let value = text(class, &format!("/{key}"));
            if !known.contains(&value) {
                errors.push(FieldError::not_supported(key, value, known));
            }
        }
        topologies(list(class, "/allowedTopologies"), &mut errors);
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let changed = ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"]
            .into_iter()
            .filter(|key| new.get(*key) != old.get(*key));
        let shown = |key: &str| match key {
            "parameters" => new.get(key).cloned().unwrap_or_default(),
            _ => text(new, &format!("/{key}")).into(),
        };
        let mut errors = self.validate_create(new);
        errors.extend(changed.map(|key| FieldError::invalid(key, shown(key), "field is immutable")));
        errors
    }
}

pub(super) struct AttributesClass;

impl Rules for AttributesClass {
    /// The class is protected as long as a volume or claim has it (plugin/pkg/admission/storage).
    fn admit(&self, new: &mut Value, old: Option<&Value>, _: &mut dyn Cluster) -> Result<(), ApiError> {
        if old.is_none() {
            protect(new, CLASS_PROTECTION);
        }
        Ok(())
    }

    fn validate_create(&self, class: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        driver(class, "driverName", &mut errors);
        parameters(class, &mut errors);
        if members(class, "/parameters").is_none_or(Map::is_empty) {
            errors.push(FieldError::required("parameters", "must contain at least one key/value pair"));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let changed = ["driverName", "parameters"].into_iter().filter(|key| new.get(*key) != old.get(*key));
        let refuse = |key: &str| FieldError::forbidden(key, format!("updates to {key} are forbidden."));
        let mut errors: Vec<FieldError> = changed.map(refuse).collect();
        errors.extend(self.validate_create(new));
        errors
    }
}

/// Gives an object a finalizer, which keeps it as long as others use it.
pub(super) fn protect(object: &mut Value, finalizer: &str) {
    let mut finalizers = list(object, "/metadata/finalizers").to_vec();
    if !finalizers.iter().any(|present| present == finalizer) {
        finalizers.push(finalizer.into());
        put(object, &["metadata", "finalizers"], finalizers);
    }
}

/// Who makes volumes of a class.
fn driver(class: &Value, key: &str, errors: &mut Vec<FieldError>) {
    match text(class, &format!("/{key}")) {
        "" => errors.push(FieldError::required(key, "")),
        driver => {
            // The text shows the name in lower case, as it was looked at.
            let driver = driver.to_lowercase();
            errors.extend(FieldError::invalid_for_each(key, &driver, names::qualified_name(&driver)));
        }
    }
}

fn parameters(class: &Value, errors: &mut Vec<FieldError>) {
    let Some(parameters) = members(class, "/parameters") else { return };
    if parameters.len() > MOST_PARAMETERS {
        errors.push(FieldError::too_long("parameters", MOST_PARAMETERS));
        return;
    }
    if parameters.contains_key("") {
        errors.push(FieldError::invalid("parameters", "", "field can not be empty."));
    }
    if size(Some(parameters)) > LONGEST_PARAMETERS {
        errors.push(FieldError::too_long("parameters", LONGEST_PARAMETERS));
    }
}

/// The length of all keys and texts together.
pub(super) fn size(texts: Option<&Map<String, Value>>) -> usize {
    let texts = texts.into_iter().flatten();
    texts.map(|(key, value)| key.len() + value.as_str().unwrap_or_default().len()).sum()
}

/// Where volumes of a class may be.
fn topologies(terms: &[Value], errors: &mut Vec<FieldError>) {
    // Upstream holds each term against as many empty ones before it.
    let mut seen = BTreeMap::from([(BTreeMap::new(), terms.len())]);
    let mut room = MOST_DUPLICATES;
    for (number, term) in terms.iter().enumerate() {
        let path = format!("allowedTopologies[{number}].matchLabelExpressions");
        let mut requirements = BTreeMap::new();
        for (number, requirement) in list(term, "/matchLabelExpressions").iter().enumerate() {
            let path = format!("{path}[{number}]");
            let key = text(requirement, "/key");
            let mut values = BTreeSet::new();
            if list(requirement, "/values").is_empty() {
                errors.push(FieldError::required(format!("{path}.values"), ""));
            }
            for (number, value) in list(requirement, "/values").iter().filter_map(Value::as_str).enumerate() {
                if !values.insert(value) {
                    errors.push(FieldError::duplicate(format!("{path}.values[{number}]"), value));
                }
            }
            let wrong = names::qualified_name(key);
            errors.extend(FieldError::invalid_for_each(&format!("{path}.key"), key, wrong));
            if requirements.insert(key, values).is_some() {
                errors.push(FieldError::duplicate(format!("{path}.key"), key));
            }
        }
        let same = seen.entry(requirements).or_default();
        let told = room.min(*same);
        room -= told;
        errors.extend((0..told).map(|_| FieldError::duplicate(&path, "")));
        *same += 1;
    }
}
