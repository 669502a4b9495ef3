//! Pods that must leave nodes with NoExecute taints, at once or when they have tolerated them for long enough
//! (pkg/controller/tainteviction).

use super::known::{NODES, PODS};
use super::owners::{self, Key};
use super::recorder::{EventType, Recorder};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, node_fit, pods, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Deletes pods that do not tolerate where they are.
#[derive(Debug)]
pub struct TaintEviction {
    reaction: SignedDuration,
    /// Nodes come before pods.
    nodes: WorkQueue<String>,
    pods: WorkQueue<Key>,
    of_nodes: BTreeMap<String, BTreeSet<Key>>,
    /// When each pod has to leave that is tolerated for a while.
    leaving: BTreeMap<Key, Timestamp>,
    alarms: WorkQueue<Key>,
    deletions: WorkQueue<Key>,
    recorder: Recorder,
}

/// What the taints of a node mean to a pod there.
#[derive(Debug, PartialEq, Eq)]
enum Stay {
    Forever,
    For(SignedDuration),
    Not,
}

impl TaintEviction {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self {
            reaction,
            nodes: WorkQueue::default(),
            pods: WorkQueue::default(),
            of_nodes: BTreeMap::new(),
            leaving: BTreeMap::new(),
            alarms: WorkQueue::default(),
            deletions: WorkQueue::default(),
            recorder: Recorder::new("taint-eviction-controller"),
        }
    }

    fn observe_pod(&mut self, change: &Change) {
        let facts = |pod: &Value| (pod["spec"]["nodeName"].clone(), pod["spec"]["tolerations"].clone());
        if change.old.as_deref().map(facts) == change.new.as_deref().map(facts) {
            return;
        }
        let key = owners::key(change.object());
        let node = |pod: &Value| fields::text(pod, "/spec/nodeName").to_owned();
        if let Some(node) = change.old.as_deref().map(node)
            && let Some(pods) = self.of_nodes.get_mut(&node)
        {
            pods.remove(&key);
            if pods.is_empty() {
                self.of_nodes.remove(&node);
            }
        }
        if let Some(node) = change.new.as_deref().map(node).filter(|node| !node.is_empty()) {
            self.of_nodes.entry(node).or_default().insert(key.clone());
        }
        self.pods.add(key, later(change.at, self.reaction));
    }

    fn sync_node(&mut self, api: &mut Api<'_>, name: &str, now: Timestamp) {
        let Some(node) = api.get(&NODES, None, name) else { return };
        let taints = no_execute_taints(&node);
        for key in self.of_nodes.get(name).cloned().unwrap_or_default() {
            self.sync_pod_on(api, &key, &taints, now);
        }
    }

    fn sync_pod(&mut self, api: &mut Api<'_>, key: &Key, now: Timestamp) {
        let Some(pod) = api.get(&PODS, Some(&key.0), &key.1) else {
            self.cancel(api, key);
            return;
        };
        let node = api.get(&NODES, None, fields::text(&pod, "/spec/nodeName"));
        let taints = node.map(|node| no_execute_taints(&node)).unwrap_or_default();
        if !taints.is_empty() {
            self.sync_pod_on(api, key, &taints, now);
        }
    }

    fn sync_pod_on(&mut self, api: &mut Api<'_>, key: &Key, taints: &[Value], now: Timestamp) {
        let Some(pod) = api.get(&PODS, Some(&key.0), &key.1) else { return };
        match stay(fields::items(&pod, "/spec/tolerations"), taints) {
            Stay::Forever => self.cancel(api, key),
            Stay::Not => {
                self.cancel(api, key);
                self.leave(api, key, now);
            }
            // Whoever has to leave already does so at the time that was set first.
            Stay::For(_) if self.leaving.contains_key(key) => {}
            Stay::For(SignedDuration::ZERO) => self.leave(api, key, now),
            Stay::For(time) => {
                let due = later(now, time);
                self.leaving.insert(key.clone(), due);
                self.alarms.add(key.clone(), due);
            }
        }
    }

    fn cancel(&mut self, api: &mut Api<'_>, key: &Key) {
        if self.leaving.remove(key).is_some() {
            self.record(api, key, &format!("Cancelling deletion of Pod {}/{}", key.0, key.1));
        }
    }

    fn leave(&mut self, api: &mut Api<'_>, key: &Key, now: Timestamp) {
        self.record(api, key, &format!("Marking for deletion Pod {}/{}", key.0, key.1));
        self.deletions.add(key.clone(), now);
    }

    /// Its events name pods without a uid.
    fn record(&mut self, api: &mut Api<'_>, (namespace, name): &Key, message: &str) {
        let about =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": name}});
        self.recorder.record(api, &about, EventType::Normal, "TaintManagerEviction", message);
    }
}

