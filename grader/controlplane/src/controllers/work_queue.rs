//! What a controller has to look at, and when: client-go's rate limited queue in virtual time.

use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The first pause after a failure; it doubles with every further one (client-go's default rate limiter).
const FIRST_RETRY: SignedDuration = SignedDuration::from_millis(5);
/// The longest pause between two tries.
const LONGEST_RETRY: SignedDuration = SignedDuration::from_secs(1000);

/// Keys with the time at which each is due.
///
/// # Guarantees
/// - A key is in the queue at most once; of several times the earliest counts.
/// - Keys come out by time, then in their own order, so that equal histories give equal work.
#[derive(Clone, Debug)]
pub(super) struct WorkQueue<K> {
    due: BTreeMap<K, Timestamp>,
    order: BTreeSet<(Timestamp, K)>,
    failures: BTreeMap<K, u32>,
}

impl<K> Default for WorkQueue<K> {
    fn default() -> Self {
        Self { due: BTreeMap::new(), order: BTreeSet::new(), failures: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> WorkQueue<K> {
    /// Wants `key` looked at, not before `at`.
    pub(super) fn add(&mut self, key: K, at: Timestamp) {
        match self.due.get(&key) {
            Some(&earlier) if earlier <= at => return,
            Some(&later) => self.order.remove(&(later, key.clone())),
            None => false,
        };
        self.due.insert(key.clone(), at);
        self.order.insert((at, key));
    }

    /// Wants each of them looked at, not before `at`.
    pub(super) fn add_all(&mut self, keys: impl IntoIterator<Item = K>, at: Timestamp) {
        for key in keys {
            self.add(key, at);
        }
    }

    /// Takes note of how a visit to `key` ended: after a failure it is due again, later each time, after a success once
    /// the time that the visit asked for has passed.
    pub(super) fn finish<E>(&mut self, key: K, visit: Result<Option<SignedDuration>, E>, now: Timestamp) {
        match visit {
            Ok(again) => {
                self.forget(&key);
                if let Some(again) = again {
                    self.add(key, later(now, again));
                }
            }
            Err(_) => self.retry(key, now),
        }
    }

    /// Wants `key` looked at again after a failure, later each time.
    pub(super) fn retry(&mut self, key: K, now: Timestamp) {
        let failures = self.failures.entry(key.clone()).or_default();
        let pause = FIRST_RETRY.saturating_mul(1 << (*failures).min(20)).min(LONGEST_RETRY);
        *failures = failures.saturating_add(1);
        self.add(key, later(now, pause));
    }

    /// `key` succeeded (or does not matter any more): its next failure counts as the first.
    pub(super) fn forget(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// Takes out the next key that is due.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<K> {
        if self.order.first()?.0 > now {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        self.due.remove(&key);
        Some(key)
    }

    /// When the next key is due.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }
}

/// `now` and `duration`, never past the end of time.
pub(super) fn later(now: Timestamp, duration: SignedDuration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).expect("a small time")
    }

    #[test]
    fn the_earliest_time_counts_and_keys_come_out_in_order() {
        let mut queue = WorkQueue::default();
        queue.add("b", at(10));
        queue.add("a", at(10));
        queue.add("c", at(30));
        queue.add("c", at(20));
        queue.add("c", at(40));
        assert_eq!(queue.pop(at(9)), None);
        assert_eq!(queue.pop(at(10)), Some("a"));
        assert_eq!(queue.pop(at(10)), Some("b"));
        assert_eq!(queue.next_wake(), Some(at(20)));
        assert_eq!(queue.pop(at(20)), Some("c"));
        assert_eq!(queue.next_wake(), None);
    }

    #[test]
    fn retries_double_up_to_a_limit_and_start_again_after_success() {
        let mut queue = WorkQueue::default();
        let mut pauses = Vec::new();
        let mut now = at(0);
        for _ in 0..20 {
            queue.retry("a", now);
            let due = queue.next_wake().expect("it was just added");
            pauses.push(due.as_millisecond() - now.as_millisecond());
            now = due;
            assert_eq!(queue.pop(now), Some("a"));
        }
        assert_eq!(pauses[..4], [5, 10, 20, 40]);
        assert_eq!(pauses[18..], [1_000_000, 1_000_000]);
        queue.forget(&"a");
        queue.retry("a", now);
        assert_eq!(queue.next_wake(), Some(later(now, FIRST_RETRY)));
    }
}
