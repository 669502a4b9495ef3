//! When what endpoints show has changed, for those who measure how long that takes
//! (k8s.io/endpointslice/util/trigger_time_tracker.go).

use crate::controllers::fields;
use crate::controllers::owners::Key;
use crate::object;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

const ANNOTATION: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// The times of the changes that were published last, by Service.
#[derive(Debug, Default)]
pub(super) struct TriggerTimes {
    known: BTreeMap<Key, Known>,
}

#[derive(Debug, Default)]
struct Known {
    service: Option<Timestamp>,
    pods: BTreeMap<String, Timestamp>,
}

impl TriggerTimes {
    /// The first change since the last call; nothing when there is none.
    pub(super) fn latest(
        &mut self,
        key: &Key,
        service: &Value,
        selected: &[Arc<Value>],
    ) -> Option<Timestamp> {
        let is_new = !self.known.contains_key(key);
        let known = self.known.entry(key.clone()).or_default();
        let created = fields::time(service, "/metadata/creationTimestamp");
        let ready = selected.iter().filter_map(|pod| {
            let since = fields::time(fields::condition(pod, "Ready")?, "/lastTransitionTime")?;
            Some((object::name(pod).to_owned(), since))
        });
        let ready: BTreeMap<String, Timestamp> = ready.collect();
        let changed =
            ready.iter().filter(|(name, since)| known.pods.get(*name).is_none_or(|last| *since > last));
        let first = changed.map(|(_, since)| *since).chain(created.filter(|_| created > known.service)).min();
        *known = Known { service: created, pods: ready };
        if is_new { created } else { first }
    }

    pub(super) fn forget(&mut self, key: &Key) {
        self.known.remove(key);
    }
}

/// Writes the time into annotations, or takes an older one away.
pub(super) fn annotate(annotations: &mut Map<String, Value>, trigger: Option<Timestamp>) {
    match trigger {
        Some(at) => annotations.insert(ANNOTATION.into(), at.to_string().into()),
        None => annotations.remove(ANNOTATION),
    };
}
