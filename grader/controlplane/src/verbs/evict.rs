//! POST to a Pod's `/eviction`: a deletion that PodDisruptionBudgets may refuse
//! (pkg/registry/core/pod/storage/eviction.go).

use super::delete;
use super::write::Write;
use crate::admission;
use crate::api_server::ApiServer;
use crate::endpoint::query::DeleteOptions;
use crate::error::{ApiError, Cause};
use crate::object;
use crate::selector::LabelSelector;
use crate::store::ResourceId;
use serde_json::{Value, json};
use std::sync::Arc;

const BUDGETS: ResourceId = ResourceId::known("policy", "poddisruptionbudgets");

/// Deletes the Pod if every budget that covers it allows a disruption. Answers a Status.
///
/// # Errors
/// 429 when a budget does not allow it, 500 when several budgets cover the Pod.
pub(crate) fn evict(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    eviction: &mut Value,
) -> Result<Value, ApiError> {
    if object::name(eviction) != write.name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let mut options = DeleteOptions::from_body(&eviction["deleteOptions"])?;
    options.dry_run |= write.dry_run;
    write.dry_run = options.dry_run;
    admission::admit_request(server, write, eviction)?;
    write.subresource = None;
    let pod = server.store.get(&write.resource.storage, &write.namespace, &write.name);
    let pod = pod.ok_or_else(|| write.not_found())?.object.clone();
    let phase = pod["status"]["phase"].as_str().unwrap_or_default();
    let ignores_budgets = matches!(phase, "Succeeded" | "Failed" | "Pending") || object::is_deleting(&pod);
    if !ignores_budgets {
        take_from_budget(server, write, &pod)?;
    }
    if !write.dry_run {
        delete::find(server, write, &options)?;
        say_why(server, write, &pod);
        // What was asked of the pod's version held before this write.
        options.resource_version = None;
    }
    // Nobody is asked about the deletion itself, as in Kubernetes.
    delete::delete_unasked(server, write, &options)?;
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

/// Whoever looks at the pod on its way out sees that it was evicted (`addConditionAndDeletePod`).
fn say_why(server: &mut ApiServer, write: &Write<'_>, pod: &Value) {
    let mut condition = json!({
        "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting", "lastProbeTime": null, "lastTransitionTime": object::time(write.now),
    });
    let mut conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let known = conditions.iter().position(|known| known["type"] == condition["type"]);
    match known.map(|place| &mut conditions[place]) {
        Some(known) => {
            if known["status"] == condition["status"] {
                condition["lastTransitionTime"] = known["lastTransitionTime"].clone();
            }
            *known = condition;
        }
        None => conditions.push(condition),
    }
    let mut new = pod.clone();
    new["status"]["conditions"] = conditions.into();
    if new != *pod {
        server.store.put(&write.resource.storage, new, write.now);
    }
}

/// Takes one disruption from the budget that covers the Pod.
fn take_from_budget(server: &mut ApiServer, write: &Write<'_>, pod: &Value) -> Result<(), ApiError> {
    let budgets: Vec<Arc<Value>> = server
        .store
        .list(&BUDGETS, Some(&write.namespace))
        .map(|stored| stored.object.clone())
        .filter(|budget| {
            LabelSelector::from_value(budget.pointer("/spec/selector"))
                .is_ok_and(|selector| selector.matches_object(pod))
        })
        .collect();
    let budget = match budgets.as_slice() {
        [] => return Ok(()),
        [budget] => budget,
        _ => {
            return Err(ApiError::internal(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
    };
    let number = |key: &str| budget["status"][key].as_i64().unwrap_or(0);
    let refuse = |message: String| {
        let cause = Cause { reason: "DisruptionBudget".into(), message, field: String::new() };
        ApiError::too_many_requests("Cannot evict pod as it would violate the pod's disruption budget.")
            .with_cause(cause)
    };
    let name = object::name(budget);
    if number("observedGeneration") < object::generation(budget) {
        let message = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refuse(message).retry_after(10));
    }
    if number("disruptionsAllowed") <= 0 {
        return Err(refuse(format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            number("desiredHealthy"),
            number("currentHealthy")
        )));
    }
    if write.dry_run {
        return Ok(());
    }
    let mut new = (**budget).clone();
    new["status"]["disruptionsAllowed"] = (number("disruptionsAllowed") - 1).into();
    new["status"]["disruptedPods"][object::name(pod)] = object::time(write.now).into();
    server.store.put(&BUDGETS, new, write.now);
    Ok(())
}
