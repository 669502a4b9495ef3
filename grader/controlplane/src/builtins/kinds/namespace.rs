//! Namespaces (pkg/registry/core/namespace/strategy.go).

use crate::builtins::fields::{list, put, set, text};
use crate::builtins::meta;
use crate::builtins::names::{self, NameRule};
use crate::builtins::rules::{Rules, keep_all_but_status, keep_status};
use crate::error::ApiError;
use crate::field_error::FieldError;
use serde_json::{Value, json};

/// What keeps a Namespace until its content is gone.
const KUBERNETES: &str = "kubernetes";

pub(super) struct Namespace;

impl Rules for Namespace {
    fn names(&self) -> NameRule {
        NameRule::Label
    }

    fn prepare_for_create(&self, namespace: &mut Value) {
        set(namespace, "status", Some(json!({"phase": "Active"})));
        let mut finalizers = list(namespace, "/spec/finalizers").to_vec();
        if !finalizers.iter().any(|finalizer| finalizer == KUBERNETES) {
            finalizers.push(KUBERNETES.into());
        }
        put(namespace, &["spec", "finalizers"], finalizers);
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        match subresource {
            Some("status") => keep_all_but_status(new, old),
            // Only this path takes the finalizers away.
            Some("finalize") => keep_status(new, old),
            _ => {
                keep_status(new, old);
                put(new, &["spec", "finalizers"], list(old, "/spec/finalizers").to_vec());
            }
        }
    }

    fn validate_create(&self, namespace: &Value) -> Vec<FieldError> {
        spec_finalizers(namespace, |_| "spec.finalizers".to_owned())
    }

    fn validate_update(&self, new: &Value, _old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        let phase = text(new, "/status/phase");
        let deleting = crate::object::is_deleting(new);
        match subresource {
            Some("status") if !deleting && phase != "Active" => {
                let text = "may only be 'Active' if `deletionTimestamp` is empty";
                vec![FieldError::invalid("status.Phase", phase, text)]
            }
            Some("status") if deleting && phase != "Terminating" => {
                let text = "may only be 'Terminating' if `deletionTimestamp` is not empty";
                vec![FieldError::invalid("status.Phase", phase, text)]
            }
            Some("status") => Vec::new(),
            _ => spec_finalizers(new, |i| format!("spec.finalizers[{i}]")),
        }
    }
}

/// Checks the finalizers of a spec. Which field is wrong is said in another way when the namespace is new.
fn spec_finalizers(namespace: &Value, field: impl Fn(usize) -> String) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (i, finalizer) in list(namespace, "/spec/finalizers").iter().filter_map(Value::as_str).enumerate() {
        let bad = names::qualified_name(finalizer).into_iter();
        errors.extend(bad.map(|text| FieldError::invalid(field(i), finalizer, text)));
        let wrapped = json!({"metadata": {"finalizers": [finalizer]}});
        errors.extend(meta::standard_finalizers(&wrapped).into_iter().map(|error| {
            let detail = error.detail;
            FieldError::invalid(field(i), finalizer, detail)
        }));
    }
    errors
}

/// Namespaces that every cluster needs cannot be deleted (plugin/pkg/admission/namespace/lifecycle).
///
/// # Errors
/// 403 for one of them.
pub fn may_be_deleted(name: &str) -> Result<(), ApiError> {
    if ["default", "kube-system", "kube-public"].contains(&name) {
        let namespaces = &crate::resources::NAMESPACES;
        return Err(ApiError::forbidden(namespaces, name, "this namespace may not be deleted"));
    }
    Ok(())
}
