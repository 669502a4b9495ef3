//! What a kind adds to the rules that all objects share, in one shape (upstream: a kind's strategy.go, its
//! validation, and the admission plugins that are on by default).

use super::fields::set;
use super::names::NameRule;
use crate::access::User;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::store::ResourceId;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// What rules may see of the rest of the cluster, and draw from it.
pub trait Cluster {
    /// One object; `namespace` is empty for cluster-scoped ones.
    fn get(&self, resource: &ResourceId, namespace: &str, name: &str) -> Option<Arc<Value>>;
    /// All objects of a resource, in one namespace or (`None`) in all.
    fn list(&self, resource: &ResourceId, namespace: Option<&str>) -> Vec<Arc<Value>>;
    /// Five random characters, as generated names end with.
    fn suffix(&mut self) -> String;
    /// Whether nothing will be stored.
    fn is_dry_run(&self) -> bool {
        false
    }
    /// Who writes.
    fn user(&self) -> &User;
    /// When.
    fn now(&self) -> Timestamp;
}

/// The rules of one kind. What a kind does not say is as for most.
///
/// The order of a write: the body is decoded and defaulted ([`super::read`]), then [`admit`](Rules::admit), then
/// `prepare_*`, then `validate_*`, then [`allocate`](Rules::allocate).
pub trait Rules: Sync {
    /// How objects may be named.
    fn names(&self) -> NameRule {
        NameRule::Subdomain
    }

    /// Finalizers need a domain, save for the standard ones.
    fn checks_finalizers(&self) -> bool {
        true
    }

    /// An update must say which version of the object it replaces.
    fn requires_resource_version(&self) -> bool {
        false
    }

    /// A PUT of an object that is not there creates it.
    fn creates_on_update(&self) -> bool {
        false
    }

    /// An object that comes without a name, and without the start of one, gets a uid as its name.
    fn names_itself(&self) -> bool {
        false
    }

    /// Objects carry `metadata.generation`.
    fn counts_generation(&self) -> bool {
        false
    }

    /// The generation of a new object, where generations are counted.
    fn first_generation(&self) -> i64 {
        1
    }

    /// Whether an update that made `new` out of `old` is a new generation. Status is reset by now where it must be.
    fn is_new_generation(&self, new: &Value, old: &Value) -> bool {
        spec_differs(new, old)
    }

    /// Why the object of this name may not be deleted, if it may not; a deletecollection does not ask.
    fn refuses_deletion(&self, _name: &str) -> Option<&'static str> {
        None
    }

    /// What a DELETE without a propagation policy does with dependents, where it is not `Background`.
    fn default_propagation(&self) -> Option<&'static str> {
        None
    }

    /// How long the object may take to go, given what the DELETE asks for; none for a kind that knows no grace.
    fn grace_seconds(&self, _object: &Value, _asked: Option<i64>) -> Option<i64> {
        None
    }

    /// What admission plugins change, or refuse before others may change it. `old` is `None` on create.
    ///
    /// # Errors
    /// The refusal, mostly 403.
    fn admit(
        &self,
        _new: &mut Value,
        _old: Option<&Value>,
        _cluster: &mut dyn Cluster,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    /// What admission plugins refuse of a valid object that nobody will change any more. `old` is `None` on create.
    ///
    /// # Errors
    /// The refusal, mostly 403.
    fn admit_final(
        &self,
        _new: &Value,
        _old: Option<&Value>,
        _cluster: &dyn Cluster,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    /// Removes what a client may not set on create, and sets what the server does.
    fn prepare_for_create(&self, object: &mut Value) {
        set(object, "status", None);
    }

    /// Keeps what this path may not change.
    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        match subresource {
            Some("status") => keep_all_but_status(new, old),
            _ => keep_status(new, old),
        }
    }

    /// Checks a new object, except for its metadata.
    fn validate_create(&self, _object: &Value) -> Vec<FieldError> {
        Vec::new()
    }

    /// Checks a changed object, except for its metadata.
    fn validate_update(&self, _new: &Value, _old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        Vec::new()
    }

    /// Takes what must be unique in the cluster (addresses, ports) once the object is known to be valid.
    ///
    /// # Errors
    /// The fields that ask for what is taken.
    fn allocate(
        &self,
        _new: &mut Value,
        _old: Option<&Value>,
        _cluster: &mut dyn Cluster,
    ) -> Result<(), Vec<FieldError>> {
        Ok(())
    }

    /// Texts for Warning headers.
    fn warnings(&self, _new: &Value, _old: Option<&Value>) -> Vec<String> {
        Vec::new()
    }

    /// What a path resets, so that an apply through it does not own it.
    fn reset_fields(&self, subresource: Option<&str>) -> &'static [&'static [&'static str]] {
        match subresource {
            Some("status") => &[&["spec"]],
            _ => &[&["status"]],
        }
    }
}

/// The status stays as it is.
pub(super) fn keep_status(new: &mut Value, old: &Value) {
    set(new, "status", old.get("status").cloned());
}

/// Keeps what a path may not change, of kinds whose status comes without metadata (pkg/registry/flowcontrol).
pub(super) fn keep_status_without_metadata(new: &mut Value, old: &Value, subresource: Option<&str>) {
    if subresource.is_some() {
        keep_all_but_status(new, old);
        keep_status_metadata(new, old);
    } else {
        keep_status(new, old);
    }
}

/// The metadata that a write through a subresource may not change (apimachinery/pkg/apis/meta/v1/meta.go,
/// ResetObjectMetaForStatus).
pub(super) fn keep_status_metadata(new: &mut Value, old: &Value) {
    for key in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let kept = old["metadata"].get(key).cloned();
        set(&mut new["metadata"], key, kept);
    }
}

/// Only status and metadata change.
pub(super) fn keep_all_but_status(new: &mut Value, old: &Value) {
    let (Value::Object(new), Some(old)) = (new, old.as_object()) else { return };
    new.retain(|key, _| ["metadata", "status"].contains(&key.as_str()));
    for (key, value) in old.iter().filter(|(key, _)| !["metadata", "status"].contains(&key.as_str())) {
        new.insert(key.clone(), value.clone());
    }
}

/// Whether anything but metadata and status differs.
pub(super) fn spec_differs(new: &Value, old: &Value) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else { return new != old };
    let counts = |key: &&String| !["metadata", "status"].contains(&key.as_str());
    new.keys().chain(old.keys()).filter(counts).any(|key| new.get(key) != old.get(key))
}
