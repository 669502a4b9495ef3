//! How long to wait after a failure.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The wait after the first failure.
pub const FIRST: Duration = Duration::from_secs(1);

/// The longest wait, however often it failed.
pub const LONGEST: Duration = Duration::from_secs(60);

/// Counts failures in a row, per object, and doubles the wait with each: 1, 2, 4 … 60 seconds.
///
/// One object that fails must not slow the others down, hence the count per object. It lives in memory: an
/// operator that was just restarted may try again at once.
#[derive(Debug)]
pub struct Backoff<Key>(Mutex<HashMap<Key, u32>>);

impl<Key> Default for Backoff<Key> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Key: Eq + Hash> Backoff<Key> {
    /// Notes one more failure of `key` and says how long to wait before the next try.
    pub fn failed(&self, key: Key) -> Duration {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = failures.entry(key).or_default();
        *failures = failures.saturating_add(1);
        FIRST.saturating_mul(2_u32.saturating_pow(*failures - 1)).min(LONGEST)
    }

    /// Forgets the failures of `key`: it succeeded, or it is no longer wanted.
    pub fn succeeded(&self, key: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits<const N: usize>(backoff: &Backoff<&'static str>, key: &'static str) -> [u64; N] {
        std::array::from_fn(|_| backoff.failed(key).as_secs())
    }

    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        assert_eq!(waits(&Backoff::default(), "orders"), [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn objects_wait_on_their_own() {
        let backoff = Backoff::default();
        assert_eq!(waits(&backoff, "orders"), [1, 2, 4]);
        assert_eq!(waits(&backoff, "users"), [1]);
    }

    #[test]
    fn success_starts_over() {
        let backoff = Backoff::default();
        assert_eq!(waits(&backoff, "orders"), [1, 2, 4]);
        backoff.succeeded(&"orders");
        assert_eq!(waits(&backoff, "orders"), [1]);
    }
}
