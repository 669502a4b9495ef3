//! The state behind the API: what the verbs read and write.

use crate::access::{Access, AccessControl, User, rbac, signers};
use crate::api_services;
use crate::bootstrap;
use crate::builtins::Cluster;
use crate::compaction::Compaction;
use crate::conversion::{self, Backlog};
use crate::definitions;
use crate::error::ApiError;
use crate::metrics::Requests;
use crate::object;
use crate::random::Random;
use crate::resources::{CRDS, Registry};
use crate::service_addresses;
use crate::store::{Change, ResourceId, Snapshot, Store};
use crate::strategy;
use crate::verbs::write::Write;
use crate::waiting::Waiting;
use crate::watches::Watches;
use crate::webhooks::Calls;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(crate) struct ApiServer {
    pub(crate) store: Store,
    pub(crate) resources: Registry,
    pub(crate) watches: Watches,
    pub(crate) random: Random,
    pub(crate) compaction: Option<Compaction>,
    pub(crate) waiting: Waiting,
    pub(crate) access: AccessControl,
    /// How many requests were answered.
    pub(crate) requests: Requests,
    /// What the request at hand asks outside.
    pub(crate) calls: Calls,
    /// What watches have not been told yet.
    pub(crate) backlog: Backlog,
}

impl ApiServer {
    pub(crate) fn new(seed: u64, start: Timestamp, mut access: Access, restore: Option<Snapshot>) -> Self {
        let client_authority = access.client_authority.take();
        let mut server = Self {
            store: Store::default(),
            resources: Registry::default(),
            watches: Watches::default(),
            random: Random::new(seed),
            compaction: None,
            waiting: Waiting::default(),
            access: AccessControl::new(access, seed),
            requests: Requests::default(),
            calls: Calls::default(),
            backlog: Backlog::default(),
        };
        match restore {
            Some(snapshot) => server.store.restore(snapshot, start),
            None => server.bootstrap(client_authority.as_deref(), start),
        }
        server
    }

    /// The namespaces that every cluster has; one with RBAC has everything else that a real one begins with.
    fn bootstrap(&mut self, client_authority: Option<&str>, start: Timestamp) {
        bootstrap::namespaces(&mut self.store, &mut self.random, start);
        if self.access.index().is_some() {
            bootstrap::load(&mut self.store, &mut self.random, start);
            bootstrap::config_maps(&mut self.store, &mut self.random, client_authority, start);
            rbac::bootstrap::load(&mut self.store, &mut self.random, start);
            api_services::load(&mut self.store, &mut self.random, start);
        }
    }

    /// Tells watches what has changed and takes up changed definitions. The answer is for the controllers.
    pub(crate) fn publish(&mut self, now: Timestamp) -> Vec<Arc<Change>> {
        let mut told = Vec::new();
        loop {
            let changes = self.store.take_fresh();
            if changes.is_empty() {
                conversion::pump(self, now);
                return told;
            }
            for change in &changes {
                for resource in self.watches.publish(change) {
                    self.backlog.push(resource, change);
                }
                self.access.observe(change);
                if self.access.index().is_some() {
                    service_addresses::follow(&mut self.store, &mut self.random, change, now);
                }
            }
            let mut defines = false;
            for definition in changes.iter().filter(|change| change.resource == CRDS) {
                definitions::end_watches(self, definition, now);
                self.resources.take_up(&self.store, object::name(definition.object()));
                defines = true;
            }
            if defines {
                definitions::settle(self, now);
            } else if changes.iter().any(|change| change.new.is_none()) {
                definitions::resume(self, now);
            }
            api_services::follow(self, &changes, now);
            told.extend(changes);
        }
    }

    /// What admission plugins change or refuse.
    pub(crate) fn admit(
        &mut self,
        write: &Write<'_>,
        new: &mut Value,
        old: Option<&Value>,
    ) -> Result<(), ApiError> {
        let mut cluster =
            View { store: &self.store, random: &mut self.random, user: &write.user, now: write.now };
        strategy::admit(&write.resource, new, old, &mut cluster)?;
        rbac::escalation::check(&self.access, write, new, old)?;
        signers::check(&self.access, write, new, old)
    }

    /// What admission plugins refuse of a valid object that nobody will change any more.
    pub(crate) fn admit_final(
        &mut self,
        write: &Write<'_>,
        new: &Value,
        old: Option<&Value>,
    ) -> Result<(), ApiError> {
        let cluster =
            View { store: &self.store, random: &mut self.random, user: &write.user, now: write.now };
        strategy::admit_final(&write.resource, new, old, &cluster)
    }

    /// Takes what must be unique in the cluster for a valid object.
    pub(crate) fn allocate(
        &mut self,
        write: &Write<'_>,
        new: &mut Value,
        old: Option<&Value>,
    ) -> Result<(), ApiError> {
        let mut cluster =
            View { store: &self.store, random: &mut self.random, user: &write.user, now: write.now };
        strategy::allocate(&write.resource, new, old, &mut cluster)
            .map_err(|errors| write.invalid(new, &errors))
    }
}

/// The cluster as the rules of a kind see it.
struct View<'a> {
    store: &'a Store,
    random: &'a mut Random,
    user: &'a User,
    now: Timestamp,
}

impl Cluster for View<'_> {
    fn get(&self, resource: &ResourceId, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.store.get(resource, namespace, name).map(|stored| stored.object.clone())
    }

    fn list(&self, resource: &ResourceId, namespace: Option<&str>) -> Vec<Arc<Value>> {
        self.store.list(resource, namespace).map(|stored| stored.object.clone()).collect()
    }

    fn suffix(&mut self) -> String {
        self.random.suffix()
    }

    fn user(&self) -> &User {
        self.user
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}
