//! The cluster's own part: controllers that can be made slow, and pods that can be kept from being ready.

use controlplane::controllers::{Api, Controller, ControllerSet, NodeControls, Settings, start};
use controlplane::store::{Change, ResourceId};
use controlplane::{ControlPlane, Timestamp};
use jiff::SignedDuration;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const PODS: ResourceId = ResourceId::known("", "pods");

/// Controllers that have nothing to do in a simulated cluster: its node never fails and gives every claim a volume of
/// its own, and nobody asks for certificates or makes policies.
const LEFT_OUT: [&str; 10] = [
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "ephemeral-volume-controller",
    "node-lifecycle-controller",
    "persistentvolume-binder-controller",
    "pod-garbage-collector-controller",
    "taint-eviction-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
];

/// The knobs of a cluster.
pub(super) struct Knobs {
    nodes: NodeControls,
    /// How much later each controller acts, in milliseconds.
    delays: BTreeMap<&'static str, Arc<AtomicI64>>,
    limits: Arc<Mutex<Limits>>,
    /// What each pod of a limited namespace was told: whether it may be ready.
    told: BTreeMap<(String, String), bool>,
    /// The revision of the cluster for which pods have been told.
    told_at: u64,
}

/// How many pods of a namespace may be ready.
type Limits = BTreeMap<String, u32>;

fn lock(limits: &Mutex<Limits>) -> MutexGuard<'_, Limits> {
    limits.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All controllers of a cluster, and their knobs.
pub(super) fn controllers() -> (Vec<Box<dyn Controller>>, Knobs) {
    let set = LEFT_OUT.iter().fold(ControllerSet::all(), |set, name| set.without(name));
    let started = start(&set, &Settings::default());
    let limits = Arc::new(Mutex::new(Limits::new()));
    let limited = limits.clone();
    // New pods of a limited namespace are not ready before they have been told.
    started.nodes.hold_all(move |pod| {
        pod["metadata"]["namespace"].as_str().is_some_and(|namespace| lock(&limited).contains_key(namespace))
    });
    let mut delays = BTreeMap::new();
    let mut controllers: Vec<Box<dyn Controller>> = Vec::new();
    for controller in started.controllers {
        let delay_ms = Arc::new(AtomicI64::new(0));
        delays.insert(controller.name(), delay_ms.clone());
        controllers.push(Box::new(Delayed { controller, delay_ms }));
    }
    (controllers, Knobs { nodes: started.nodes, delays, limits, told: BTreeMap::new(), told_at: 0 })
}

impl Knobs {
    /// From now on a controller acts so much later; one that does not exist is none of a cluster.
    pub(super) fn delay(&self, controller: &str, ms: u64) {
        if let Some(delay) = self.delays.get(controller) {
            delay.store(i64::try_from(ms).unwrap_or(i64::MAX / 4), Relaxed);
        }
    }

    /// Sets or lifts the limit of a namespace. Pods learn of it with [`tell_pods`](Self::tell_pods).
    pub(super) fn limit(&mut self, namespace: &str, pods: Option<u32>, now: Timestamp) {
        match pods {
            Some(pods) => {
                lock(&self.limits).insert(namespace.to_owned(), pods);
            }
            None => {
                lock(&self.limits).remove(namespace);
                let nodes = &self.nodes;
                self.told.retain(|(of, name), ready| {
                    if of == namespace && !*ready {
                        nodes.release(of, name, now);
                    }
                    of != namespace
                });
            }
        }
        self.told_at = 0;
    }

    /// Tells the pods of limited namespaces whether they may be ready, if anything has changed.
    pub(super) fn tell_pods(&mut self, control: &ControlPlane, now: Timestamp) {
        let limits = lock(&self.limits).clone();
        if limits.is_empty() || self.told_at == control.revision() {
            return;
        }
        self.told_at = control.revision();
        for (namespace, limit) in limits {
            let mut pods: Vec<Arc<Value>> = control.list(&PODS, Some(&namespace));
            pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
            // By age; times have seconds only, and then ordinals decide: `db-2` before `db-10`.
            pods.sort_by_cached_key(|pod| {
                let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
                (text("creationTimestamp"), text("name").len(), text("name"))
            });
            for (index, pod) in pods.iter().enumerate() {
                let name = pod["metadata"]["name"].as_str().unwrap_or_default();
                let ready = (index as u64) < u64::from(limit);
                if self.told.insert((namespace.clone(), name.to_owned()), ready) != Some(ready) {
                    match ready {
                        true => self.nodes.release(&namespace, name, now),
                        false => self.nodes.fail(&namespace, name, now),
                    }
                }
            }
        }
    }
}

/// A controller that can be made slow.
struct Delayed {
    controller: Box<dyn Controller>,
    delay_ms: Arc<AtomicI64>,
}

impl Controller for Delayed {
    fn name(&self) -> &'static str {
        self.controller.name()
    }

    fn manager(&self) -> &'static str {
        self.controller.manager()
    }

    fn observe(&mut self, change: &Change) {
        self.controller.observe(change);
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        self.controller.run(api, now);
    }

    fn next_wake(&self) -> Option<Timestamp> {
        let delay = SignedDuration::from_millis(self.delay_ms.load(Relaxed));
        self.controller.next_wake().map(|wake| wake.saturating_add(delay).unwrap_or(Timestamp::MAX))
    }
}
