//! Looking at the world.

use crate::{Kind, RequestRecord, Target, World};
use serde_json::Value;
use std::sync::Arc;

impl World {
    /// An object as it is, if it exists.
    pub fn get(&self, target: &Target) -> Option<Arc<Value>> {
        self.backend.get(target)
    }

    /// The objects of a resource in one namespace or in all, ordered by namespace and name.
    pub fn list(&self, kind: Kind, namespace: Option<&str>) -> Vec<Arc<Value>> {
        self.backend.list(kind, namespace)
    }

    /// Every request so far, the user's included, oldest first.
    pub fn all_requests(&self) -> &[RequestRecord] {
        self.backend.requests()
    }

    /// The operator's requests so far, oldest first.
    pub fn requests(&self) -> impl Iterator<Item = &RequestRecord> {
        self.backend.requests().iter().filter(|record| record.by_operator())
    }

    /// The operator's requests since a time.
    pub fn requests_since(&self, at_ms: u64) -> impl Iterator<Item = &RequestRecord> {
        self.requests().filter(move |record| record.at_ms >= at_ms)
    }
}
