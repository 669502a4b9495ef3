//! Making and deleting the pods of a workload, with the events that tell of it (pkg/controller/controller_utils.go,
//! RealPodControl).

use super::Api;
use super::known::PODS;
use super::recorder::{EventType, Recorder};
use crate::error::ApiError;
use crate::object;
use serde_json::Value;

/// Creates a pod of `owner`. That nothing can be made in a namespace that goes is no failure.
///
/// # Errors
/// What the API server answers.
pub(super) fn create(
    api: &mut Api<'_>,
    recorder: &mut Recorder,
    owner: &Value,
    pod: Value,
) -> Result<(), ApiError> {
    match api.create(&PODS, Some(object::namespace(owner)), pod) {
        Ok(pod) => {
            let message = format!("Created pod: {}", object::name(&pod));
            recorder.record(api, owner, EventType::Normal, "SuccessfulCreate", &message);
            Ok(())
        }
        Err(error) if is_namespace_terminating(&error) => Ok(()),
        // The next visit goes on with it.
        Err(error) if error.is_awaiting_webhook() => Err(error),
        Err(error) => {
            let message = format!("Error creating: {error}");
            recorder.record(api, owner, EventType::Warning, "FailedCreate", &message);
            Err(error)
        }
    }
}

/// Deletes a pod of `owner`; one that is gone already is fine.
///
/// # Errors
/// What the API server answers.
pub(super) fn delete(
    api: &mut Api<'_>,
    recorder: &mut Recorder,
    owner: &Value,
    pod: &Value,
) -> Result<(), ApiError> {
    let name = object::name(pod);
    match api.delete(&PODS, Some(object::namespace(owner)), name, &Value::Null) {
        Ok(_) => {
            let message = format!("Deleted pod: {name}");
            recorder.record(api, owner, EventType::Normal, "SuccessfulDelete", &message);
            Ok(())
        }
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) if error.is_awaiting_webhook() => Err(error),
        Err(error) => {
            let message = format!("Error deleting: {error}");
            recorder.record(api, owner, EventType::Warning, "FailedDelete", &message);
            Err(error.prefixed("unable to delete pods: "))
        }
    }
}

/// The request failed because its namespace is being deleted.
pub(super) fn is_namespace_terminating(error: &ApiError) -> bool {
    let causes = error.details().map(|details| details.causes.as_slice()).unwrap_or_default();
    causes.iter().any(|cause| cause.reason == "NamespaceTerminating")
}
