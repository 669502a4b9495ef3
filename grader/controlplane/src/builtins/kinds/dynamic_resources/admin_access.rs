//! Access to devices that others use is for namespaces that say so (pkg/registry/resource/utils.go).

use crate::builtins::fields::list;
use crate::builtins::rules::Cluster;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::object;
use crate::resources::NAMESPACES;
use serde_json::Value;

const LABEL: &str = "resource.kubernetes.io/admin-access";

/// The first request for it, which is named by this path in templates as well.
pub(super) fn requested(devices: &Value) -> Option<String> {
    let place =
        list(devices, "/requests").iter().position(|request| request["exactly"]["adminAccess"] == true)?;
    Some(format!("spec.devices.requests[{place}].adminAccess"))
}

/// The first device that is given with it by a claim to which none was before.
pub(super) fn newly_granted(new: &Value, old: &Value) -> Option<String> {
    let granted = |claim: &Value| {
        let mut results = list(claim, "/status/allocation/devices/results").iter();
        results.position(|result| result["adminAccess"] == true)
    };
    let place = granted(new).filter(|_| granted(old).is_none())?;
    Some(format!("status.allocation.devices.results[{place}].adminAccess"))
}

/// # Errors
/// 422 about the field that wants it, in a namespace without the label.
pub(super) fn check(claim: &Value, wanted: Option<String>, cluster: &dyn Cluster) -> Result<(), ApiError> {
    let Some(path) = wanted else { return Ok(()) };
    let namespace = cluster.get(&NAMESPACES, "", object::namespace(claim));
    if namespace.is_some_and(|namespace| namespace["metadata"]["labels"][LABEL] == "true") {
        return Ok(());
    }
    let why =
        format!("admin access to devices requires the `{LABEL}: true` label on the containing namespace");
    let error = FieldError::forbidden(path, &why);
    let group = object::api_version(claim).split('/').next().unwrap_or_default();
    Err(ApiError::invalid(group, object::kind(claim), object::name(claim), &[error]))
}
