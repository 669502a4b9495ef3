//! ClusterRoles that gather the rules of others
//! (pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go).

use super::work_queue::{WorkQueue, later};
use super::{Api, Controller};
use crate::access::rbac::CLUSTER_ROLES;
use crate::object;
use crate::selector::label::LabelSelector;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Writes into every ClusterRole with an `aggregationRule` the rules of those that it selects.
#[derive(Debug)]
pub struct ClusterRoleAggregation {
    reaction: SignedDuration,
    /// All of them at once, since each may depend on any other.
    queue: WorkQueue<()>,
}

impl ClusterRoleAggregation {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, queue: WorkQueue::default() }
    }
}

impl Controller for ClusterRoleAggregation {
    fn name(&self) -> &'static str {
        "clusterrole-aggregation-controller"
    }

    fn manager(&self) -> &'static str {
        "clusterrole-aggregation-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == CLUSTER_ROLES {
            self.queue.add((), later(change.at, self.reaction));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while self.queue.pop(now).is_some() {
            let roles = api.list(&CLUSTER_ROLES, None);
            let mut failed = false;
            for role in roles.iter().filter(|role| role.get("aggregationRule").is_some()) {
                let Some(gathered) = gather(role, &roles) else { continue };
                if role["rules"].as_array().is_some_and(|rules| *rules == gathered)
                    || (role["rules"].is_null() && gathered.is_empty())
                {
                    continue;
                }
                let configuration = json!({
                    "apiVersion": role["apiVersion"], "kind": role["kind"],
                    "metadata": {"name": object::name(role)}, "rules": gathered,
                });
                failed |= api.apply(&CLUSTER_ROLES, None, &configuration).is_err();
            }
            if failed {
                self.queue.retry((), now);
            } else {
                self.queue.forget(&());
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

/// Every rule of the selected roles once, by selector and then by name. None for a selector that makes no sense.
fn gather(role: &Value, roles: &[std::sync::Arc<Value>]) -> Option<Vec<Value>> {
    let mut gathered: Vec<Value> = Vec::new();
    let mut known: HashSet<&Value> = HashSet::new();
    let mut others: Vec<_> = roles.iter().filter(|other| object::name(other) != object::name(role)).collect();
    let selectors = role.pointer("/aggregationRule/clusterRoleSelectors").and_then(Value::as_array);
    for selector in selectors.into_iter().flatten() {
        let selector = LabelSelector::from_value(Some(selector)).ok()?;
        // What one selector has selected, another one adds nothing to.
        for other in others.extract_if(.., |other| selector.matches_object(other)) {
            let rules = other["rules"].as_array().into_iter().flatten();
            gathered.extend(rules.filter(|rule| known.insert(rule)).cloned());
        }
    }
    Some(gathered)
}
