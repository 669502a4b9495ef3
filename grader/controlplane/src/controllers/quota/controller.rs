//! Counts what quotas limit, when something has gone or the limits are others.

use super::{scopes, usage};
use crate::controllers::known::{PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_QUOTAS, SERVICES};
use crate::controllers::owners::{self, Key};
use crate::controllers::unless_gone;
use crate::controllers::work_queue::{WorkQueue, later};
use crate::controllers::{Api, Controller, pods};
use crate::error::ApiError;
use crate::object;
use crate::store::{Change, ResourceId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How often every quota is counted again, whatever has happened: a status that somebody has changed is put right then
/// (`--resource-quota-sync-period`, which is five minutes unless somebody says otherwise; nobody learns from waiting).
const RECOUNT: SignedDuration = SignedDuration::from_secs(30);

/// Keeps the status of ResourceQuotas.
///
/// # Guarantees
/// New objects are charged when they are created; this controller gives back what deleted ones used. A namespace
/// without a quota costs nothing.
#[derive(Debug)]
pub struct ResourceQuotas {
    reaction: SignedDuration,
    quotas: BTreeSet<Key>,
    queue: WorkQueue<Key>,
    /// When all are counted again; never while there is none.
    recount: Option<Timestamp>,
}

impl ResourceQuotas {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, quotas: BTreeSet::new(), queue: WorkQueue::default(), recount: None }
    }

    fn sync(api: &mut Api<'_>, key: &Key) -> Result<(), ApiError> {
        let Some(quota) = api.get(&RESOURCE_QUOTAS, Some(&key.0), &key.1) else { return Ok(()) };
        let hard = usage::amounts(&quota["spec"]["hard"]);
        let resources: BTreeSet<ResourceId> = hard.keys().map(|name| usage::resource_of(name)).collect();
        let mut used: usage::Amounts =
            hard.keys().map(|name| (name.clone(), crate::builtins::quantity::Quantity::count(0))).collect();
        for resource in resources {
            let objects = api.list(&resource, Some(&key.0));
            for object in objects.iter().filter(|object| scopes::include(&quota, &resource, object)) {
                let mut amounts = usage::of(&resource, object);
                amounts.retain(|name, _| hard.contains_key(name));
                usage::add(&mut used, &amounts);
            }
        }
        let status = json!({"hard": quota["spec"]["hard"], "used": usage::to_value(&used)});
        if status == quota["status"] {
            return Ok(());
        }
        let mut written = (*quota).clone();
        written["status"] = status;
        api.update_status(&RESOURCE_QUOTAS, written).map(drop)
    }

    fn wake_all_of(&mut self, namespace: &str, due: Timestamp) {
        let first = (namespace.to_owned(), String::new());
        let quotas = self.quotas.range(first..).take_while(|(in_namespace, _)| in_namespace == namespace);
        for quota in quotas {
            self.queue.add(quota.clone(), due);
        }
    }
}

impl Controller for ResourceQuotas {
    fn name(&self) -> &'static str {
        "resourcequota-controller"
    }

    fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        if change.resource == RESOURCE_QUOTAS {
            let key = owners::key(change.object());
            let limits = |quota: Option<&Value>| quota.map(|quota| quota["spec"].clone());
            if change.new.is_none() {
                self.quotas.remove(&key);
                self.recount = self.recount.filter(|_| !self.quotas.is_empty());
            } else if limits(change.old.as_deref()) != limits(change.new.as_deref()) {
                self.quotas.insert(key.clone());
                self.recount.get_or_insert(change.at + RECOUNT);
                self.queue.add(key, due);
            }
        }
        if !self.quotas.is_empty() && frees(change) {
            self.wake_all_of(object::namespace(change.object()), due);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        if self.recount.is_some_and(|at| at <= now) {
            self.recount = Some(now + RECOUNT);
            for quota in &self.quotas {
                self.queue.add(quota.clone(), now);
            }
        }
        while let Some(key) = self.queue.pop(now) {
            let visit = unless_gone(Self::sync(api, &key));
            self.queue.finish(key, visit.map(|_| None), now);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake().into_iter().chain(self.recount).min()
    }
}

/// Whether a change may have made room, or moved an object from one quota to another.
fn frees(change: &Change) -> bool {
    let (Some(new), Some(old)) = (&change.new, &change.old) else { return change.new.is_none() };
    if change.resource == PODS {
        let scoped = |pod: &Value| pod["spec"]["activeDeadlineSeconds"].is_null();
        (pods::is_finished(new) && !pods::is_finished(old)) || scoped(new) != scoped(old)
    } else if change.resource == SERVICES {
        usage::of(&SERVICES, new) != usage::of(&SERVICES, old)
    } else if change.resource == PERSISTENT_VOLUME_CLAIMS {
        scopes::attributes_classes(new) != scopes::attributes_classes(old)
            || usage::of(&PERSISTENT_VOLUME_CLAIMS, new) != usage::of(&PERSISTENT_VOLUME_CLAIMS, old)
    } else {
        false
    }
}
