//! Which node a daemon pod is for, and whether it may be there (NodeShouldRunDaemonPod in
//! pkg/controller/daemon/daemon_controller.go).

use crate::controllers::fields;
use crate::controllers::node_fit::{self, REQUIRED_TERMS};
use crate::object;
use serde_json::{Value, json};

/// What a node is to the pod of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It should have one.
    Runs,
    /// One that is there may stay.
    Stays,
    /// It must not have one.
    Leaves,
}

/// Taints that daemon pods tolerate by nature.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// The node that the pod is on or, before it is scheduled, the one that its affinity asks for.
pub(super) fn node_of(pod: &Value) -> &str {
    let on = fields::text(pod, "/spec/nodeName");
    if on.is_empty() { node_fit::only_node(&pod["spec"]).unwrap_or_default() } else { on }
}

/// Makes a pod one that only this node suits, and that stays there in trouble.
pub(super) fn tie(pod: &mut Value, node: &str) {
    let fields = json!([{"key": "metadata.name", "operator": "In", "values": [node]}]);
    let terms = pod.pointer_mut(&format!("/spec{REQUIRED_TERMS}")).and_then(Value::as_array_mut);
    match terms.filter(|terms| !terms.is_empty()) {
        Some(terms) => terms.iter_mut().for_each(|term| term["matchFields"] = fields.clone()),
        None => {
            let affinity = &mut pod["spec"]["affinity"]["nodeAffinity"];
            affinity["requiredDuringSchedulingIgnoredDuringExecution"] =
                json!({"nodeSelectorTerms": [{"matchFields": fields}]});
        }
    }
    let tolerations = tolerations(pod);
    pod["spec"]["tolerations"] = tolerations.into();
}

fn tolerations(pod: &Value) -> Vec<Value> {
    let mut tolerations = fields::items(pod, "/spec/tolerations").to_vec();
    let network = ("node.kubernetes.io/network-unavailable", "NoSchedule");
    let of_host = fields::flag(pod, "/spec/hostNetwork").then_some(network);
    for (key, effect) in TOLERATED.into_iter().chain(of_host) {
        let toleration = json!({"key": key, "operator": "Exists", "effect": effect});
        if !tolerations.contains(&toleration) {
            tolerations.push(toleration);
        }
    }
    tolerations
}

/// What a node is to the pods of a set.
pub(super) fn fit(set: &Value, node: &Value) -> Fit {
    let template = &set["spec"]["template"];
    let wanted = fields::text(template, "/spec/nodeName");
    if (!wanted.is_empty() && wanted != object::name(node)) || !node_fit::selects(&template["spec"], node) {
        return Fit::Leaves;
    }
    let tolerations = tolerations(template);
    let repelled = |effects: &[&str]| node_fit::repels(node, &tolerations, effects);
    match (repelled(&["NoSchedule", "NoExecute"]), repelled(&["NoExecute"])) {
        (false, _) => Fit::Runs,
        (true, false) => Fit::Stays,
        (true, true) => Fit::Leaves,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_runs_keeps_or_loses_a_pod() {
        let node = json!({
            "metadata": {"name": "n", "labels": {"zone": "a", "cores": "8"}},
            "spec": {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]},
        });
        let tolerant = json!([{"key": "gpu", "operator": "Exists"}]);
        let affinity = |operator: &str, key: &str, values: Value| {
            json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": key, "operator": operator, "values": values}]},
            ]}}})
        };
        let table = [
            (json!({}), Fit::Stays),
            (json!({"tolerations": tolerant}), Fit::Runs),
            (json!({"tolerations": [{"key": "gpu", "value": "no"}]}), Fit::Stays),
            (json!({"tolerations": tolerant, "nodeSelector": {"zone": "a"}}), Fit::Runs),
            (json!({"tolerations": tolerant, "nodeSelector": {"zone": "b"}}), Fit::Leaves),
            (json!({"tolerations": tolerant, "nodeName": "other"}), Fit::Leaves),
            (json!({"tolerations": tolerant, "affinity": affinity("Gt", "cores", json!(["4"]))}), Fit::Runs),
            (
                json!({"tolerations": tolerant, "affinity": affinity("NotIn", "zone", json!(["a"]))}),
                Fit::Leaves,
            ),
        ];
        for (spec, expected) in table {
            let set = json!({"spec": {"template": {"spec": spec}}});
            assert_eq!(fit(&set, &node), expected, "{spec}");
        }
    }

    #[test]
    fn a_tied_pod_names_its_node() {
        let mut pod = json!({"spec": {}});
        tie(&mut pod, "n");
        assert_eq!(node_of(&pod), "n");
    }
}
