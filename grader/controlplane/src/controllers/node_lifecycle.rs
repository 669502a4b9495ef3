//! What nodes say of themselves as taints, and nodes that say nothing any more (pkg/controller/nodelifecycle).
//!
//! Without kubelets there are no heartbeats: a node that nobody plays is unknown after a minute. Pods are not evicted
//! from such nodes here.

use super::known::NODES;
use super::recorder::{EventType, Recorder};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a new node may say nothing (`--node-startup-grace-period`).
const STARTUP_GRACE: SignedDuration = SignedDuration::from_secs(60);
/// How long one that was there may (`--node-monitor-grace-period`).
const GRACE: SignedDuration = SignedDuration::from_secs(50);
/// How often a real one looks (`--node-monitor-period`).
const MONITOR_PERIOD: SignedDuration = SignedDuration::from_secs(5);
/// What kubelets report.
const REPORTED: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
/// The taint of a condition with a status.
const TAINTS: [(&str, &str, &str); 6] = [
    ("Ready", "False", "node.kubernetes.io/not-ready"),
    ("Ready", "Unknown", "node.kubernetes.io/unreachable"),
    ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
    ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
];
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
/// Labels of kubelets, and what older clients look for.
const LABELS: [(&str, &str); 2] =
    [("kubernetes.io/os", "beta.kubernetes.io/os"), ("kubernetes.io/arch", "beta.kubernetes.io/arch")];

/// Keeps the taints of nodes, and says which have fallen silent.
#[derive(Debug)]
pub struct NodeLifecycle {
    reaction: SignedDuration,
    /// Whether nodes are expected to report; those that somebody plays are not.
    expects_reports: bool,
    taints: WorkQueue<String>,
    /// When each node is silent for too long, if it says nothing more.
    silent: WorkQueue<String>,
    /// When each node has reported last.
    reports: BTreeMap<String, Timestamp>,
    /// The nodes that events have told of.
    registered: BTreeMap<String, Arc<Value>>,
    recorder: Recorder,
}

impl NodeLifecycle {
    /// A controller that acts `reaction` after what it saw, for nodes that report.
    pub fn new(reaction: SignedDuration) -> Self {
        Self {
            reaction,
            expects_reports: true,
            taints: WorkQueue::default(),
            silent: WorkQueue::default(),
            reports: BTreeMap::new(),
            registered: BTreeMap::new(),
            recorder: Recorder::new("node-controller"),
        }
    }

    /// The same for nodes that are played by somebody who does not report.
    pub fn without_reports(reaction: SignedDuration) -> Self {
        Self { expects_reports: false, ..Self::new(reaction) }
    }

    fn note_report(&mut self, change: &Change, name: &str) {
        let Some(node) = &change.new else {
            self.reports.remove(name);
            return;
        };
        let heartbeat = |node: &Value| {
            let ready = fields::condition(node, "Ready");
            ready.map(|ready| ready["lastHeartbeatTime"].clone())
        };
        let known = change.old.as_ref().and_then(|node| heartbeat(node));
        let now = heartbeat(node);
        let (since, grace) = match &now {
            None => (fields::time(node, "/metadata/creationTimestamp").unwrap_or(change.at), STARTUP_GRACE),
            Some(_) if known == now && self.reports.contains_key(name) => return,
            Some(_) => (change.at, GRACE),
        };
        self.reports.insert(name.to_owned(), since);
        self.silent.add(name.to_owned(), later(since, grace + MONITOR_PERIOD));
    }

    /// Says that nothing is known of a node that has been silent for too long.
    fn sync_silence(&mut self, api: &mut Api<'_>, name: &str, now: Timestamp) -> Result<(), ApiError> {
        let (Some(node), Some(since)) = (api.get(&NODES, None, name), self.reports.get(name)) else {
            return Ok(());
        };
        let grace = if fields::condition(&node, "Ready").is_some() { GRACE } else { STARTUP_GRACE };
        if now.duration_since(*since) <= grace {
            self.silent.add(name.to_owned(), later(*since, grace + MONITOR_PERIOD));
            return Ok(());
        }
        let was_ready = fields::condition(&node, "Ready").is_some_and(|ready| ready["status"] == "True");
        let mut unknown = (*node).clone();
        let mut conditions = fields::items(&node, "/status/conditions").to_vec();
        for kind in REPORTED {
            match conditions.iter_mut().find(|condition| condition["type"] == kind) {
                None => conditions.push(json!({
                    "type": kind, "status": "Unknown", "reason": "NodeStatusNeverUpdated",
                    "message": "Kubelet never posted node status.",
                    "lastHeartbeatTime": node["metadata"]["creationTimestamp"],
                    "lastTransitionTime": object::time(now),
                })),
                Some(condition) if condition["status"] != "Unknown" => {
                    condition["status"] = "Unknown".into();
                    condition["reason"] = "NodeStatusUnknown".into();
                    condition["message"] = "Kubelet stopped posting node status.".into();
                    condition["lastTransitionTime"] = object::time(now).into();
                }
                Some(_) => {}
            }
        }
        unknown["status"]["conditions"] = conditions.into();
        if unknown == *node {
            return Ok(());
        }
        api.update_status(&NODES, unknown)?;
        if was_ready {
            let message = format!("Node {name} status is now: NodeNotReady");
            self.recorder.record(api, &node, EventType::Normal, "NodeNotReady", &message);
        }
        Ok(())
    }