impl Controller for TaintEviction {
    fn name(&self) -> &'static str {
        "taint-eviction-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == PODS {
            self.observe_pod(change);
        } else if change.resource == NODES {
            let taints = |node: &Value| no_execute_taints(node);
            let before = change.old.as_deref().map(taints).unwrap_or_default();
            if before != change.new.as_deref().map(taints).unwrap_or_default() {
                let name = object::name(change.object());
                self.nodes.add(name.to_owned(), later(change.at, self.reaction));
            }
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(name) = self.nodes.pop(now) {
            self.sync_node(api, &name, now);
        }
        while let Some(key) = self.pods.pop(now) {
            self.sync_pod(api, &key, now);
        }
        while let Some(key) = self.alarms.pop(now) {
            match self.leaving.get(&key) {
                // The alarm is one of a time before.
                Some(due) if *due > now => self.alarms.add(key.clone(), *due),
                Some(_) => {
                    self.leaving.remove(&key);
                    self.leave(api, &key, now);
                }
                None => {}
            }
        }
        while let Some(key) = self.deletions.pop(now) {
            let visit = unless_gone(evict(api, &key, now));
            self.deletions.finish(key, visit.map(|_| None), now);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        let pods = [&self.pods, &self.alarms, &self.deletions].map(WorkQueue::next_wake);
        pods.into_iter().chain([self.nodes.next_wake()]).flatten().min()
    }
}

fn no_execute_taints(node: &Value) -> Vec<Value> {
    let taints = fields::items(node, "/spec/taints").iter();
    taints.filter(|taint| taint["effect"] == "NoExecute").cloned().collect()
}

/// For as long as the least patient of the tolerations that count: the first that fits each taint.
fn stay(tolerations: &[Value], taints: &[Value]) -> Stay {
    let mut shortest = None;
    for taint in taints {
        let Some(toleration) = tolerations.iter().find(|known| node_fit::tolerates(known, taint)) else {
            return Stay::Not;
        };
        let seconds = fields::int(toleration, "/tolerationSeconds").map(|seconds| seconds.max(0));
        shortest = shortest.into_iter().chain(seconds).min();
    }
    shortest.map_or(Stay::Forever, |seconds| Stay::For(fields::seconds(seconds)))
}

/// Says why, and deletes.
fn evict(api: &mut Api<'_>, (namespace, name): &Key, now: Timestamp) -> Result<(), ApiError> {
    let pod = api.get(&PODS, Some(namespace), name).ok_or_else(|| ApiError::not_found(&PODS, name))?;
    let condition = json!({
        "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint", "lastTransitionTime": object::time(now),
    });
    let status = json!({"status": {"conditions": pods::with_condition(&pod, condition)}});
    api.merge_patch(&PODS, Some(namespace), name, Some("status"), &status)?;
    api.delete(&PODS, Some(namespace), name, &Value::Null).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_patient_toleration_that_counts_says_how_long() {
        let taint = |key: &str| json!({"key": key, "effect": "NoExecute"});
        let exists = |key: &str| json!({"key": key, "operator": "Exists"});
        let during =
            |key: &str, seconds: i64| json!({"key": key, "operator": "Exists", "tolerationSeconds": seconds});
        let seconds = |seconds| Stay::For(SignedDuration::from_secs(seconds));
        let table = [
            (vec![], vec![taint("a")], Stay::Not),
            (vec![exists("a")], vec![], Stay::Forever),
            (vec![exists("a")], vec![taint("a")], Stay::Forever),
            (vec![exists("a")], vec![taint("a"), taint("b")], Stay::Not),
            (vec![during("a", 9), during("b", 5)], vec![taint("a"), taint("b")], seconds(5)),
            (vec![during("a", 9), during("b", 5)], vec![taint("a")], seconds(9)),
            (vec![exists("a"), during("a", 5)], vec![taint("a")], Stay::Forever),
            (vec![during("a", -1), exists("b")], vec![taint("a"), taint("b")], seconds(0)),
        ];
        for (tolerations, taints, expected) in table {
            assert_eq!(stay(&tolerations, &taints), expected, "{tolerations:?} {taints:?}");
        }
    }
}
