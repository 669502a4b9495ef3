//! One step towards the set that is wanted (pkg/controller/statefulset/stateful_set_control.go).

use super::revisions::{self, Revisions};
use super::status::{Status, is_running_and_ready};
use super::{Visit, claims, identity, min_ready_seconds};
use crate::controllers::known::PODS;
use crate::controllers::unless_gone;
use crate::controllers::{fields, pods};
use crate::error::ApiError;
use crate::object;
use serde_json::Value;
use std::ops::ControlFlow;
use std::sync::Arc;

/// `Break(Ok)`: enough for this visit, something has to happen first.
type Step = ControlFlow<Result<(), ApiError>>;

/// One pod of the set, there or to be made.
struct Replica {
    ordinal: i64,
    pod: Option<Arc<Value>>,
}

/// Makes, repairs and removes pods as far as their state allows. The status counts the pods that were there, whether
/// or not the step succeeded.
pub(super) fn advance(
    visit: &mut Visit<'_, '_>,
    revisions: &Revisions,
    pods: &[Arc<Value>],
) -> (Status, Result<(), ApiError>) {
    let set = visit.set;
    let range = identity::ordinals(set);
    let numbered = || pods.iter().filter_map(|pod| Some((identity::ordinal(pod)?, pod)));
    let replicas: Vec<Replica> = range
        .clone()
        .map(|ordinal| {
            let pod = numbered().find(|(number, _)| *number == ordinal).map(|(_, pod)| pod.clone());
            Replica { ordinal, pod }
        })
        .collect();
    let mut condemned: Vec<Replica> = numbered()
        .filter(|(ordinal, _)| !range.contains(ordinal))
        .map(|(ordinal, pod)| Replica { ordinal, pod: Some(pod.clone()) })
        .collect();
    condemned.sort_by_key(|replica| std::cmp::Reverse(replica.ordinal));

    let mut status = Status::count(set, revisions, pods.iter().map(Arc::as_ref), visit.api.now());
    if object::is_deleting(set) {
        return (status, Ok(()));
    }
    let mut step = || -> Step {
        for_all(visit, &replicas, |visit, replica| settle(visit, revisions, replica))?;
        for_all(visit, &condemned, |visit, replica| {
            go_on(claims::settle_owners(visit, replica.pod.as_deref(), replica.ordinal))
        })?;
        let waiting_for = first_unavailable(visit, &replicas, &condemned);
        for_all(visit, &condemned, |visit, replica| remove(visit, replica, waiting_for))?;
        replace_outdated(visit, revisions, &replicas, &mut status)
    };
    match step() {
        ControlFlow::Continue(()) => (status, Ok(())),
        ControlFlow::Break(done) => (status, done),
    }
}

fn go_on(done: Result<(), ApiError>) -> Step {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(Err(error)),
    }
}

fn is_ordered(set: &Value) -> bool {
    set["spec"]["podManagementPolicy"] != "Parallel"
}

/// One after the other while each lets us; in a Parallel set in growing batches until one has a failure.
fn for_all<'a>(
    visit: &mut Visit<'_, '_>,
    replicas: &'a [Replica],
    mut act: impl FnMut(&mut Visit<'_, '_>, &'a Replica) -> Step,
) -> Step {
    if is_ordered(visit.set) {
        return replicas.iter().try_for_each(|replica| act(visit, replica));
    }
    let (mut rest, mut size) = (replicas, 1);
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(size.min(rest.len()));
        let mut failure = None;
        for replica in batch {
            if let ControlFlow::Break(Err(error)) = act(visit, replica) {
                failure.get_or_insert(error);
            }
        }
        if let Some(error) = failure {
            return ControlFlow::Break(Err(error));
        }
        (rest, size) = (after, size * 2);
    }
    ControlFlow::Continue(())
}

/// Brings one wanted pod into being, and to what it should be.
fn settle(visit: &mut Visit<'_, '_>, revisions: &Revisions, replica: &Replica) -> Step {
    const WAIT: Step = ControlFlow::Break(Ok(()));
    let ordered = is_ordered(visit.set);
    let Some(pod) = &replica.pod else {
        if claims::are_stale(visit, replica.ordinal) {
            return WAIT;
        }
        go_on(create(visit, revisions, replica.ordinal))?;
        return if ordered { WAIT } else { ControlFlow::Continue(()) };
    };
    if pods::is_finished(pod) {
        if !object::is_deleting(pod) {
            go_on(delete(visit, pod))?;
        }
        return WAIT;
    }
    if pods::phase(pod) == "Pending" {
        let claimed = claims::create_missing(visit, replica.ordinal)
            .and_then(|()| claims::settle_owners(visit, Some(pod), replica.ordinal));
        go_on(claimed)?;
    }
    let available = pods::is_available(pod, min_ready_seconds(visit.set), visit.api.now());
    let settled = !object::is_deleting(pod) && is_running_and_ready(pod) && available;
    if ordered && !settled {
        return WAIT;
    }
    go_on(repair(visit, pod, replica.ordinal))
}

