//! POST to `pods/binding`: a scheduler says where a pod runs (pkg/registry/core/pod/storage/storage.go, BindingREST).

use super::update;
use super::write::Write;
use crate::admission;
use crate::api_server::ApiServer;
use crate::builtins::fields::{list, list_mut, set, text};
use crate::controllers::node_simulator::pod_status;
use crate::error::ApiError;
use crate::field_error::{FieldError, aggregate};
use crate::object;
use crate::store::ResourceId;
use serde_json::{Value, json};

/// Binds the pod that `write` names to the node that `binding` names. The answer is a Status.
///
/// # Errors
/// 404 without the pod; 409 for one that is bound, gated or on its way out; 422 for a target that is no node.
pub(crate) fn bind(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    binding: &mut Value,
) -> Result<Value, ApiError> {
    if object::name(binding) != write.name {
        return Err(ApiError::bad_request("name in URL does not match name in Binding object"));
    }
    admission::admit_request(server, write, binding)?;
    let (kind, node) = (text(binding, "/target/kind"), text(binding, "/target/name"));
    let mut errors = Vec::new();
    if !["", "Node"].contains(&kind) {
        errors.push(FieldError::not_supported("target.kind", kind, ["Node", "<empty>"]));
    }
    if node.is_empty() {
        errors.push(FieldError::required("target.name", ""));
    }
    // Kubernetes answers these as an error of its own, not as an invalid object.
    if !errors.is_empty() {
        return Err(ApiError::unexpected(aggregate(&errors)));
    }
    let stored = server.store.get(&write.resource.storage, &write.namespace, &write.name);
    let stored = stored.ok_or_else(|| write.not_found())?;
    let pod = write.resource.present(&stored.object, stored.revision);
    let name = write.name.clone();
    let refuse = |why: String| Err(ApiError::conflict(&ResourceId::known("", "pods/binding"), &name, &why));
    let (uid, found) = (object::uid(binding), object::uid(&pod));
    if !uid.is_empty() && uid != found {
        return refuse(format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {found}"
        ));
    }
    let taken = text(&pod, "/spec/nodeName");
    if object::is_deleting(&pod) {
        return refuse(format!("pod {name} is being deleted, cannot be assigned to a host"));
    } else if !taken.is_empty() {
        return refuse(format!("pod {name} is already assigned to node \"{taken}\""));
    } else if !list(&pod, "/spec/schedulingGates").is_empty() {
        return refuse(format!("pod {name} has non-empty .spec.schedulingGates"));
    }
    let mut bound = (*pod).clone();
    bound["spec"]["nodeName"] = node.into();
    bound["status"] = pod_status::scheduled(&pod, write.now);
    // Only the kubelet says of which generation this is true.
    for condition in list_mut(&mut bound, "/status/conditions") {
        if text(condition, "/type") == "PodScheduled" {
            set(condition, "observedGeneration", None);
        }
    }
    if let Some(annotations) = binding["metadata"]["annotations"].as_object() {
        for (key, value) in annotations {
            bound["metadata"]["annotations"][key] = value.clone();
        }
    }
    update::commit(server, write, &pod, bound)?;
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}