    /// Tells of a node that has come, or that is gone.
    fn announce(&mut self, api: &mut Api<'_>, name: &str) {
        match (api.get(&NODES, None, name), self.registered.contains_key(name)) {
            (Some(node), false) => {
                let message = format!("Node {name} event: Registered Node {name} in Controller");
                self.recorder.record(api, &node, EventType::Normal, "RegisteredNode", &message);
                self.registered.insert(name.to_owned(), node);
            }
            (None, true) => {
                if let Some(node) = self.registered.remove(name) {
                    let message = format!("Node {name} event: Removing Node {name} from Controller");
                    self.recorder.record(api, &node, EventType::Normal, "RemovingNode", &message);
                }
            }
            _ => {}
        }
    }
}

impl Controller for NodeLifecycle {
    fn name(&self) -> &'static str {
        "node-lifecycle-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource != NODES {
            return;
        }
        let name = object::name(change.object());
        self.taints.add(name.to_owned(), later(change.at, self.reaction));
        if self.expects_reports {
            self.note_report(change, name);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(name) = self.taints.pop(now) {
            self.announce(api, &name);
            let visit = unless_gone(sync_taints(api, &name, now));
            self.taints.finish(name, visit.map(|_| None), now);
        }
        while let Some(name) = self.silent.pop(now) {
            let visit = unless_gone(self.sync_silence(api, &name, now));
            if visit.is_err() {
                self.silent.retry(name, now);
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.taints.next_wake().into_iter().chain(self.silent.next_wake()).min()
    }
}

fn sync_taints(api: &mut Api<'_>, name: &str, now: Timestamp) -> Result<(), ApiError> {
    let Some(node) = api.get(&NODES, None, name) else { return Ok(()) };
    let conditions = fields::items(&node, "/status/conditions").iter();
    let of_conditions = conditions.filter_map(|condition| {
        let found = TAINTS
            .iter()
            .find(|(kind, status, _)| condition["type"] == *kind && condition["status"] == *status)?;
        Some(found.2)
    });
    let cordoned = fields::flag(&node, "/spec/unschedulable").then_some(UNSCHEDULABLE);
    let wanted: Vec<&str> = of_conditions.chain(cordoned).collect();
    let is_own = |taint: &Value| {
        let key = taint["key"].as_str().unwrap_or_default();
        taint["effect"] == "NoSchedule"
            && (key == UNSCHEDULABLE || TAINTS.iter().any(|(_, _, known)| *known == key))
    };
    let taints = fields::items(&node, "/spec/taints");
    let mut kept: Vec<Value> = taints
        .iter()
        .filter(|taint| !is_own(taint) || wanted.iter().any(|wanted| taint["key"] == *wanted))
        .cloned()
        .collect();
    for key in wanted {
        if !kept.iter().any(|taint| taint["key"] == key && taint["effect"] == "NoSchedule") {
            kept.push(json!({"key": key, "effect": "NoSchedule", "timeAdded": object::time(now)}));
        }
    }
    let mut patch = json!({});
    if kept != taints {
        patch["spec"]["taints"] = if kept.is_empty() { Value::Null } else { kept.into() };
    }
    for (label, older) in LABELS {
        let value = fields::label(&node, label);
        if !value.is_empty() && fields::label(&node, older) != value {
            patch["metadata"]["labels"][older] = value.into();
        }
    }
    if patch == json!({}) { Ok(()) } else { api.merge_patch(&NODES, None, name, None, &patch).map(drop) }
}
