//! Admission that is built in: what the rules of a kind change, refuse and take, and who may give which rights away.

use crate::access::{User, rbac, signers};
use crate::api_server::ApiServer;
use crate::builtins::Cluster;
use crate::error::ApiError;
use crate::random::Random;
use crate::store::{ResourceId, Store};
use crate::strategy;
use crate::verbs::write::Write;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

impl ApiServer {
    /// What admission plugins change or refuse.
    pub(crate) fn admit(
        &mut self,
        write: &Write<'_>,
        new: &mut Value,
        old: Option<&Value>,
    ) -> Result<(), ApiError> {
        let mut cluster = View::of(&self.store, &mut self.random, write);
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
        let cluster = View::of(&self.store, &mut self.random, write);
        strategy::admit_final(&write.resource, new, old, &cluster)
    }

    /// Takes what must be unique in the cluster for a valid object.
    pub(crate) fn allocate(
        &mut self,
        write: &Write<'_>,
        new: &mut Value,
        old: Option<&Value>,
    ) -> Result<(), ApiError> {
        let mut cluster = View::of(&self.store, &mut self.random, write);
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
    dry_run: bool,
}

impl<'a> View<'a> {
    /// For a write.
    fn of(store: &'a Store, random: &'a mut Random, write: &'a Write<'_>) -> Self {
        Self { store, random, user: &write.user, now: write.now, dry_run: write.dry_run }
    }
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

    fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    fn user(&self) -> &User {
        self.user
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}
