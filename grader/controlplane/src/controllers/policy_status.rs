//! Tells what in policies does not fit the types of what they are about
//! (pkg/controller/validatingadmissionpolicystatus).

use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::{Change, ResourceId};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const POLICIES: ResourceId = ResourceId::known("admissionregistration.k8s.io", "validatingadmissionpolicies");

/// Writes `status.typeChecking` of ValidatingAdmissionPolicies, once for each of their generations.
#[derive(Debug)]
pub struct PolicyStatus {
    reaction: SignedDuration,
    queue: WorkQueue<String>,
}

impl PolicyStatus {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, queue: WorkQueue::default() }
    }
}

impl Controller for PolicyStatus {
    fn name(&self) -> &'static str {
        "validatingadmissionpolicy-status-controller"
    }

    fn manager(&self) -> &'static str {
        "validatingadmissionpolicy-status"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == POLICIES
            && let Some(policy) = &change.new
        {
            self.queue.add(object::name(policy).to_owned(), later(change.at, self.reaction));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(name) = self.queue.pop(now) {
            let visit = unless_gone(sync(api, &name));
            self.queue.finish(name, visit.map(|_| None), now);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

fn sync(api: &mut Api<'_>, name: &str) -> Result<(), ApiError> {
    let Some(policy) = api.get(&POLICIES, None, name) else { return Ok(()) };
    let generation = fields::int(&policy, "/metadata/generation").unwrap_or_default();
    if generation <= fields::int(&policy, "/status/observedGeneration").unwrap_or_default() {
        return Ok(());
    }
    let warnings = api.type_warnings(&policy);
    let checked = if warnings.is_empty() { json!({}) } else { json!({"expressionWarnings": warnings}) };
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name}, "status": {"observedGeneration": generation, "typeChecking": checked},
    });
    api.apply_status(&POLICIES, None, &configuration).map(drop)
}
