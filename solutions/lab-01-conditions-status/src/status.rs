//! From what one visit saw to what the user reads. No requests, no effects: the same facts give the same status.

use k8s_openapi::{
    api::apps::v1::StatefulSet,
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use postgres_operator::{Error, Phase, children};

use crate::{
    api::{Database, DatabaseStatus},
    conditions,
};

/// Whether as many servers as wanted accept connections.
pub const READY: &str = "Ready";
/// Whether the operator is still on its way to what the spec asks for.
pub const PROGRESSING: &str = "Progressing";
/// Whether the operator is stuck, and with what.
pub const FAILED: &str = "Failed";

/// What one visit saw.
pub struct Seen<'a> {
    /// The generation of the Database that the visit acted on.
    pub generation: i64,
    /// How many servers that generation asks for.
    pub wanted: i32,
    /// The StatefulSet as it is, if there is one.
    pub stateful_set: Option<&'a StatefulSet>,
    /// What kept the visit from writing the children, if anything did.
    pub failure: Option<&'a Error>,
}

// ANCHOR: derive
/// The status that `database` should have, given what a visit saw. Keeps what belongs to others, and the times of
/// conditions whose status stays.
pub fn derive(database: &Database, seen: &Seen<'_>) -> DatabaseStatus {
    let mut status = database.status.clone().unwrap_or_default();
    if seen.failure.is_none() {
        // Only now: a generation counts as observed when its children are written, not when the visit begins.
        status.observed_generation = Some(seen.generation);
    }
    let failed = failed(seen);
    let progressing = if failed.status == "True" { failed.but("False") } else { progressing(seen) };
    let findings = [
        (READY, ready(seen), status.observed_generation),
        (PROGRESSING, progressing, status.observed_generation),
        // A failure is about the generation that could not be written, which is not an observed one.
        (FAILED, failed, Some(seen.generation)),
    ];
    for (type_, finding, observed_generation) in findings {
        let condition = Condition {
            type_: type_.to_owned(),
            status: finding.status.to_owned(),
            reason: finding.reason,
            message: finding.message,
            observed_generation,
            last_transition_time: Time(Timestamp::now()),
        };
        conditions::set(&mut status.conditions, condition);
    }
    summarize(&mut status, database, seen);
    status
}
// ANCHOR_END: derive

/// The fields beside the conditions. They repeat what the conditions say, for people and for `kubectl get`.
fn summarize(status: &mut DatabaseStatus, database: &Database, seen: &Seen<'_>) {
    let is_true = |type_| conditions::is_true(&status.conditions, type_);
    let (ready, failed) = (is_true(READY), is_true(FAILED));
    status.ready = Some(ready);
    status.phase = Some(match (failed, ready) {
        (true, _) => Phase::Failed,
        (false, true) => Phase::Ready,
        (false, false) => Phase::Provisioning,
    });
    let stateful_set = seen.stateful_set.and_then(|stateful_set| stateful_set.status.as_ref());
    status.replicas = Some(stateful_set.map_or(0, |stateful_set| stateful_set.replicas));
    status.endpoint = Some(children::endpoint(database));
    status.secret_name = Some(children::secret_name(database));
}

/// What a condition will say.
struct Finding {
    status: &'static str,
    reason: String,
    message: String,
}

impl Finding {
    fn yes(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: "True", reason: reason.into(), message: message.into() }
    }

    fn no(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: "False", ..Self::yes(reason, message) }
    }

    fn unknown(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: "Unknown", ..Self::yes(reason, message) }
    }

    /// The same reason and message under another status.
    fn but(&self, status: &'static str) -> Self {
        Self { status, reason: self.reason.clone(), message: self.message.clone() }
    }
}

//= exercise 3
/// Compares with what the Database wants, not with what the StatefulSet wants: only then is "enough" enough.
fn ready(seen: &Seen<'_>) -> Finding {
    let Some(stateful_set) = seen.stateful_set else {
        return Finding::no("StatefulSetMissing", "the StatefulSet does not exist yet");
    };
    let wanted = seen.wanted;
    match ready_replicas(stateful_set) {
        None => Finding::unknown("StatefulSetNotObserved", "the StatefulSet's status is older than its spec"),
        Some(ready) if ready < wanted => {
            Finding::no("ReplicasNotReady", format!("{ready} of {wanted} replicas are ready"))
        }
        Some(_) => Finding::yes("ReplicasReady", format!("{wanted} of {wanted} replicas are ready")),
    }
}

