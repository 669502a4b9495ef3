//! PodDisruptionBudgets: how many pods may go at the moment (pkg/controller/disruption).

use super::known::{
    DEPLOYMENTS, DISRUPTION_BUDGETS, PODS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS,
};
use super::owners::{self, Key};
use super::recorder::{EventType, Recorder};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, pods};
use crate::custom_resources::scale::ScalePaths;
use crate::error::ApiError;
use crate::go_text;
use crate::object;
use crate::selector::LabelSelector;
use crate::store::{Change, ResourceId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A pod that was evicted but is still there after this long will not go.
const DELETION_TIMEOUT: SignedDuration = SignedDuration::from_mins(2);
/// The workloads whose pods a budget can count by what they want.
const WORKLOADS: [&ResourceId; 4] = [&DEPLOYMENTS, &REPLICA_SETS, &REPLICATION_CONTROLLERS, &STATEFUL_SETS];

/// Keeps the status of PodDisruptionBudgets.
///
/// # Guarantees
/// Without a budget nothing is remembered or looked at.
#[derive(Debug)]
pub struct DisruptionBudgets {
    reaction: SignedDuration,
    selectors: BTreeMap<Key, LabelSelector>,
    queue: WorkQueue<Key>,
    recorder: Recorder,
}

/// What a budget asks for.
struct Expected {
    pods: i64,
    healthy: i64,
    /// Pods without a workload, where the budget counts by workloads.
    unmanaged: bool,
}

impl DisruptionBudgets {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self {
            reaction,
            selectors: BTreeMap::new(),
            queue: WorkQueue::default(),
            recorder: Recorder::new("controllermanager"),
        }
    }

    /// The answer is when the budget wants another look, if nothing changes before.
    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<Option<Timestamp>, ApiError> {
        let Some(budget) = api.get(&DISRUPTION_BUDGETS, Some(&key.0), &key.1) else { return Ok(None) };
        let covered = self.covered(api, key);
        if covered.is_empty() {
            self.recorder.record(api, &budget, EventType::Normal, "NoPods", "No matching pods found");
        }
        let expected = match expected(api, &budget, &covered) {
            Ok(expected) => expected,
            Err(why) => {
                let message = format!("Failed to calculate the number of expected pods: {why}");
                let reason = "CalculateExpectedPodCountFailed";
                self.recorder.record(api, &budget, EventType::Warning, reason, &message);
                return fail_safe(api, &budget, &why).map(|()| None);
            }
        };
        if expected.unmanaged {
            let selector = LabelSelector::from_value(budget.pointer("/spec/selector")).unwrap_or_default();
            let message = format!(
                "Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. As a \
                 result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. \
                 To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value."
            );
            self.recorder.record(api, &budget, EventType::Warning, "UnmanagedPods", &message);
        }
        let (disrupted, recheck) = disrupted(&budget, &covered, api.now());
        let healthy = covered.iter().filter(|pod| {
            !object::is_deleting(pod) && !disrupted.contains_key(object::name(pod)) && pods::is_ready(pod)
        });
        let healthy = i64::try_from(healthy.count()).unwrap_or(i64::MAX);
        let status = status(&budget, &expected, healthy, disrupted, api.now());
        if status != budget["status"] {
            let mut written = (*budget).clone();
            written["status"] = status;
            api.update_status(&DISRUPTION_BUDGETS, written)?;
        }
        Ok(recheck)
    }

    fn covered(&self, api: &Api<'_>, key: &Key) -> Vec<Arc<Value>> {
        let Some(selector) = self.selectors.get(key) else { return Vec::new() };
        let pods = api.list(&PODS, Some(&key.0));
        pods.into_iter().filter(|pod| selector.matches_object(pod)).collect()
    }

    fn observe_budget(&mut self, change: &Change) {
        let key = owners::key(change.object());
        let Some(budget) = &change.new else {
            self.selectors.remove(&key);
            return;
        };
        let selector = LabelSelector::from_value(budget.pointer("/spec/selector"));
        self.selectors.insert(key.clone(), selector.unwrap_or_default());
        self.queue.add(key, later(change.at, self.reaction));
    }

    fn observe_pod(&mut self, change: &Change) {
        if self.selectors.is_empty() {
            return;
        }
        let namespace = object::namespace(change.object());
        let first = (namespace.to_owned(), String::new());
        let budgets =
            self.selectors.range(first..).take_while(|((in_namespace, _), _)| in_namespace == namespace);
        let due = later(change.at, self.reaction);
        for (budget, selector) in budgets {
            if change.old.iter().chain(&change.new).any(|pod| selector.matches_object(pod)) {
                self.queue.add(budget.clone(), due);
            }
        }
    }

    /// Budgets count by what workloads want.
    fn observe_workload(&mut self, change: &Change) {
        let replicas =
            |object: Option<&Arc<Value>>| object.and_then(|object| fields::int(object, "/spec/replicas"));
        if self.selectors.is_empty() || replicas(change.old.as_ref()) == replicas(change.new.as_ref()) {
            return;
        }
        let namespace = object::namespace(change.object());
        let first = (namespace.to_owned(), String::new());
        let budgets =
            self.selectors.range(first..).take_while(|((in_namespace, _), _)| in_namespace == namespace);
        for (budget, _) in budgets {
            self.queue.add(budget.clone(), later(change.at, self.reaction));
        }
    }
}

