//! The rules of each kind, one file per kind or family.

mod access;
mod addresses;
mod admission;
mod api_service;
mod autoscaling;
mod claim;
mod conditions;
mod config;
mod containers;
mod coordination;
mod csi;
mod data_source;
mod default_class;
mod dynamic_resources;
mod endpoint_slice;
mod endpoints;
mod ephemeral_containers;
mod event;
mod flow_schema;
mod ingress_class;
mod jobs;
mod limits;
mod namespace;
mod network_policy;
mod networking;
mod node;
mod persistent_volume;
mod placement;
mod pod;
mod pod_admission;
mod pod_network;
mod pod_references;
mod pod_resize;
mod pod_security;
mod pod_service_account;
mod pod_spec;
mod pod_template;
mod pod_warnings;
mod policy;
mod priority_level;
mod quota;
mod resources;
mod runtime_class;
mod service;
mod service_allocation;
mod service_reach;
mod service_warnings;
mod signing_request;
mod stateful_set;
mod storage;
mod sysctls;
mod volume_attachment;
mod volume_files;
mod volumes;
mod workloads;

pub use namespace::may_be_deleted as namespace_may_be_deleted;

use super::rules::Rules;

/// The rules of a built-in kind; a kind without rules of its own has those of all.
pub fn of(group: &str, kind: &str) -> &'static dyn Rules {
    match (group, kind) {
        ("", "ConfigMap") => &config::ConfigMap,
        ("", "Secret") => &config::Secret,
        ("", "ServiceAccount") => &config::ServiceAccount,
        ("", "Namespace") => &namespace::Namespace,
        ("", "Event") => &event::CoreEvent,
        ("events.k8s.io", "Event") => &event::Event,
        ("", "Pod") => &pod::Pod,
        ("", "PersistentVolumeClaim") => &claim::Claim,
        ("", "Service") => &service::Service,
        ("", "Node") => &node::Node,
        ("", "PersistentVolume") => &persistent_volume::Volume,
        ("storage.k8s.io", "StorageClass") => &storage::StorageClass,
        ("autoscaling", "HorizontalPodAutoscaler") => &autoscaling::Autoscaler,
        ("apps", "ControllerRevision") => &workloads::ControllerRevision,
        ("", "Endpoints") => &endpoints::Endpoints,
        ("", "LimitRange") => &limits::LimitRange,
        ("apps", "Deployment") => &workloads::Deployment,
        ("apps", "ReplicaSet") => &workloads::ReplicaSet,
        ("", "ReplicationController") => &workloads::ReplicationController,
        ("apps", "DaemonSet") => &workloads::DaemonSet,
        ("apps", "StatefulSet") => &stateful_set::StatefulSet,
        ("batch", "Job") => &jobs::Job,
        ("batch", "CronJob") => &jobs::CronJob,
        ("coordination.k8s.io", "Lease") => &coordination::Lease,
        ("policy", "PodDisruptionBudget") => &policy::DisruptionBudget,
        ("scheduling.k8s.io", "PriorityClass") => &policy::PriorityClass,
        ("rbac.authorization.k8s.io", "Role") => &access::Role { namespaced: true },
        ("rbac.authorization.k8s.io", "ClusterRole") => &access::Role { namespaced: false },
        ("rbac.authorization.k8s.io", "RoleBinding") => &access::Binding { namespaced: true },
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => &access::Binding { namespaced: false },
        ("certificates.k8s.io", "CertificateSigningRequest") => &signing_request::SigningRequest,
        ("networking.k8s.io", "IPAddress") => &addresses::Address,
        ("networking.k8s.io", "ServiceCIDR") => &addresses::ServiceCidr,
        ("networking.k8s.io", "Ingress") => &networking::Ingress,
        ("networking.k8s.io", "IngressClass") => &ingress_class::IngressClass,
        ("discovery.k8s.io", "EndpointSlice") => &endpoint_slice::EndpointSlice,
        ("", "PodTemplate") => &pod_template::PodTemplate,
        ("", "ResourceQuota") => &quota::ResourceQuota,
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => &flow_schema::FlowSchema,
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") => &priority_level::PriorityLevel,
        ("networking.k8s.io", "NetworkPolicy") => &network_policy::NetworkPolicy,
        ("resource.k8s.io", "ResourceClaim") => &dynamic_resources::Claim,
        ("resource.k8s.io", "ResourceClaimTemplate") => &dynamic_resources::ClaimTemplate,
        ("resource.k8s.io", "DeviceClass") => &dynamic_resources::Class,
        ("resource.k8s.io", "ResourceSlice") => &dynamic_resources::Slice,
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => {
            &admission::Webhooks { mutating: false }
        }
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration") => {
            &admission::Webhooks { mutating: true }
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => &admission::ValidatingPolicy,
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy") => &admission::MutatingPolicy,
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding") => {
            &admission::Binding { mutating: false }
        }
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding") => {
            &admission::Binding { mutating: true }
        }
        ("node.k8s.io", "RuntimeClass") => &runtime_class::RuntimeClass,
        ("storage.k8s.io", "CSIDriver") => &csi::Driver,
        ("storage.k8s.io", "CSINode") => &csi::Node,
        ("storage.k8s.io", "CSIStorageCapacity") => &csi::Capacity,
        ("storage.k8s.io", "VolumeAttachment") => &volume_attachment::VolumeAttachment,
        ("storage.k8s.io", "VolumeAttributesClass") => &storage::AttributesClass,
        ("apiregistration.k8s.io", "APIService") => &api_service::ApiService,
        _ => &Plain,
    }
}

