//! Tables of built-in kinds: what `kubectl get` prints of them (pkg/printers/internalversion/printers.go).
//!
//! Columns are data ([`columns`]), cells are one small function per kind, in a file per family. All of them are made;
//! the priority of a column says that kubectl shows it with `-o wide` only.

mod access;
mod admission;
mod autoscaling;
mod certificates;
pub(crate) mod columns;
mod config;
mod dynamic_resources;
mod events;
mod flow_control;
mod jobs;
mod networking;
mod nodes;
mod pods;
mod policy;
mod printed;
mod scheduling;
mod services;
mod storage;
#[cfg(test)]
mod tests;
mod workloads;

use crate::object;
use jiff::Timestamp;
use printed::Printed;
use serde_json::{Value, json};
use std::cmp::Ordering;

/// Makes the list of cells of one object.
type Printer = fn(&Printed<'_>) -> Value;

/// The cells of an object of this resource, one for each of its columns (IP addresses have one more).
pub(crate) fn cells(group: &str, plural: &str, object: &Value, now: Timestamp) -> Value {
    printer(group, plural)(&Printed { object, now })
}

/// What else a row says: that a pod will not run any more.
pub(crate) fn conditions(group: &str, plural: &str, object: &Value) -> Value {
    match (group, plural) {
        ("", "pods") => pods::conditions(object),
        _ => Value::Null,
    }
}

/// The order of two rows, where it is another one than that of the list.
pub(crate) fn order(group: &str, plural: &str) -> Option<fn(&Value, &Value) -> Ordering> {
    match (group, plural) {
        ("flowcontrol.apiserver.k8s.io", "flowschemas") => Some(flow_control::order),
        _ => None,
    }
}

fn printer(group: &str, plural: &str) -> Printer {
    match (group, plural) {
        ("", "componentstatuses") => config::component_status,
        ("", "configmaps") => config::config_map,
        ("", "endpoints") => services::endpoints,
        ("" | "events.k8s.io", "events") => events::event,
        ("", "namespaces") => config::namespace,
        ("", "nodes") => nodes::node,
        ("", "persistentvolumeclaims") => storage::claim,
        ("", "persistentvolumes") => storage::volume,
        ("", "pods") => pods::pod,
        ("", "podtemplates") => workloads::pod_template,
        ("", "replicationcontrollers") => workloads::replication_controller,
        ("", "resourcequotas") => policy::resource_quota,
        ("", "secrets") => config::secret,
        ("", "serviceaccounts") => name_and_age,
        ("", "services") => services::service,
        ("admissionregistration.k8s.io", plural) => match plural {
            "mutatingwebhookconfigurations" | "validatingwebhookconfigurations" => admission::webhooks,
            "mutatingadmissionpolicies" => admission::mutating_policy,
            "validatingadmissionpolicies" => admission::validating_policy,
            _ => admission::policy_binding,
        },
        ("apiregistration.k8s.io", "apiservices") => config::api_service,
        ("apps", "controllerrevisions") => workloads::controller_revision,
        ("apps", "daemonsets") => workloads::daemon_set,
        ("apps", "deployments") => workloads::deployment,
        ("apps", "replicasets") => workloads::replica_set,
        ("apps", "statefulsets") => workloads::stateful_set,
        ("autoscaling", "horizontalpodautoscalers") => autoscaling::horizontal_pod_autoscaler,
        ("autoscaling", "scales") => autoscaling::scale,
        ("batch", "cronjobs") => jobs::cron_job,
        ("batch", "jobs") => jobs::job,
        ("certificates.k8s.io", "certificatesigningrequests") => certificates::signing_request,
        ("coordination.k8s.io", "leases") => scheduling::lease,
        ("discovery.k8s.io", "endpointslices") => services::endpoint_slice,
        ("flowcontrol.apiserver.k8s.io", "flowschemas") => flow_control::flow_schema,
        ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations") => flow_control::priority_level,
        ("networking.k8s.io", "ingressclasses") => networking::ingress_class,
        ("networking.k8s.io", "ingresses") => networking::ingress,
        ("networking.k8s.io", "ipaddresses") => networking::ip_address,
        ("networking.k8s.io", "networkpolicies") => networking::network_policy,
        ("networking.k8s.io", "servicecidrs") => networking::service_cidr,
        ("node.k8s.io", "runtimeclasses") => nodes::runtime_class,
        ("policy", "poddisruptionbudgets") => policy::pod_disruption_budget,
        ("rbac.authorization.k8s.io", "clusterrolebindings" | "rolebindings") => access::role_binding,
        ("resource.k8s.io", "deviceclasses" | "resourceclaimtemplates") => name_and_age,
        ("resource.k8s.io", "resourceclaims") => dynamic_resources::claim,
        ("resource.k8s.io", "resourceslices") => dynamic_resources::slice,
        ("scheduling.k8s.io", "priorityclasses") => scheduling::priority_class,
        ("storage.k8s.io", "csidrivers") => storage::csi_driver,
        ("storage.k8s.io", "csinodes") => storage::csi_node,
        ("storage.k8s.io", "storageclasses") => storage::storage_class,
        ("storage.k8s.io", "volumeattachments") => storage::volume_attachment,
        ("storage.k8s.io", "volumeattributesclasses") => storage::volume_attributes_class,
        _ => name_and_creation,
    }
}

/// Kinds without a printer (apiserver/pkg/registry/rest/table.go).
fn name_and_creation(object: &Printed<'_>) -> Value {
    json!([object.name(), object::metadata_text(object.object, "creationTimestamp")])
}

fn name_and_age(object: &Printed<'_>) -> Value {
    json!([object.name(), object.age()])
}