impl Controller for DisruptionBudgets {
    fn name(&self) -> &'static str {
        "disruption-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == DISRUPTION_BUDGETS {
            self.observe_budget(change);
        } else if change.resource == PODS {
            self.observe_pod(change);
        } else if WORKLOADS.contains(&&change.resource) {
            self.observe_workload(change);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(key) = self.queue.pop(now) {
            match self.sync(api, &key) {
                Ok(again) => {
                    self.queue.forget(&key);
                    if let Some(again) = again {
                        self.queue.add(key, again);
                    }
                }
                Err(error) if error.is_not_found() => self.queue.forget(&key),
                Err(_) => self.queue.retry(key, now),
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

/// # Errors
/// Why the number of pods is not known.
fn expected(api: &Api<'_>, budget: &Value, covered: &[Arc<Value>]) -> Result<Expected, String> {
    let count = i64::try_from(covered.len()).unwrap_or(i64::MAX);
    let (most, least) = (&budget["spec"]["maxUnavailable"], &budget["spec"]["minAvailable"]);
    if !most.is_null() {
        let (pods, unmanaged) = wanted(api, covered)?;
        let healthy = (pods - scaled(most, pods)?).max(0);
        return Ok(Expected { pods, healthy, unmanaged });
    }
    match least {
        Value::Null => Ok(Expected { pods: 0, healthy: 0, unmanaged: false }),
        Value::String(_) => {
            let (pods, unmanaged) = wanted(api, covered)?;
            Ok(Expected { pods, healthy: scaled(least, pods)?, unmanaged })
        }
        number => {
            Ok(Expected { pods: count, healthy: number.as_i64().unwrap_or_default(), unmanaged: false })
        }
    }
}

/// `3`, or `25%` of a number, rounded up.
fn scaled(value: &Value, of: i64) -> Result<i64, String> {
    let Value::String(text) = value else { return Ok(value.as_i64().unwrap_or_default()) };
    let percent = text.strip_suffix('%').and_then(|digits| digits.parse::<i64>().ok());
    let percent = percent.ok_or_else(|| {
        format!("invalid value for IntOrString: invalid value {}: strconv.Atoi", go_text::quote(text))
    })?;
    Ok((percent.saturating_mul(of) + 99).div_euclid(100))
}

/// How many pods the workloads of these pods want, each counted once, and whether there are pods without one.
fn wanted(api: &Api<'_>, covered: &[Arc<Value>]) -> Result<(i64, bool), String> {
    let mut seen = BTreeSet::new();
    let (mut total, mut unmanaged) = (0, false);
    for pod in covered {
        let Some(reference) = owners::controller_of(pod) else {
            unmanaged = true;
            continue;
        };
        let uid = fields::text(reference, "/uid");
        if !seen.insert(uid.to_owned()) {
            continue;
        }
        let workload = workload(api, object::namespace(pod), reference)
            .ok_or_else(|| format!("found no controllers for pod {}", go_text::quote(object::name(pod))))?;
        if seen.insert(format!("workload {}", object::uid(&workload))) {
            total += replicas(api, &workload)?;
        }
    }
    Ok((total, unmanaged))
}

/// The workload that an owner reference leads to; a Deployment instead of its ReplicaSet.
fn workload(api: &Api<'_>, namespace: &str, reference: &Value) -> Option<Arc<Value>> {
    let text = |key: &str| reference[key].as_str().unwrap_or_default();
    let (resource, _) = api.resource_of(text("apiVersion"), text("kind"))?;
    let owner = api.get(&resource, Some(namespace), text("name"))?;
    if object::uid(&owner) != text("uid") {
        return None;
    }
    let above = owners::controller_of(&owner).filter(|_| resource == REPLICA_SETS);
    let above = above.filter(|above| above["kind"] == "Deployment");
    match above.and_then(|above| workload(api, namespace, above)) {
        Some(deployment) => Some(deployment),
        None => Some(owner),
    }
}

/// How many pods a workload wants, through its Scale when it is a custom one.
fn replicas(api: &Api<'_>, workload: &Value) -> Result<i64, String> {
    let (version, kind) = (object::api_version(workload), object::kind(workload));
    let known = api.resource_of(version, kind).is_some_and(|(resource, _)| WORKLOADS.contains(&&resource));
    if known {
        return Ok(fields::int(workload, "/spec/replicas").unwrap_or(1));
    }
    let paths: Option<ScalePaths> = api.scale_of(version, kind);
    let paths = paths.ok_or_else(|| {
        let (resource, name) = (kind, object::name(workload));
        format!("{resource} {} does not implement the scale subresource", go_text::quote(name))
    })?;
    Ok(paths.spec_replicas_of(workload)?.unwrap_or(0))
}

/// The evicted pods that are still expected to go, and when the next of them is given up.
fn disrupted(
    budget: &Value,
    covered: &[Arc<Value>],
    now: Timestamp,
) -> (BTreeMap<String, Timestamp>, Option<Timestamp>) {
    let evicted = fields::map(budget, "/status/disruptedPods");
    let still = covered.iter().filter(|pod| !object::is_deleting(pod)).filter_map(|pod| {
        let name = object::name(pod);
        let at: Timestamp = evicted?.get(name)?.as_str()?.parse().ok()?;
        (later(at, DELETION_TIMEOUT) > now).then(|| (name.to_owned(), at))
    });
    let still: BTreeMap<String, Timestamp> = still.collect();
    let recheck = still.values().map(|at| later(*at, DELETION_TIMEOUT)).min();
    (still, recheck)
}

fn status(
    budget: &Value,
    expected: &Expected,
    healthy: i64,
    disrupted: BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Value {
    let allowed = if expected.pods <= 0 { 0 } else { (healthy - expected.healthy).max(0) };
    let generation = object::generation(budget);
    let (value, reason) =
        if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let mut status = json!({
        "disruptionsAllowed": allowed, "currentHealthy": healthy, "desiredHealthy": expected.healthy,
        "expectedPods": expected.pods, "observedGeneration": generation,
        "conditions": with_condition(budget, value, reason, "", generation, now),
    });
    if !disrupted.is_empty() {
        let times = disrupted.into_iter().map(|(name, at)| (name, Value::from(object::time(at))));
        status["disruptedPods"] = times.collect::<Map<String, Value>>().into();
    }
    status
}

/// Nothing may be evicted while the numbers are not known.
fn fail_safe(api: &mut Api<'_>, budget: &Value, why: &str) -> Result<(), ApiError> {
    let mut written = budget.clone();
    let observed = fields::int(budget, "/status/observedGeneration").unwrap_or_default();
    let conditions = with_condition(budget, "False", "SyncFailed", why, observed, api.now());
    written["status"]["disruptionsAllowed"] = 0.into();
    written["status"]["conditions"] = conditions.into();
    if written["status"] == budget["status"] {
        return Ok(());
    }
    api.update_status(&DISRUPTION_BUDGETS, written).map(drop)
}

/// The conditions with `DisruptionAllowed` set; its time moves only with its status.
fn with_condition(
    budget: &Value,
    value: &str,
    reason: &str,
    message: &str,
    generation: i64,
    now: Timestamp,
) -> Vec<Value> {
    let mut conditions = fields::items(budget, "/status/conditions").to_vec();
    let mut condition = json!({
        "type": "DisruptionAllowed", "status": value, "reason": reason, "message": message,
        "lastTransitionTime": object::time(now),
    });
    if generation != 0 {
        condition["observedGeneration"] = generation.into();
    }
    match conditions.iter_mut().find(|condition| condition["type"] == "DisruptionAllowed") {
        Some(old) => {
            if old["status"] == condition["status"] {
                condition["lastTransitionTime"] = old["lastTransitionTime"].clone();
            }
            *old = condition;
        }
        None => conditions.push(condition),
    }
    conditions
}
