//! A node without a machine: schedules pods, runs and readies them, stops them, and provides their volumes, by changing
//! objects as scheduler, kubelet and provisioner do.

mod controls;
mod machine;
mod network;
pub(crate) mod pod_status;
mod volumes;

pub use controls::{NodeControls, NodeSettings};

use super::known::{NODES, PERSISTENT_VOLUME_CLAIMS, PODS};
use super::owners::{self, Key};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, node_fit, pods};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use controls::{Command, Plan};
use jiff::{SignedDuration, Timestamp};
use network::Network;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Plays scheduler, kubelet and volume provisioner for every pod.
///
/// # Guarantees
/// A pod takes the steps of a real one, each visible for a while: Pending, scheduled, its containers being created,
/// Running and Ready. A pod whose deletion was requested stops and goes; its grace period is the latest it may take.
#[derive(Debug)]
pub struct NodeSimulator {
    settings: NodeSettings,
    plan: Arc<Mutex<Plan>>,
    queue: WorkQueue<Task>,
    /// The uids of the pods that are there.
    pods: BTreeMap<Key, String>,
    network: Network,
    registered: bool,
    /// Pods for which there was no node.
    unschedulable: BTreeSet<Task>,
}

/// What happens next to one object, the one of that uid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Task {
    key: Key,
    uid: String,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// The node joins the cluster.
    Register,
    /// The scheduler finds a node.
    Schedule,
    /// The kubelet has the pod and creates its containers.
    Create,
    /// The containers run (again).
    Run,
    /// The running pod gets what its spec asks for since.
    Adapt,
    /// The readiness probe says what the plan wants.
    Probe,
    /// The containers end with this exit code.
    End(i32),
    /// The containers are gone, the pod may go.
    Stop,
    /// A claim gets a volume.
    Bind,
    /// A claim is gone, and its volume goes.
    Reclaim,
}

impl Task {
    fn new(object: &Value, step: Step) -> Self {
        Self { key: owners::key(object), uid: object::uid(object).to_owned(), step }
    }
}

impl NodeSimulator {
    /// A node on which nothing runs yet.
    pub fn new(settings: NodeSettings) -> Self {
        let plan = Plan::new(&settings);
        Self {
            settings,
            plan: Arc::new(Mutex::new(plan)),
            queue: WorkQueue::default(),
            pods: BTreeMap::new(),
            network: Network::default(),
            registered: false,
            unschedulable: BTreeSet::new(),
        }
    }

    /// The knobs of this node; they work at any time.
    pub fn controls(&self) -> NodeControls {
        NodeControls::new(self.plan.clone())
    }