// ANCHOR: ready-replicas
/// `None` while the StatefulSet's controller has not seen its latest spec: until then its status speaks about
/// another one.
fn ready_replicas(stateful_set: &StatefulSet) -> Option<i32> {
    let status = stateful_set.status.as_ref()?;
    let is_current = status.observed_generation >= stateful_set.metadata.generation;
    is_current.then(|| status.ready_replicas.unwrap_or(0))
}
// ANCHOR_END: ready-replicas

/// Done only when all servers are there, ready, and run what the spec says now, and no surplus one is left.
fn progressing(seen: &Seen<'_>) -> Finding {
    let wanted = seen.wanted;
    let Some((stateful_set, ready)) = seen.stateful_set.and_then(|it| Some((it, ready_replicas(it)?))) else {
        return Finding::yes("StatefulSetNotObserved", "the StatefulSet does not run the latest spec yet");
    };
    let (exist, updated) = match &stateful_set.status {
        Some(status) => (status.replicas, status.updated_replicas.unwrap_or(0)),
        None => (0, 0),
    };
    if (exist, updated, ready) == (wanted, wanted, wanted) {
        return Finding::no("RolloutComplete", format!("{wanted} of {wanted} replicas run the latest spec"));
    }
    let message = format!("{updated} of {wanted} replicas run the latest spec, {ready} are ready");
    Finding::yes("RollingOut", message)
}
//= instead
//| // TODO (01.3): believe the StatefulSet only as far as it can be believed. Now one replica that was ready at some
//| // time is enough. Ready: True when at least `seen.wanted` replicas are ready. Progressing: True until exactly that
//| // many exist, are ready and run the latest spec. Neither is settled while the StatefulSet's controller has not seen
//| // its latest spec. Reasons tell these cases apart; messages give the numbers.
//| // Done when: `grader check lab-01 --exercise 3`. About 30 lines. Stuck? `grader hint lab-01 3`.
//| fn ready(seen: &Seen<'_>) -> Finding {
//|     let status = seen.stateful_set.and_then(|stateful_set| stateful_set.status.as_ref());
//|     match status.and_then(|status| status.ready_replicas).unwrap_or(0) {
//|         0 => Finding::no("NoReplicaReady", format!("none of {} replicas is ready", seen.wanted)),
//|         _ => Finding::yes("ReplicaReady", "a replica is ready"),
//|     }
//| }
//|
//| fn progressing(seen: &Seen<'_>) -> Finding {
//|     match ready(seen).status {
//|         "True" => Finding::no("ReplicaReady", "a replica is ready"),
//|         _ => Finding::yes("NoReplicaReady", "waiting for the first replica"),
//|     }
//| }
//= end

/// Says what failed and why, in words that stay the same as long as the cause does.
fn failed(seen: &Seen<'_>) -> Finding {
    match seen.failure {
        None => Finding::no("NoFailure", "all that the spec asks for could be written"),
        //= exercise 5
        Some(error) => Finding::yes(reason(error), format!("{error}: {}", error.cause())),
        //= instead
        //| // Exercise 01.5 continues here: Failed is True, with a CamelCase reason that stays the same as long as the
        //| // cause does, and a message that names the child and repeats what the API server answered.
        //| Some(_) => Finding::unknown("NotReported", "the operator does not say what failed"),
        //= end
    }
}
//= exercise 5

// ANCHOR: reason
/// The API server's own reason, such as `Forbidden`, is as stable as a reason can be. One that is no word comes from
/// something in between that does not speak Kubernetes.
fn reason(error: &Error) -> &str {
    match &error.source {
        kube::Error::Api(answer) if is_word(&answer.reason) => &answer.reason,
        _ => "RequestFailed",
    }
}
// ANCHOR_END: reason

fn is_word(reason: &str) -> bool {
    reason.starts_with(|first: char| first.is_ascii_uppercase())
        && reason.chars().all(|c| c.is_ascii_alphanumeric())
}
//= end