/// How often the rules of a kind look at the metadata of a changed object: what is wrong with it is said as often.
#[derive(Clone, Copy, Debug)]
pub struct MetadataChecks {
    /// As at that of a new object.
    pub as_new: usize,
    /// As at that of an object that was another before.
    pub as_changed: usize,
}

impl Default for MetadataChecks {
    fn default() -> Self {
        Self { as_new: 0, as_changed: 1 }
    }
}

/// The checks of a kind, outside of subresources (each kind's strategy.go and validation).
pub fn metadata_checks(group: &str, kind: &str) -> MetadataChecks {
    let (as_new, as_changed) = match (group, kind) {
        ("", "Event") | (_, "PodDisruptionBudget") => (0, 0),
        ("", "LimitRange") | (_, "EndpointSlice") => (1, 0),
        ("", "PersistentVolume") => (2, 0),
        (_, "ControllerRevision") => (1, 2),
        (
            "",
            "ConfigMap"
            | "Endpoints"
            | "Namespace"
            | "Node"
            | "PersistentVolumeClaim"
            | "Pod"
            | "Secret"
            | "ServiceAccount",
        )
        | ("batch", "Job")
        | ("networking.k8s.io", "Ingress" | "IngressClass")
        | ("node.k8s.io" | "rbac.authorization.k8s.io", _)
        | (_, "StorageClass") => (1, 1),
        _ => (0, 1),
    };
    MetadataChecks { as_new, as_changed }
}

/// Whether a DELETE that removes the object at once answers with it instead of a Status (`ReturnDeletedObject` of the
/// kind's storage).
pub fn deletion_answers_with_object(group: &str, kind: &str) -> bool {
    match group {
        "" => matches!(
            kind,
            "PersistentVolume"
                | "PersistentVolumeClaim"
                | "Pod"
                | "PodTemplate"
                | "ResourceQuota"
                | "Service"
                | "ServiceAccount"
        ),
        "storage.k8s.io" => kind != "CSIStorageCapacity",
        "resource.k8s.io" => true,
        _ => false,
    }
}

/// What every request for a kind is told that Kubernetes has given up.
pub fn deprecation(group: &str, kind: &str) -> Option<&'static str> {
    match (group, kind) {
        ("", "Endpoints") => {
            Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
        }
        ("", "ComponentStatus") => Some("v1 ComponentStatus is deprecated in v1.19+"),
        _ => None,
    }
}

/// A kind without rules of its own.
struct Plain;

impl Rules for Plain {}
