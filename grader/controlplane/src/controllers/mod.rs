//! The built-in controllers: machines over the store that act a little after what they have seen, as
//! kube-controller-manager does.
//!
//! [`start`] makes those of a [`ControllerSet`]; [`NodeControls`] turns what the simulated node does to pods.

mod api;
mod bootstrap_tokens;
mod certificates;
mod cluster_role_aggregation;
mod controller_revisions;
mod controller_set;
mod cron_jobs;
mod daemon_set;
mod deployment;
mod disruption;
mod endpoints;
mod ephemeral_volumes;
mod fields;
mod finished_jobs;
mod garbage_collector;
mod hash;
mod job;
mod known;
mod label_selector;
mod namespaces;
mod node_fit;
mod node_lifecycle;
pub(crate) mod node_simulator;
mod node_ttl;
mod owners;
mod pod_control;
mod pod_garbage_collector;
mod pods;
mod policy_status;
pub(crate) mod quota;
mod recorder;
mod replica_set;
mod service_account_tokens;
mod stateful_set;
mod taint_eviction;
mod volume_binder;
mod volume_protection;
mod work_queue;

pub use api::Api;
pub use bootstrap_tokens::{BootstrapSigner, TokenCleaner};
pub use certificates::{
    CertificateApprover, CertificateAuthority, CertificateCleaner, CertificateSigner, SignatureAlgorithm,
    SigningKey, UnusableAuthority,
};
pub use cluster_role_aggregation::ClusterRoleAggregation;
pub use controller_set::{ControllerSet, UnknownController};
pub use cron_jobs::CronJobs;
pub use daemon_set::DaemonSets;
pub use deployment::Deployments;
pub use disruption::DisruptionBudgets;
pub use endpoints::{EndpointSliceMirroring, EndpointSlices, EndpointsOfServices};
pub use ephemeral_volumes::EphemeralVolumes;
pub use finished_jobs::FinishedJobs;
pub use garbage_collector::GarbageCollector;
pub use job::Jobs;
pub use namespaces::{NamespaceLifecycle, RootCaPublisher, ServiceAccounts};
pub use node_lifecycle::NodeLifecycle;
pub use node_simulator::{NodeControls, NodeSettings, NodeSimulator};
pub use node_ttl::NodeTtl;
pub use pod_garbage_collector::PodGarbageCollector;
pub use policy_status::PolicyStatus;
pub use quota::ResourceQuotas;
pub use replica_set::ReplicaSets;
pub use service_account_tokens::ServiceAccountTokenSecrets;
pub use stateful_set::StatefulSets;
pub use taint_eviction::TaintEviction;
pub use volume_binder::VolumeBinder;
pub use volume_protection::{ClaimProtection, ClassProtection, VolumeProtection};

use crate::store::Change;
use api::unless_gone;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// One controller.
///
/// # Guarantees
/// The control plane tells every change once, in order, before it runs the controller; it runs the controller at
/// the time of `next_wake` (or later, when nobody moved time), never inside the request that made a change.
pub trait Controller: Send {
    /// The name that kube-controller-manager gives it.
    fn name(&self) -> &'static str;
    /// The field manager of its writes.
    fn manager(&self) -> &'static str {
        "kube-controller-manager"
    }
    /// Notes a change (it carries its time); must not be slow, must not act.
    fn observe(&mut self, change: &Change);
    /// Acts on what is due at `now`.
    fn run(&mut self, api: &mut Api<'_>, now: Timestamp);
    /// When it wants to run next; `None` when it has nothing to do.
    fn next_wake(&self) -> Option<Timestamp>;
}

/// What the controllers go by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long after a change a controller acts on it.
    pub reaction: SignedDuration,
    /// The PEM text in every ConfigMap `kube-root-ca.crt`.
    pub root_ca: String,
    /// Who signs for the built-in signers of certificates; without one nobody does.
    pub authority: Option<Arc<CertificateAuthority>>,
    /// What the simulated node does when nobody says otherwise.
    pub node: NodeSettings,
}

impl Default for Settings {
    /// Controllers react after 5 ms; the root certificate is an empty text.
    fn default() -> Self {
        Self {
            reaction: SignedDuration::from_millis(5),
            root_ca: String::new(),
            authority: None,
            node: NodeSettings::default(),
        }
    }
}

/// Controllers that are ready to be given to a [`ControlPlane`](crate::ControlPlane).
pub struct Started {
    /// For [`Options::controllers`](crate::Options::controllers), in the order in which they act.
    pub controllers: Vec<Box<dyn Controller>>,
    /// Turns what the node simulator does; without effect when that does not run.
    pub nodes: NodeControls,
}

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.controllers.iter().map(|controller| controller.name()).collect();
        f.debug_struct("Started").field("controllers", &names).finish_non_exhaustive()
    }
}

/// Makes the controllers of a set.
///
/// # Example
/// ```
/// use controlplane::controllers::{ControllerSet, Settings, start};
///
/// let set: ControllerSet = "*,-node-simulator".parse().unwrap();
/// let started = start(&set, &Settings::default());
/// assert!(!started.controllers.is_empty());
/// ```
pub fn start(set: &ControllerSet, settings: &Settings) -> Started {
    let reaction = settings.reaction;
    let node = NodeSimulator::new(settings.node.clone());
    let nodes = node.controls();
    let lifecycle = match set.contains(node.name()) {
        true => NodeLifecycle::without_reports(reaction),
        false => NodeLifecycle::new(reaction),
    };
    let all: Vec<Box<dyn Controller>> = vec![
        Box::new(ServiceAccounts::new(reaction)),
        Box::new(RootCaPublisher::new(reaction, settings.root_ca.clone())),
        Box::new(ServiceAccountTokenSecrets::new(reaction, settings.root_ca.clone())),
        Box::new(CertificateApprover::new(reaction)),
        Box::new(CertificateSigner::new(reaction, settings.authority.clone())),
        Box::new(CertificateCleaner::new()),
        Box::new(PolicyStatus::new(reaction)),
        Box::new(ClusterRoleAggregation::new(reaction)),
        Box::new(ResourceQuotas::new(reaction)),
        Box::new(Deployments::new(reaction)),
        Box::new(ReplicaSets::new(reaction)),
        Box::new(ReplicaSets::of_replication_controllers(reaction)),
        Box::new(CronJobs::new(reaction)),
        Box::new(Jobs::new(reaction)),
        Box::new(FinishedJobs::new(reaction)),
        Box::new(StatefulSets::new(reaction)),
        Box::new(DaemonSets::new(reaction)),
        Box::new(DisruptionBudgets::new(reaction)),
        Box::new(EndpointsOfServices::new(reaction)),
        Box::new(EndpointSlices::new(reaction)),
        Box::new(EndpointSliceMirroring::new(reaction)),
        Box::new(EphemeralVolumes::new(reaction)),
        Box::new(VolumeBinder::new(reaction)),
        Box::new(ClaimProtection::new(reaction)),
        Box::new(VolumeProtection::new(reaction)),
        Box::new(ClassProtection::new(reaction)),
        Box::new(BootstrapSigner::new(reaction)),
        Box::new(TokenCleaner::new(reaction)),
        Box::new(NodeTtl::new(reaction)),
        Box::new(lifecycle),
        Box::new(TaintEviction::new(reaction)),
        Box::new(PodGarbageCollector::new()),
        Box::new(NamespaceLifecycle::new()),
        Box::new(GarbageCollector::new(reaction)),
        Box::new(node),
    ];
    let controllers = all.into_iter().filter(|controller| set.contains(controller.name())).collect();
    Started { controllers, nodes }
}
