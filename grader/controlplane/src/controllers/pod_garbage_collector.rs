//! Pods that nobody ends any more: those of nodes that are gone or out of service, those that no node ever had, and
//! more finished ones than anybody looks at (pkg/controller/podgc).
//!
//! A real one looks around every twenty seconds. This one does so while there is a pod that it may have to end.

use super::known::{NODES, PODS};
use super::owners::{self, Key};
use super::work_queue::later;
use super::{Api, Controller, fields, pods};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const EVERY: SignedDuration = SignedDuration::from_secs(20);
/// How long a node must be gone before its pods go.
const QUARANTINE: SignedDuration = SignedDuration::from_secs(40);
/// Finished pods that are kept (`--terminated-pod-gc-threshold`).
const MOST_FINISHED: usize = 12_500;
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// Ends pods that nobody else does.
#[derive(Debug, Default)]
pub struct PodGarbageCollector {
    nodes: BTreeSet<String>,
    /// The pods of each node, whether that is there or not.
    of_nodes: BTreeMap<String, BTreeSet<Key>>,
    deleting: BTreeSet<Key>,
    finished: BTreeSet<Key>,
    /// Since when nodes that pods are on are known to be gone.
    gone: BTreeMap<String, Timestamp>,
    next: Option<Timestamp>,
}

impl PodGarbageCollector {
    /// A controller that looks around twenty seconds after it has become necessary.
    pub fn new() -> Self {
        Self::default()
    }

    fn is_needed(&self) -> bool {
        !self.deleting.is_empty()
            || self.finished.len() > MOST_FINISHED
            || self.of_nodes.keys().any(|node| !self.nodes.contains(node))
    }

    fn observe_pod(&mut self, change: &Change) {
        let key = owners::key(change.object());
        let node = change.old.as_ref().map(|pod| fields::text(pod, "/spec/nodeName"));
        if let Some(pods) = node.and_then(|node| self.of_nodes.get_mut(node)) {
            pods.remove(&key);
            if pods.is_empty() {
                self.of_nodes.remove(node.unwrap_or_default());
            }
        }
        self.deleting.remove(&key);
        self.finished.remove(&key);
        let Some(pod) = &change.new else { return };
        let node = fields::text(pod, "/spec/nodeName");
        if !node.is_empty() {
            self.of_nodes.entry(node.to_owned()).or_default().insert(key.clone());
        }
        if object::is_deleting(pod) {
            self.deleting.insert(key.clone());
        }
        if pods::is_finished(pod) {
            self.finished.insert(key);
        }
    }

    fn look_around(&mut self, api: &mut Api<'_>, now: Timestamp) {
        for pod in self.too_many(api) {
            // Whatever fails is tried again the next time.
            let _ = end(api, &pod, None);
        }
        for key in self.deleting.clone() {
            let pod = api.get(&PODS, Some(&key.0), &key.1);
            if let Some(pod) = pod.filter(|pod| is_abandoned(api, pod)) {
                let _ = end(api, &pod, None);
            }
        }
        for pod in self.orphans(api, now) {
            let condition = json!({
                "type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC",
                "message": "PodGC: node no longer exists", "lastTransitionTime": object::time(now),
            });
            let _ = end(api, &pod, Some(condition));
        }
    }

    /// The oldest finished pods, evicted ones first, as far as there are too many.
    fn too_many(&self, api: &Api<'_>) -> Vec<Arc<Value>> {
        let surplus = self.finished.len().saturating_sub(MOST_FINISHED);
        if surplus == 0 {
            return Vec::new();
        }
        let found = self.finished.iter().filter_map(|key| api.get(&PODS, Some(&key.0), &key.1));
        let mut finished: Vec<Arc<Value>> = found.collect();
        finished.sort_by_cached_key(|pod| {
            let was_evicted = pod["status"]["phase"] == "Failed" && pod["status"]["reason"] == "Evicted";
            (!was_evicted, fields::time(pod, "/metadata/creationTimestamp"), object::name(pod).to_owned())
        });
        finished.truncate(surplus);
        finished
    }

    /// The pods of nodes that have been gone for long enough.
    fn orphans(&mut self, api: &Api<'_>, now: Timestamp) -> Vec<Arc<Value>> {
        let missing: BTreeSet<String> =
            self.of_nodes.keys().filter(|node| !self.nodes.contains(*node)).cloned().collect();
        self.gone.retain(|node, _| missing.contains(node));
        let mut orphans = Vec::new();
        for node in missing {
            let since = *self.gone.entry(node.clone()).or_insert(now);
            if now.duration_since(since) >= QUARANTINE {
                let keys = self.of_nodes.get(&node).into_iter().flatten();
                orphans.extend(keys.filter_map(|key| api.get(&PODS, Some(&key.0), &key.1)));
            }
        }
        orphans
    }
}

impl Controller for PodGarbageCollector {
    fn name(&self) -> &'static str {
        "pod-garbage-collector-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == PODS {
            self.observe_pod(change);
        } else if change.resource == NODES {
            let name = object::name(change.object());
            if change.new.is_some() {
                self.nodes.insert(name.to_owned());
            } else {
                self.nodes.remove(name);
            }
        } else {
            return;
        }
        if self.next.is_none() && self.is_needed() {
            self.next = Some(later(change.at, EVERY));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        if self.next.is_none_or(|next| next > now) {
            return;
        }
        self.look_around(api, now);
        self.next = self.is_needed().then(|| later(now, EVERY));
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.next
    }
}

/// Whether nobody will end a pod that is being deleted.
fn is_abandoned(api: &Api<'_>, pod: &Value) -> bool {
    let node = fields::text(pod, "/spec/nodeName");
    if node.is_empty() {
        return true;
    }
    api.get(&NODES, None, node).is_some_and(|node| {
        let mut taints = fields::items(&node, "/spec/taints").iter();
        let is_ready = fields::condition(&node, "Ready").is_some_and(|ready| ready["status"] == "True");
        !is_ready && taints.any(|taint| taint["key"] == OUT_OF_SERVICE)
    })
}

/// Says that a pod has failed, unless it has ended, and deletes it at once.
fn end(api: &mut Api<'_>, pod: &Value, condition: Option<Value>) -> Result<(), ApiError> {
    let (namespace, name) = (object::namespace(pod), object::name(pod));
    if !pods::is_finished(pod) {
        let mut status = json!({"phase": "Failed", "observedGeneration": pod["metadata"]["generation"]});
        if let Some(condition) = condition {
            status["conditions"] = pods::with_condition(pod, condition);
        }
        api.merge_patch(&PODS, Some(namespace), name, Some("status"), &json!({"status": status}))?;
    }
    let now = json!({"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0});
    api.delete(&PODS, Some(namespace), name, &now).map(drop)
}
