//! The node as an object, and which node a pod gets.

use super::pod_status::HOST_ADDRESS;
use crate::controllers::known::NODES;
use crate::controllers::{Api, fields, node_fit};
use crate::error::ApiError;
use crate::object;
use serde_json::{Value, json};

const NODE: &str = "node-1";

/// Makes the Node, unless somebody else has.
pub(super) fn register(api: &mut Api<'_>) -> Result<(), ApiError> {
    let labels = json!({
        "kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64",
    });
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": labels}});
    let created = match api.create(&NODES, None, node) {
        Err(error) if error.is_already_exists() => return Ok(()),
        created => created?,
    };
    let now = object::time(api.now());
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        })
    };
    let resources = json!({
        "cpu": "32", "memory": "64Gi", "ephemeral-storage": "200Gi", "pods": "500",
        "hugepages-1Gi": "0", "hugepages-2Mi": "0",
    });
    let mut running = (*created).clone();
    running["status"] = json!({
        "capacity": resources, "allocatable": resources,
        "addresses": [
            {"type": "InternalIP", "address": HOST_ADDRESS}, {"type": "Hostname", "address": NODE},
        ],
        "conditions": [
            condition(
                "MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available",
            ),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "nodeInfo": {
            "architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.36.3",
            "kubeProxyVersion": "", "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "",
            "osImage": "simulated", "containerRuntimeVersion": "simulated://1",
        },
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
    });
    api.update_status(&NODES, running)?;
    // Admission gives every new node the taint that it is not ready; the node controllers take it off.
    api.merge_patch(&NODES, None, NODE, None, &json!({"spec": {"taints": null}})).map(drop)
}

/// The node for a pod: the first that suits it.
///
/// # Errors
/// Why there is none, as the scheduler says it.
pub(super) fn choose(api: &Api<'_>, pod: &Value) -> Result<String, String> {
    let nodes = api.list(&NODES, None);
    let tolerations = fields::items(pod, "/spec/tolerations");
    let (mut deselected, mut tainted) = (0, 0);
    for node in &nodes {
        if !node_fit::selects(&pod["spec"], node) {
            deselected += 1;
        } else if node_fit::repels(node, tolerations, &["NoSchedule", "NoExecute"])
            || fields::flag(node, "/spec/unschedulable")
        {
            tainted += 1;
        } else {
            return Ok(object::name(node).to_owned());
        }
    }
    let reasons = [
        (deselected, "node(s) didn't match Pod's node affinity/selector"),
        (tainted, "node(s) had untolerated taint(s)"),
    ];
    let reasons = reasons.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}"));
    let reasons: Vec<String> = reasons.collect();
    let reasons = if reasons.is_empty() { "no nodes".to_owned() } else { reasons.join(", ") };
    Err(format!("0/{} nodes are available: {reasons}.", nodes.len()))
}
