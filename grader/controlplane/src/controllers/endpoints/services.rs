//! Which Services a pod may belong to.

use super::trigger_times::TriggerTimes;
use crate::controllers::known::{PODS, SERVICES};
use crate::controllers::owners::{self, Key};
use crate::controllers::work_queue::{WorkQueue, later};
use crate::controllers::{Api, fields, pods};
use crate::object;
use crate::selector::LabelSelector;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The Services that select pods.
///
/// # Guarantees
/// A pod is only held against the Services of its namespace, and only when something about it changed that they
/// publish.
#[derive(Debug, Default)]
pub(super) struct Services {
    selectors: BTreeMap<Key, LabelSelector>,
}

impl Services {
    /// Notes a change of a Service.
    fn observe(&mut self, change: &Change) {
        let key = owners::key(change.object());
        let selector = change.new.as_deref().filter(|service| service["spec"]["type"] != "ExternalName");
        match selector.and_then(|service| fields::map(service, "/spec/selector")) {
            Some(labels) => self.selectors.insert(key, LabelSelector::from_labels(labels)),
            None => self.selectors.remove(&key),
        };
    }

    /// Whether this Service is one that selects pods.
    fn selects_pods(&self, service: &Key) -> bool {
        self.selectors.contains_key(service)
    }

    /// The Services to which a change of a pod may matter.
    fn concerned(&self, change: &Change) -> Vec<Key> {
        if self.selectors.is_empty() || !is_visible(change) {
            return Vec::new();
        }
        let namespace = object::namespace(change.object());
        let first = (namespace.to_owned(), String::new());
        let services = self.selectors.range(first..).take_while(|((place, _), _)| place == namespace);
        let selecting = services.filter(|(_, selector)| {
            change.old.iter().chain(&change.new).any(|pod| selector.matches_object(pod))
        });
        selecting.map(|(service, _)| service.clone()).collect()
    }

    /// The pods of a Service; nothing when it selects none.
    pub(super) fn pods(&self, api: &Api<'_>, service: &Key) -> Option<Vec<Arc<Value>>> {
        let selector = self.selectors.get(service)?;
        let pods = api.list(&PODS, Some(&service.0));
        Some(pods.into_iter().filter(|pod| selector.matches_object(pod)).collect())
    }
}

/// The Services whose endpoints are to be looked at, and when.
#[derive(Debug)]
pub(super) struct DueServices {
    reaction: SignedDuration,
    pub(super) selecting: Services,
    pub(super) triggers: TriggerTimes,
    pub(super) queue: WorkQueue<Key>,
}

impl DueServices {
    /// Services become due `reaction` after a change.
    pub(super) fn new(reaction: SignedDuration) -> Self {
        Self {
            reaction,
            selecting: Services::default(),
            triggers: TriggerTimes::default(),
            queue: WorkQueue::default(),
        }
    }

    /// Notes a change of a Service or a pod.
    pub(super) fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        if change.resource == SERVICES {
            self.selecting.observe(change);
            self.queue.add(owners::key(change.object()), due);
        } else if change.resource == PODS {
            self.queue.add_all(self.selecting.concerned(change), due);
        }
    }

    /// Notes that somebody changed what is published for a Service.
    pub(super) fn observe_published(&mut self, service: Key, at: Timestamp) {
        if self.selecting.selects_pods(&service) {
            self.queue.add(service, later(at, self.reaction));
        }
    }
}

/// Whether an endpoint can tell the pods before and after the change apart.
fn is_visible(change: &Change) -> bool {
    let (Some(old), Some(new)) = (&change.old, &change.new) else { return true };
    let shown = |pod: &Value| (pods::is_ready(pod), pods::phase(pod).to_owned(), object::is_deleting(pod));
    shown(old) != shown(new)
        || old["metadata"]["labels"] != new["metadata"]["labels"]
        || old["metadata"]["uid"] != new["metadata"]["uid"]
        || old["status"]["podIPs"] != new["status"]["podIPs"]
        || old["spec"]["nodeName"] != new["spec"]["nodeName"]
}
