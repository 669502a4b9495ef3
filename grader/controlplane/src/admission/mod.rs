//! Admission that the cluster's users configure: webhooks and policies (apiserver/pkg/admission/plugin).
//!
//! The order is that of kube-apiserver: what is built in (see [`crate::builtins::Rules::admit`]), then mutating
//! policies, mutating webhooks, and at the end, on what is about to be stored, validating policies and webhooks.

mod attributes;
mod built_in;
mod configurations;
mod matching;
mod policies;
mod review;
mod webhooks;

pub(crate) use attributes::Operation;
pub(crate) use configurations::target as webhook_target;
pub(crate) use policies::type_check::warnings as type_warnings;

use attributes::Attributes;

use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::store::ResourceId;
use crate::verbs::write::Write;
use serde_json::Value;

pub(crate) const MUTATING_WEBHOOKS: ResourceId =
    ResourceId::known("admissionregistration.k8s.io", "mutatingwebhookconfigurations");
pub(crate) const VALIDATING_WEBHOOKS: ResourceId =
    ResourceId::known("admissionregistration.k8s.io", "validatingwebhookconfigurations");
pub(crate) const MUTATING_POLICIES: ResourceId =
    ResourceId::known("admissionregistration.k8s.io", "mutatingadmissionpolicies");
pub(crate) const MUTATING_BINDINGS: ResourceId =
    ResourceId::known("admissionregistration.k8s.io", "mutatingadmissionpolicybindings");
pub(crate) const VALIDATING_POLICIES: ResourceId =
    ResourceId::known("admissionregistration.k8s.io", "validatingadmissionpolicies");
pub(crate) const VALIDATING_BINDINGS: ResourceId =
    ResourceId::known("admissionregistration.k8s.io", "validatingadmissionpolicybindings");

/// Whether anything is configured that concerns this resource: most clusters have nothing.
fn concerns(server: &ApiServer, write: &Write<'_>, configurations: &[ResourceId]) -> bool {
    // Nobody can lock himself out of what he has configured.
    write.resource.id.group() != "admissionregistration.k8s.io"
        && configurations.iter().any(|resource| server.store.list(resource, None).next().is_some())
}

/// Lets policies and webhooks change an object that is about to be written.
///
/// # Errors
/// The refusal of one of them, or that it could not be asked.
pub(crate) fn mutate(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    object: &mut Value,
    old: Option<&Value>,
) -> Result<(), ApiError> {
    if !concerns(server, write, &[MUTATING_POLICIES, MUTATING_WEBHOOKS]) {
        return Ok(());
    }
    let before = object.clone();
    policies::mutate(server, write, object, old)?;
    webhooks::mutate(server, write, object, old)?;
    if *object != before {
        // What is built in looks at the changed object once more.
        server.admit(write, object, old)?;
    }
    Ok(())
}

/// Lets webhooks change, and policies and webhooks refuse, a Binding, an Eviction or a connection.
///
/// # Errors
/// The refusal of one of them, or that it could not be asked.
pub(crate) fn admit_request(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    request: &mut Value,
) -> Result<(), ApiError> {
    if concerns(server, write, &[MUTATING_WEBHOOKS]) {
        webhooks::mutate(server, write, request, None)?;
    }
    let operation = Operation::of_write(write, request, None);
    validate(server, write, operation)
}

/// Lets policies and webhooks refuse what is about to be stored.
///
/// # Errors
/// The refusal of one of them, or that it could not be asked.
pub(crate) fn validate(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    operation: Operation<'_>,
) -> Result<(), ApiError> {
    if !concerns(server, write, &[VALIDATING_POLICIES, VALIDATING_WEBHOOKS]) {
        return Ok(());
    }
    policies::validate(server, write, operation)?;
    webhooks::validate(server, write, operation)
}

/// Lets policies and webhooks refuse a deletion of an object.
///
/// # Errors
/// The refusal of one of them, or that it could not be asked.
pub(crate) fn check_deletion(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    old: &Value,
) -> Result<(), ApiError> {
    let operation = Operation::Delete { old };
    if concerns(server, write, &[MUTATING_WEBHOOKS]) {
        webhooks::ask_mutating(server, write, operation)?;
    }
    validate(server, write, operation)
}
