//! What a claim's volume is filled from (NormalizeDataSources in pkg/api/persistentvolumeclaim/util.go,
//! validateDataSource in pkg/apis/core/validation/validation.go).
//!
//! `dataSource` is the older of two fields, for claims and snapshots alone; each is filled in from the other. Sources in
//! other namespaces are an alpha feature, which drops them.

use crate::builtins::fields::{at, has, set, text};
use crate::builtins::names;
use crate::field_error::FieldError;
use serde_json::{Value, json};

const SNAPSHOTS: &str = "snapshot.storage.k8s.io";
const CLAIM: &str = "PersistentVolumeClaim";

/// Brings the two fields of a new claim into line.
pub(super) fn prepare(spec: &mut Value) {
    if has(at(spec, "/dataSourceRef"), "namespace") {
        set(spec, "dataSourceRef", None);
    }
    let source = at(spec, "/dataSource");
    let is_known = matches!(
        (text(source, "/kind"), text(source, "/apiGroup")),
        (CLAIM, "") | ("VolumeSnapshot", SNAPSHOTS)
    );
    if source.is_object() && !has(spec, "dataSourceRef") && !is_known {
        set(spec, "dataSource", None);
    }
    complete(spec);
}

/// Fills in whichever of the two fields is missing: an older client leaves out the one that it does not know.
pub(super) fn complete(spec: &mut Value) {
    for (given, missing) in [("dataSource", "dataSourceRef"), ("dataSourceRef", "dataSource")] {
        if has(spec, given) && !has(spec, missing) {
            let source = at(spec, &format!("/{given}")).clone();
            set(spec, missing, Some(source));
        }
    }
}

/// Checks both fields.
pub(super) fn validate(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for key in ["dataSource", "dataSourceRef"].into_iter().filter(|key| has(spec, key)) {
        let (source, path) = (at(spec, &format!("/{key}")), format!("{path}.{key}"));
        for part in ["name", "kind"] {
            if text(source, &format!("/{part}")).is_empty() {
                errors.push(FieldError::required(format!("{path}.{part}"), ""));
            }
        }
        let (kind, group) = (text(source, "/kind"), text(source, "/apiGroup"));
        if group.is_empty() {
            if kind != CLAIM {
                let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
                errors.push(FieldError::invalid(path, kind, detail));
            }
        } else {
            let wrong = names::dns_subdomain(group);
            errors.extend(FieldError::invalid_for_each(&format!("{path}.apiGroup"), group, wrong));
        }
    }
    let named = |key: &str| ["apiGroup", "kind", "name"].map(|part| text(spec, &format!("/{key}/{part}")));
    let both = has(spec, "dataSource") && has(spec, "dataSourceRef");
    if both && named("dataSource") != named("dataSourceRef") {
        errors.push(FieldError::invalid(path, json!({}), "must match dataSourceRef"));
    }
}
