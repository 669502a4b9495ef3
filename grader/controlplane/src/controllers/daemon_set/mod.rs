//! DaemonSets: one pod on every node that suits (pkg/controller/daemon).

mod history;
mod placement;
mod rolling;

use super::known::{CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS};
use super::owners::{self, Key, Owned, OwnerKind};
use super::recorder::{EventType, Recorder};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, node_fit, pod_control, pods};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use placement::Fit;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const KIND: OwnerKind = OwnerKind { api_version: "apps/v1", kind: "DaemonSet" };
/// The label that names the revision of a pod.
const HASH_LABEL: &str = "controller-revision-hash";
/// What is left of a field that counted the template's generations.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";
/// The pause before a failed pod is replaced.
const FAILED_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// Runs DaemonSets.
#[derive(Debug)]
pub struct DaemonSets {
    reaction: SignedDuration,
    pods: Owned,
    revisions: Owned,
    queue: WorkQueue<Key>,
    recorder: Recorder,
    sets: BTreeSet<Key>,
}

/// One visit to one set.
struct Visit<'v, 'a> {
    api: &'v mut Api<'a>,
    recorder: &'v mut Recorder,
    set: &'v Value,
    nodes: Vec<Arc<Value>>,
    /// The pods of the set by the node they are on, or meant for.
    pods: BTreeMap<String, Vec<Arc<Value>>>,
    hash: String,
}

impl DaemonSets {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self {
            reaction,
            pods: Owned::new(KIND, PODS),
            revisions: Owned::new(KIND, CONTROLLER_REVISIONS),
            queue: WorkQueue::default(),
            recorder: Recorder::new("daemonset-controller"),
            sets: BTreeSet::new(),
        }
    }

    /// The answer is when the set wants another look, if nothing changes before.
    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<Option<SignedDuration>, ApiError> {
        let Some(set) = api.get(&DAEMON_SETS, Some(&key.0), &key.1) else { return Ok(None) };
        if object::is_deleting(&set) {
            return Ok(None);
        }
        let known = self.revisions.claim(api, &set, |_| true)?;
        let history = history::settle(api, &set, known)?;
        let nodes = api.list(&NODES, None);
        let hash = fields::label(&history.current, HASH_LABEL).to_owned();
        let mut pods = BTreeMap::<String, Vec<Arc<Value>>>::new();
        for pod in self.pods.claim(api, &set, |_| true)? {
            let node = placement::node_of(&pod).to_owned();
            pods.entry(node).or_default().push(pod);
        }
        for of_node in pods.values_mut() {
            of_node.sort_by_cached_key(|pod| {
                let created = object::metadata_text(pod, "creationTimestamp").to_owned();
                (fields::text(pod, "/spec/nodeName").is_empty(), created, object::name(pod).to_owned())
            });
        }
        let mut visit = Visit { api, recorder: &mut self.recorder, set: &set, nodes, pods, hash };
        let managed = visit.manage();
        let again = match &managed {
            Ok(Changes::Made { again }) => *again,
            Ok(Changes::None { again }) => {
                rolling::update(&mut visit)?;
                history::truncate(visit.api, &set, &history, &visit.pods)?;
                *again
            }
            Err(_) => None,
        };
        visit.write_status()?;
        managed?;
        let min_ready = min_ready_seconds(&set);
        let of_set = || visit.pods.values().flatten().map(Arc::as_ref);
        let available = pods::next_available(of_set(), min_ready, visit.api.now());
        Ok(again.into_iter().chain(available).min())
    }
}

/// What a visit did to the pods.
enum Changes {
    /// Pods are on their way; a rollout waits until they are seen.
    Made {
        again: Option<SignedDuration>,
    },
    None {
        again: Option<SignedDuration>,
    },
}

