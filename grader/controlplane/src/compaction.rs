//! Forgetting old history in time, as the API server has etcd do
//! (apiserver/pkg/storage/etcd3/compact.go).

use crate::store::Store;
use jiff::{SignedDuration, Timestamp};

/// Every interval forgets what was history when the interval began.
#[derive(Clone, Debug)]
pub(crate) struct Compaction {
    every: SignedDuration,
    next: Timestamp,
    /// The revision at the last tick.
    marked: u64,
}

impl Compaction {
    pub(crate) fn new(every: SignedDuration, start: Timestamp) -> Self {
        Self { every, next: start + every, marked: 0 }
    }

    pub(crate) fn next_wake(&self) -> Timestamp {
        self.next
    }

    pub(crate) fn advance(&mut self, store: &mut Store, now: Timestamp) {
        if now < self.next {
            return;
        }
        store.compact(self.marked);
        self.marked = store.revision();
        self.next = now + self.every;
    }
}
