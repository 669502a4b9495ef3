//! What follows from a change: watches are told, and what the API server itself keeps in step with it changes as well.

use crate::api_server::ApiServer;
use crate::conversion;
use crate::definitions;
use crate::object;
use crate::resources::CRDS;
use crate::store::Change;
use crate::system_objects::{api_services, service_addresses};
use jiff::Timestamp;
use std::sync::Arc;

impl ApiServer {
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
}