    fn with_plan<T>(&self, use_it: impl FnOnce(&mut Plan) -> T) -> T {
        use_it(&mut self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The node joins a cluster as soon as anything happens there.
    fn register(&mut self, now: Timestamp) {
        if !self.registered {
            self.registered = true;
            self.queue.add(Task::new(&Value::Null, Step::Register), now);
        }
    }

    fn observe_node(&mut self, change: &Change) {
        if node_fit::matters(change) {
            for task in std::mem::take(&mut self.unschedulable) {
                self.queue.add(task, later(change.at, self.settings.schedule_after));
            }
        }
    }

    fn observe_pod(&mut self, change: &Change) {
        let Some(pod) = &change.new else {
            self.pods.remove(&owners::key(change.object()));
            self.network.forget(object::uid(change.object()));
            return;
        };
        let before = change.old.as_deref().filter(|old| object::uid(old) == object::uid(pod));
        let became = |fact: fn(&Value) -> bool| fact(pod) && !before.is_some_and(fact);
        let mut plan = |step, after| self.queue.add(Task::new(pod, step), later(change.at, after));
        if became(is_schedulable) {
            plan(Step::Schedule, self.settings.schedule_after);
        }
        if became(is_scheduled) {
            plan(Step::Create, self.settings.create_after);
        }
        if is_scheduled(pod) && became(object::is_deleting) {
            let grace = fields::int(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or_default();
            plan(Step::Stop, self.settings.stop_after.min(fields::seconds(grace)));
        }
        let is_other = before.is_some_and(|old| object::generation(old) != object::generation(pod));
        if is_other && pods::phase(pod) == "Running" {
            plan(Step::Adapt, self.settings.create_after);
        }
        if !fields::items(pod, "/spec/readinessGates").is_empty() && pods::phase(pod) == "Running" {
            plan(Step::Probe, self.settings.create_after);
        }
        self.pods.insert(owners::key(pod), object::uid(pod).to_owned());
    }

    fn observe_claim(&mut self, change: &Change) {
        let step = match (&change.old, &change.new) {
            (None, Some(_)) => Step::Bind,
            (_, None) => Step::Reclaim,
            _ => return,
        };
        let due = later(change.at, self.settings.bind_after);
        self.queue.add(Task::new(change.object(), step), due);
    }

    /// Turns what was asked for from outside into tasks.
    fn take_commands(&mut self, api: &Api<'_>, now: Timestamp) {
        for command in self.with_plan(|plan| plan.take_commands(now)) {
            let (keys, step) = match command {
                Command::Probe(key) => (vec![key], Step::Probe),
                Command::ProbeAll => (self.pods.keys().cloned().collect(), Step::Probe),
                Command::End(key, code) => (vec![key], Step::End(code)),
                Command::CatchUp => {
                    self.catch_up(api, now);
                    continue;
                }
            };
            for key in keys {
                let Some(uid) = self.pods.get(&key) else { continue };
                self.queue.add(Task { uid: uid.clone(), key, step }, now);
            }
        }
    }

    /// Looks at everything that happened while the node was off.
    fn catch_up(&mut self, api: &Api<'_>, now: Timestamp) {
        self.queue.add(Task::new(&Value::Null, Step::Register), now);
        for pod in api.list(&PODS, None) {
            let (step, after) = match pods::phase(&pod) {
                _ if !is_scheduled(&pod) => (Step::Schedule, self.settings.schedule_after),
                _ if object::is_deleting(&pod) => (Step::Stop, self.settings.stop_after),
                "Running" => (Step::Probe, SignedDuration::ZERO),
                _ => (Step::Create, self.settings.create_after),
            };
            self.queue.add(Task::new(&pod, step), later(now, after));
        }
        for claim in api.list(&PERSISTENT_VOLUME_CLAIMS, None) {
            self.queue.add(Task::new(&claim, Step::Bind), later(now, self.settings.bind_after));
        }
    }

    fn take_step(&mut self, api: &mut Api<'_>, task: &Task) -> Result<(), ApiError> {
        match task.step {
            Step::Bind => return volumes::bind(api, &task.key, &task.uid),
            Step::Reclaim => return volumes::reclaim(api, &task.uid),
            Step::Register => return machine::register(api),
            _ => {}
        }
        let Some(pod) = api.get(&PODS, Some(&task.key.0), &task.key.1) else { return Ok(()) };
        if object::uid(&pod) != task.uid {
            return Ok(());
        }
        let now = api.now();
        let (ready, ready_after) =
            self.with_plan(|plan| (plan.lets_be_ready(&task.key, &pod), plan.ready_after));
        let mut next = None;
        let status = match (task.step, pods::phase(&pod)) {
            (Step::Schedule, _) if is_schedulable(&pod) => match machine::choose(api, &pod) {
                Ok(node) => return schedule(api, &pod, &node),
                Err(why) => {
                    self.unschedulable.insert(task.clone());
                    pod_status::unschedulable(&pod, why, now)
                }
            },
            (Step::Stop, _) if object::is_deleting(&pod) => return stop(api, &pod),
            (Step::Create, "Pending") => {
                next = Some((Step::Run, ready_after));
                pod_status::creating(&pod, self.network.address_of(&task.uid), now)
            }
            (Step::Run, "Pending" | "Running") => {
                if owners::controller_of(&pod).is_some_and(|owner| owner["kind"] == "Job") {
                    next = self.settings.jobs_end_after.map(|after| (Step::End(0), after));
                }
                pod_status::running(&pod, ready, now)
            }
            (Step::Adapt, "Running") => pod_status::adapted(&pod, now),
            (Step::Probe, "Running") => pod_status::probed(&pod, ready, now),
            (Step::End(code), "Running") => {
                let status = pod_status::ended(&pod, code, now);
                if status["phase"] == "Running" {
                    next = Some((Step::Run, ready_after));
                }
                status
            }
            _ => return Ok(()),
        };
        if status != pod["status"] {
            let mut written = (*pod).clone();
            written["status"] = status;
            api.update_status(&PODS, written)?;
        }
        if let Some((step, after)) = next {
            self.queue.add(Task { step, ..task.clone() }, later(now, after));
        }
        Ok(())
    }
}

impl Controller for NodeSimulator {
    fn name(&self) -> &'static str {
        "node-simulator"
    }

    fn manager(&self) -> &'static str {
        "kubelet"
    }

    fn observe(&mut self, change: &Change) {
        self.register(change.at);
        if change.resource == PODS {
            self.observe_pod(change);
        } else if change.resource == NODES {
            self.observe_node(change);
        } else if change.resource == PERSISTENT_VOLUME_CLAIMS {
            self.observe_claim(change);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        self.take_commands(api, now);
        let on = self.with_plan(|plan| plan.on);
        while let Some(task) = self.queue.pop(now) {
            match if on { self.take_step(api, &task) } else { Ok(()) } {
                Err(error) if !error.is_not_found() => self.queue.retry(task, now),
                _ => self.queue.forget(&task),
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        let command = self.with_plan(|plan| plan.next_command());
        command.into_iter().chain(self.queue.next_wake()).min()
    }
}

fn is_scheduled(pod: &Value) -> bool {
    !fields::text(pod, "/spec/nodeName").is_empty()
}

fn is_schedulable(pod: &Value) -> bool {
    // Another scheduler than the default one is somebody else's.
    let is_ours = matches!(fields::text(pod, "/spec/schedulerName"), "" | "default-scheduler");
    let is_gated = !fields::items(pod, "/spec/schedulingGates").is_empty();
    is_ours && !is_gated && !is_scheduled(pod) && !object::is_deleting(pod)
}

fn schedule(api: &mut Api<'_>, pod: &Value, node: &str) -> Result<(), ApiError> {
    let mut bound = pod.clone();
    bound["spec"]["nodeName"] = node.into();
    bound["status"] = pod_status::scheduled(pod, api.now());
    api.update_subresource(&PODS, bound, "binding").map(drop)
}

/// The containers have stopped: the pod says how it ended, and goes.
fn stop(api: &mut Api<'_>, pod: &Value) -> Result<(), ApiError> {
    if !pods::is_finished(pod) {
        let mut written = pod.clone();
        written["status"] = pod_status::stopped(pod, api.now());
        api.update_status(&PODS, written)?;
    }
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0,
        "preconditions": {"uid": object::uid(pod)},
    });
    api.delete(&PODS, Some(object::namespace(pod)), object::name(pod), &options).map(drop)
}
