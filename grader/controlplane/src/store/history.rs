//! The latest writes, for watches and lists that start in the past.

use super::{Change, Compacted};
use std::collections::VecDeque;
use std::sync::Arc;

/// Writes kept before the oldest is forgotten: enough for a client that was away for seconds under heavy load, or for
/// hours otherwise, in memory that a laptop can spare.
const KEPT: usize = 25_000;

#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// Consecutive revisions.
    changes: VecDeque<Arc<Change>>,
    compacted: u64,
}

impl History {
    pub(super) fn push(&mut self, change: Arc<Change>) {
        if self.changes.len() >= KEPT
            && let Some(oldest) = self.changes.pop_front()
        {
            self.compacted = oldest.revision;
        }
        self.changes.push_back(change);
    }

    pub(super) fn compacted(&self) -> u64 {
        self.compacted
    }

    pub(super) fn after(&self, revision: u64) -> Result<impl Iterator<Item = &Arc<Change>>, Compacted> {
        if revision < self.compacted {
            return Err(Compacted);
        }
        let skipped = self.changes.partition_point(|change| change.revision <= revision);
        Ok(self.changes.range(skipped..))
    }

    pub(super) fn compact(&mut self, revision: u64) {
        while self.changes.front().is_some_and(|change| change.revision <= revision) {
            self.changes.pop_front();
        }
        self.compacted = self.compacted.max(revision);
    }
}
