//! Defaults of the smaller groups (pkg/apis/GROUP/v1/defaults.go).

use super::Default;
use crate::builtins::fields::{at, default_to, has, list, set, text};
use serde_json::{Value, json};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn of(name: &str) -> Option<Default> {
    Some(match name {
        "autoscaling.v2.HorizontalPodAutoscaler" => autoscaler,
        "autoscaling.v1.HorizontalPodAutoscaler" => {
            |scaler| default_to(&mut scaler["spec"], "minReplicas", 1)
        }
        "authentication.v1.TokenRequestSpec" => |spec| default_to(spec, "expirationSeconds", 3600),
        "networking.v1.NetworkPolicyPort" => |port| default_to(port, "protocol", "TCP"),
        "networking.v1.NetworkPolicy" => network_policy,
        "networking.v1.IngressClassParametersReference" => {
            |parameters| default_to(parameters, "scope", "Cluster")
        }
        "rbac.v1.RoleRef" => |reference| default_to(reference, "apiGroup", RBAC),
        "rbac.v1.Subject" => |subject| {
            if ["User", "Group"].contains(&text(subject, "/kind")) {
                default_to(subject, "apiGroup", RBAC);
            }
        },
        "storage.v1.StorageClass" => |class| {
            default_to(class, "reclaimPolicy", "Delete");
            default_to(class, "volumeBindingMode", "Immediate");
        },
        "storage.v1.CSIDriverSpec" => csi_driver,
        "scheduling.v1.PriorityClass" => {
            |class| default_to(class, "preemptionPolicy", "PreemptLowerPriority")
        }
        "discovery.v1.EndpointPort" => |port| {
            default_to(port, "name", "");
            default_to(port, "protocol", "TCP");
        },
        "admissionregistration.v1.ValidatingWebhook" => webhook,
        "admissionregistration.v1.MutatingWebhook" => |hook| {
            webhook(hook);
            default_to(hook, "reinvocationPolicy", "Never");
        },
        "admissionregistration.v1.RuleWithOperations"
        | "admissionregistration.v1.NamedRuleWithOperations" => |rule| default_to(rule, "scope", "*"),
        "admissionregistration.v1.ServiceReference" | "apiregistration.v1.ServiceReference" => {
            |service| default_to(service, "port", 443)
        }
        "admissionregistration.v1.ValidatingAdmissionPolicySpec"
        | "admissionregistration.v1.MutatingAdmissionPolicySpec" => {
            |spec| default_to(spec, "failurePolicy", "Fail")
        }
        "admissionregistration.v1.MatchResources" => match_resources,
        "resource.v1.ExactDeviceRequest" | "resource.v1.DeviceSubRequest" => device_request,
        "resource.v1.DeviceToleration" => |toleration| default_to(toleration, "operator", "Equal"),
        "flowcontrol.v1.FlowSchemaSpec" => |spec| if_zero(spec, "matchingPrecedence", 1000),
        "flowcontrol.v1.ExemptPriorityLevelConfiguration" => |level| {
            default_to(level, "nominalConcurrencyShares", 0);
            default_to(level, "lendablePercent", 0);
        },
        "flowcontrol.v1.LimitedPriorityLevelConfiguration" => |level| {
            default_to(level, "nominalConcurrencyShares", 30);
            default_to(level, "lendablePercent", 0);
        },
        "flowcontrol.v1.QueuingConfiguration" => |queuing| {
            if_zero(queuing, "handSize", 8);
            if_zero(queuing, "queues", 64);
            if_zero(queuing, "queueLengthLimit", 50);
        },
        _ => return None,
    })
}

fn autoscaler(scaler: &mut Value) {
    let spec = &mut scaler["spec"];
    default_to(spec, "minReplicas", 1);
    if list(spec, "/metrics").is_empty() {
        let cpu = json!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}});
        set(spec, "metrics", Some(json!([{"type": "Resource", "resource": cpu}])));
    }
    if !has(spec, "behavior") {
        return;
    }
    let policy = |type_: &str, value: i64| json!({"type": type_, "value": value, "periodSeconds": 15});
    let behavior = &mut spec["behavior"];
    for (direction, policies) in [
        ("scaleUp", json!([policy("Pods", 4), policy("Percent", 100)])),
        ("scaleDown", json!([policy("Percent", 100)])),
    ] {
        default_to(behavior, direction, json!({}));
        let rules = &mut behavior[direction];
        default_to(rules, "policies", policies);
        default_to(rules, "selectPolicy", "Max");
        if direction == "scaleUp" {
            default_to(rules, "stabilizationWindowSeconds", 0);
        }
    }
}

fn network_policy(policy: &mut Value) {
    let mut types = vec!["Ingress"];
    if !list(policy, "/spec/egress").is_empty() {
        types.push("Egress");
    }
    if at(policy, "/spec/policyTypes").is_null() {
        set(&mut policy["spec"], "policyTypes", Some(types.into()));
    }
}

fn csi_driver(spec: &mut Value) {
    default_to(spec, "attachRequired", true);
    default_to(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    default_to(spec, "volumeLifecycleModes", json!(["Persistent"]));
    for key in ["podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"] {
        default_to(spec, key, false);
    }
}

fn device_request(request: &mut Value) {
    default_to(request, "allocationMode", "ExactCount");
    if text(request, "/allocationMode") == "ExactCount" {
        if_zero(request, "count", 1);
    }
}

fn webhook(hook: &mut Value) {
    default_to(hook, "failurePolicy", "Fail");
    default_to(hook, "timeoutSeconds", 10);
    match_resources(hook);
}

fn match_resources(matching: &mut Value) {
    default_to(matching, "matchPolicy", "Equivalent");
    default_to(matching, "namespaceSelector", json!({}));
    default_to(matching, "objectSelector", json!({}));
}

/// For numbers that are no pointers in Go: zero is what nobody said.
fn if_zero(object: &mut Value, key: &str, value: i64) {
    if at(object, &format!("/{key}")).as_i64().unwrap_or_default() == 0 {
        set(object, key, Some(value.into()));
    }
}