impl Controller for DaemonSets {
    fn name(&self) -> &'static str {
        "daemonset-controller"
    }

    fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        if change.resource == DAEMON_SETS {
            self.pods.observe_owner(change);
            self.revisions.observe_owner(change);
            let key = owners::key(change.object());
            if change.new.is_some() {
                self.sets.insert(key.clone())
            } else {
                self.sets.remove(&key)
            };
            self.queue.add(key, due);
        } else if change.resource == PODS {
            self.queue.add_all(self.pods.observe_child(change), due);
        } else if change.resource == CONTROLLER_REVISIONS {
            self.revisions.observe_child(change);
        } else if change.resource == NODES && node_fit::matters(change) {
            self.queue.add_all(self.sets.iter().cloned(), due);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(key) = self.queue.pop(now) {
            let visit = self.sync(api, &key);
            self.queue.finish(key, visit, now);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

impl Visit<'_, '_> {
    /// Sees to it that every node has the pods it should have, whatever their revision.
    fn manage(&mut self) -> Result<Changes, ApiError> {
        let (mut needy, mut surplus) = (Vec::new(), Vec::new());
        let mut again = None;
        for node in self.nodes.clone() {
            let name = object::name(&node);
            let on_node = self.pods.get(name).cloned().unwrap_or_default();
            let fit = placement::fit(self.set, &node);
            match (fit, on_node.is_empty()) {
                (Fit::Runs, true) => needy.push(name.to_owned()),
                (Fit::Leaves, false) => {
                    surplus.extend(on_node.into_iter().filter(|pod| !object::is_deleting(pod)));
                }
                (Fit::Runs | Fit::Stays, false) => {
                    let (running, finished) = self.sort_out(name, on_node, &mut again);
                    surplus.extend(finished);
                    if rolling::max_surge(self.set, 1) > 0 {
                        if running.is_empty() && fit == Fit::Runs {
                            needy.push(name.to_owned());
                        }
                        surplus.extend(rolling::superseded(self, running));
                    } else {
                        surplus.extend(running.into_iter().skip(1));
                    }
                }
                (Fit::Stays | Fit::Leaves, true) => {}
            }
        }
        let known = |name: &str| self.nodes.iter().any(|node| object::name(node) == name);
        let lost = self.pods.iter().filter(|(node, _)| !known(node)).flat_map(|(_, pods)| pods);
        let unscheduled =
            |pod: &&Arc<Value>| fields::text(pod, "/spec/nodeName").is_empty() && !object::is_deleting(pod);
        surplus.extend(lost.filter(unscheduled).cloned());
        if needy.is_empty() && surplus.is_empty() {
            return Ok(Changes::None { again });
        }
        self.change(&needy, &surplus)?;
        Ok(Changes::Made { again })
    }

    /// The pods of a node that run, and those that have finished and make room now.
    fn sort_out(
        &mut self,
        node: &str,
        on_node: Vec<Arc<Value>>,
        again: &mut Option<SignedDuration>,
    ) -> (Vec<Arc<Value>>, Vec<Arc<Value>>) {
        let (mut running, mut finished) = (Vec::new(), Vec::new());
        for pod in on_node.into_iter().filter(|pod| !object::is_deleting(pod)) {
            let (namespace, name) = (object::namespace(&pod), object::name(&pod));
            match pods::phase(&pod) {
                "Failed" => {
                    let ended = fields::condition(&pod, "Ready")
                        .and_then(|ready| fields::time(ready, "/lastTransitionTime"));
                    let now = self.api.now();
                    let left = later(ended.unwrap_or(now), FAILED_PAUSE).duration_since(now);
                    if left > SignedDuration::ZERO {
                        *again = Some(again.map_or(left, |again| again.min(left)));
                        continue;
                    }
                    let message = format!(
                        "Found failed daemon pod {namespace}/{name} on node {node}, will try to kill it"
                    );
                    let reason = "FailedDaemonPod";
                    self.recorder.record(self.api, self.set, EventType::Warning, reason, &message);
                    finished.push(pod);
                }
                "Succeeded" => {
                    let message = format!(
                        "Found succeeded daemon pod {namespace}/{name} on node {node}, will try to delete it"
                    );
                    let reason = "SucceededDaemonPod";
                    self.recorder.record(self.api, self.set, EventType::Normal, reason, &message);
                    finished.push(pod);
                }
                _ => running.push(pod),
            }
        }
        (running, finished)
    }

    /// Makes and deletes pods.
    fn change(&mut self, needy: &[String], surplus: &[Arc<Value>]) -> Result<(), ApiError> {
        for node in needy {
            let pod = self.pod_for(node);
            pod_control::create(self.api, self.recorder, self.set, pod)?;
        }
        for pod in surplus {
            pod_control::delete(self.api, self.recorder, self.set, pod)?;
        }
        Ok(())
    }

    fn pod_for(&self, node: &str) -> Value {
        let mut pod = pods::from_template(&self.set["spec"]["template"], self.set, KIND.reference(self.set));
        placement::tie(&mut pod, node);
        let labels = object::metadata_mut(&mut pod).entry("labels").or_insert_with(|| json!({}));
        labels[HASH_LABEL] = self.hash.clone().into();
        let generation = fields::annotation(self.set, TEMPLATE_GENERATION);
        if !generation.is_empty() {
            labels["pod-template-generation"] = generation.into();
        }
        pod
    }

    fn is_updated(&self, pod: &Value) -> bool {
        let generation = fields::annotation(self.set, TEMPLATE_GENERATION);
        fields::label(pod, HASH_LABEL) == self.hash
            || (!generation.is_empty() && fields::label(pod, "pod-template-generation") == generation)
    }

    fn write_status(&mut self) -> Result<(), ApiError> {
        let now = self.api.now();
        let mut counts = [0; 6];
        let [desired, current, misscheduled, ready, updated, available] = &mut counts;
        for node in &self.nodes {
            let oldest = self.pods.get(object::name(node)).and_then(|pods| pods.first());
            match (placement::fit(self.set, node), oldest) {
                (Fit::Runs, pod) => {
                    *desired += 1;
                    let Some(pod) = pod else { continue };
                    *current += 1;
                    *ready += usize::from(pods::is_ready(pod));
                    *available += usize::from(pods::is_available(pod, min_ready_seconds(self.set), now));
                    *updated += usize::from(self.is_updated(pod));
                }
                (_, Some(_)) => *misscheduled += 1,
                (_, None) => {}
            }
        }
        let mut status = self.set["status"].clone();
        if !status.is_object() {
            status = json!({});
        }
        for (key, number) in [
            ("currentNumberScheduled", *current),
            ("numberMisscheduled", *misscheduled),
            ("desiredNumberScheduled", *desired),
            ("numberReady", *ready),
        ] {
            status[key] = number.into();
        }
        status["observedGeneration"] = object::generation(self.set).into();
        for (key, number) in [
            ("updatedNumberScheduled", *updated),
            ("numberAvailable", *available),
            ("numberUnavailable", *desired - *available),
        ] {
            crate::strategy::set(&mut status, key, (number != 0).then(|| number.into()));
        }
        if status == self.set["status"] {
            return Ok(());
        }
        // Making a revision may have written the status since.
        let (namespace, name) = (object::namespace(self.set), object::name(self.set));
        let Some(latest) = self.api.get(&DAEMON_SETS, Some(namespace), name) else { return Ok(()) };
        let mut written = (*latest).clone();
        written["status"] = status;
        self.api.update_status(&DAEMON_SETS, written).map(drop)
    }
}

fn min_ready_seconds(set: &Value) -> i64 {
    fields::int(set, "/spec/minReadySeconds").unwrap_or_default()
}
