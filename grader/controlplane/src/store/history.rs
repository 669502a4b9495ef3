//! The latest writes, for watches and lists that start in the past.

use super::{Change, Compacted};
use std::collections::VecDeque;
use std::sync::Arc;

/// Writes kept before the oldest is forgotten: enough for a client that was away for seconds under heavy load, or for
/// hours otherwise, in memory that a laptop can spare.
const KEPT: usize = 25_000;
/// What the writes kept may weigh together, in bytes.
const WEIGHT: usize = 256 << 20;

#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// Consecutive revisions, each with what it weighs.
    changes: VecDeque<(Arc<Change>, usize)>,
    weight: usize,
    compacted: u64,
}

impl History {
    /// Keeps a change, whose object weighs this much, and forgets what is too much then.
    pub(super) fn push(&mut self, change: Arc<Change>, weight: usize) {
        self.changes.push_back((change, weight));
        self.weight += weight;
        while self.changes.len() > KEPT || (self.weight > WEIGHT && self.changes.len() > 1) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((oldest, weight)) = self.changes.pop_front() {
            self.weight -= weight;
            self.compacted = oldest.revision;
        }
    }

    pub(super) fn compacted(&self) -> u64 {
        self.compacted
    }

    pub(super) fn after(&self, revision: u64) -> Result<impl Iterator<Item = &Arc<Change>>, Compacted> {
        if revision < self.compacted {
            return Err(Compacted);
        }
        let skipped = self.changes.partition_point(|(change, _)| change.revision <= revision);
        Ok(self.changes.range(skipped..).map(|(change, _)| change))
    }

    pub(super) fn compact(&mut self, revision: u64) {
        while self.changes.front().is_some_and(|(change, _)| change.revision <= revision) {
            self.forget_oldest();
        }
        self.compacted = self.compacted.max(revision);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::NAMESPACES;
    use jiff::Timestamp;

    fn change(revision: u64) -> Arc<Change> {
        let (resource, at) = (NAMESPACES, Timestamp::UNIX_EPOCH);
        Arc::new(Change { revision, resource, old: None, new: None, at })
    }

    fn kept(history: &History) -> Vec<u64> {
        history.after(history.compacted()).expect("it is kept").map(|change| change.revision).collect()
    }

    #[test]
    fn large_changes_are_forgotten_sooner_and_the_latest_never() {
        let mut history = History::default();
        for (revision, weight, expected) in [
            (1, WEIGHT / 2, vec![1]),
            (2, WEIGHT / 2, vec![1, 2]),
            (3, 1, vec![2, 3]),
            (4, WEIGHT, vec![4]),
            (5, 2 * WEIGHT, vec![5]),
            (6, 0, vec![6]),
        ] {
            history.push(change(revision), weight);
            assert_eq!(kept(&history), expected);
        }
        assert_eq!(history.compacted(), 5);
        assert!(history.after(4).is_err());
    }
}
