//! Requests that wait for a revision that has not come yet (apiserver/pkg/storage/cacher).

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How long a request waits.
const PATIENCE: SignedDuration = SignedDuration::from_secs(3);

/// Who waits, and until when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    until: BTreeMap<String, Timestamp>,
}

impl Waiting {
    /// Until when this request has to wait; none when the revision is there or the time is over.
    pub(crate) fn wait(
        &mut self,
        request: String,
        asked: u64,
        current: u64,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if asked <= current {
            self.until.remove(&request);
            return None;
        }
        // Clients that left in the meantime never come back for their answer.
        self.until.retain(|_, until| *until + PATIENCE > now);
        let until = *self.until.entry(request.clone()).or_insert(now + PATIENCE);
        if until <= now {
            self.until.remove(&request);
            return None;
        }
        Some(until)
    }
}
