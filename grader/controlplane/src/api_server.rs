//! The state behind the API: what the verbs read and write.

use crate::access::{Access, AccessControl};
use crate::compaction::Compaction;
use crate::conversion::Backlog;
use crate::definitions::Departures;
use crate::metrics::Requests;
use crate::random::Random;
use crate::resources::Registry;
use crate::store::Store;
use crate::waiting::Waiting;
use crate::watches::Watches;
use crate::webhooks::Calls;

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
    /// The definitions of custom resources that are being deleted.
    pub(crate) departures: Departures,
}

impl ApiServer {
    /// Nothing is stored yet.
    pub(crate) fn new(seed: u64, access: Access) -> Self {
        Self {
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
            departures: Departures::default(),
        }
    }
}
