//! The built-in resources that controllers work with.

use crate::store::ResourceId;

pub(super) const CONFIG_MAPS: ResourceId = ResourceId::known("", "configmaps");
pub(super) const EVENTS: ResourceId = ResourceId::known("", "events");
pub(super) const NAMESPACES: ResourceId = ResourceId::known("", "namespaces");
pub(super) const PERSISTENT_VOLUMES: ResourceId = ResourceId::known("", "persistentvolumes");
pub(super) const PERSISTENT_VOLUME_CLAIMS: ResourceId = ResourceId::known("", "persistentvolumeclaims");
pub(super) const PODS: ResourceId = ResourceId::known("", "pods");
pub(super) const REPLICATION_CONTROLLERS: ResourceId = ResourceId::known("", "replicationcontrollers");
pub(super) const RESOURCE_QUOTAS: ResourceId = ResourceId::known("", "resourcequotas");
pub(super) const SECRETS: ResourceId = ResourceId::known("", "secrets");
pub(super) const SERVICE_ACCOUNTS: ResourceId = ResourceId::known("", "serviceaccounts");
pub(super) const SERVICES: ResourceId = ResourceId::known("", "services");
pub(super) const ENDPOINTS: ResourceId = ResourceId::known("", "endpoints");
pub(super) const NODES: ResourceId = ResourceId::known("", "nodes");
pub(super) const CONTROLLER_REVISIONS: ResourceId = ResourceId::known("apps", "controllerrevisions");
pub(super) const DAEMON_SETS: ResourceId = ResourceId::known("apps", "daemonsets");
pub(super) const DEPLOYMENTS: ResourceId = ResourceId::known("apps", "deployments");
pub(super) const REPLICA_SETS: ResourceId = ResourceId::known("apps", "replicasets");
pub(super) const STATEFUL_SETS: ResourceId = ResourceId::known("apps", "statefulsets");
pub(super) const JOBS: ResourceId = ResourceId::known("batch", "jobs");
pub(super) const CRON_JOBS: ResourceId = ResourceId::known("batch", "cronjobs");
pub(super) const ENDPOINT_SLICES: ResourceId = ResourceId::known("discovery.k8s.io", "endpointslices");
pub(super) const DISRUPTION_BUDGETS: ResourceId = ResourceId::known("policy", "poddisruptionbudgets");
pub(super) const VOLUME_ATTRIBUTES_CLASSES: ResourceId =
    ResourceId::known("storage.k8s.io", "volumeattributesclasses");
pub(super) const RESOURCE_CLAIMS: ResourceId = ResourceId::known("resource.k8s.io", "resourceclaims");