fn create(visit: &mut Visit<'_, '_>, revisions: &Revisions, ordinal: i64) -> Result<(), ApiError> {
    let name = identity::pod_name(visit.set, ordinal);
    if let Err(error) = claims::create_missing(visit, ordinal) {
        visit.record_pod("Create", &name, Err(&error));
        return Err(error);
    }
    let revision = if keeps_current(visit.set, ordinal) { &revisions.current } else { &revisions.update };
    let pod = identity::new_pod(visit.set, &revisions::template(revision), object::name(revision), ordinal);
    let namespace = visit.namespace().to_owned();
    let created = visit.api.create(&PODS, Some(&namespace), pod);
    if let Err(error) = &created
        && error.is_already_exists()
    {
        return created.map(drop);
    }
    claims::settle_owners(visit, created.as_deref().ok(), ordinal).inspect_err(|error| {
        visit.record_pod("Update", &name, Err(error));
    })?;
    visit.record_pod("Create", &name, created.as_ref().map(drop));
    created.map(drop)
}

/// Whether a pod of that number, when it is made anew, still gets the template from before the rollout.
fn keeps_current(set: &Value, ordinal: i64) -> bool {
    let start = identity::ordinals(set).start;
    match fields::int(set, "/spec/updateStrategy/rollingUpdate/partition") {
        Some(partition) => ordinal < start + partition,
        None if set["spec"]["updateStrategy"]["type"] == "RollingUpdate" => {
            ordinal < start + fields::int(set, "/status/currentReplicas").unwrap_or_default()
        }
        None => false,
    }
}

/// Gives a pod that is there its labels and its claims their owners.
fn repair(visit: &mut Visit<'_, '_>, pod: &Arc<Value>, ordinal: i64) -> Result<(), ApiError> {
    claims::settle_owners(visit, Some(pod), ordinal)?;
    if identity::matches(pod) {
        return Ok(());
    }
    let name = object::name(pod);
    let mut repaired = (**pod).clone();
    identity::identify(&mut repaired, name, ordinal);
    let done = visit.api.update(&PODS, repaired).map(drop);
    visit.record_pod("Update", name, done.as_ref().copied());
    done
}

fn delete(visit: &mut Visit<'_, '_>, pod: &Value) -> Result<(), ApiError> {
    let namespace = visit.namespace().to_owned();
    let deleted = visit.api.delete(&PODS, Some(&namespace), object::name(pod), &Value::Null);
    let done = unless_gone(deleted).map(drop);
    visit.record_pod("Delete", object::name(pod), done.as_ref().copied());
    done
}

fn is_unavailable(visit: &Visit<'_, '_>, replica: &Replica) -> bool {
    replica.pod.as_ref().is_none_or(|pod| {
        object::is_deleting(pod) || !pods::is_available(pod, min_ready_seconds(visit.set), visit.api.now())
    })
}

/// The pod that others wait for: the first of those wanted, else the lowest of those to go.
fn first_unavailable<'a>(
    visit: &Visit<'_, '_>,
    replicas: &'a [Replica],
    condemned: &'a [Replica],
) -> Option<&'a Replica> {
    replicas.iter().chain(condemned.iter().rev()).find(|replica| is_unavailable(visit, replica))
}

/// Removes a pod beyond the wanted number; in an ordered set only the highest, and while all others are well.
fn remove(visit: &mut Visit<'_, '_>, replica: &Replica, waiting_for: Option<&Replica>) -> Step {
    const WAIT: Step = ControlFlow::Break(Ok(()));
    let ordered = is_ordered(visit.set);
    let Some(pod) = &replica.pod else { return ControlFlow::Continue(()) };
    if object::is_deleting(pod) {
        return if ordered { WAIT } else { ControlFlow::Continue(()) };
    }
    let is_the_first = waiting_for.is_some_and(|first| first.ordinal == replica.ordinal);
    if ordered && is_unavailable(visit, replica) && !is_the_first {
        return WAIT;
    }
    go_on(delete(visit, pod))?;
    if ordered { WAIT } else { ControlFlow::Continue(()) }
}

/// Deletes the highest pod that has an outdated template, when all above it are well again.
fn replace_outdated(
    visit: &mut Visit<'_, '_>,
    revisions: &Revisions,
    replicas: &[Replica],
    status: &mut Status,
) -> Step {
    if visit.set["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return ControlFlow::Continue(());
    }
    let partition =
        fields::int(visit.set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or_default();
    let from = usize::try_from(partition).unwrap_or_default().min(replicas.len());
    for replica in replicas[from..].iter().rev() {
        if let Some(pod) = &replica.pod
            && identity::revision(pod) != object::name(&revisions.update)
            && !object::is_deleting(pod)
        {
            go_on(delete(visit, pod))?;
            status.current -= 1;
            return ControlFlow::Continue(());
        }
        if is_unavailable(visit, replica) {
            return ControlFlow::Continue(());
        }
    }
    ControlFlow::Continue(())
}
