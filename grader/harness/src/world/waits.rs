//! Waiting: the only way in which time passes.

use super::Step;
use crate::{Effect, Failure, World};
use std::time::Duration;

/// Whether something holds; if not, what was seen instead, in plain words.
pub type Check = Result<(), String>;

/// How much longer a wait may take in a run with a crash: the restart itself, and what a correct operator may
/// spend on finding its way again.
const CRASH_ALLOWANCE: Duration = Duration::from_secs(120);

/// How long there must be no write until a world counts as settled.
const SETTLED_MS: u64 = 10_000;

impl World {
    /// Waits until `check` holds, at most `within`. It is looked at after everything that happens.
    ///
    /// # Errors
    /// It did not hold in time, with what was seen last; or the operator ended.
    pub fn eventually(
        &mut self,
        expected: &str,
        within: Duration,
        check: impl Fn(&World) -> Check,
    ) -> Result<(), Failure> {
        let start = self.now_ms();
        loop {
            let Err(seen) = check(self) else { return Ok(()) };
            let allowance = if self.backend.crashed() { CRASH_ALLOWANCE } else { Duration::ZERO };
            let deadline = start + millis(within + allowance);
            if self.now_ms() >= deadline {
                let waited = format!("{expected} (within {})", seconds(within));
                return Err(Failure::new(waited, seen));
            }
            self.live(deadline)?;
        }
    }

    /// `check` holds now and at every moment of a duration.
    ///
    /// # Errors
    /// It did not, with what was seen; or the operator ended.
    pub fn stays(
        &mut self,
        expected: &str,
        during: Duration,
        check: impl Fn(&World) -> Check,
    ) -> Result<(), Failure> {
        let (start, end) = (self.now_ms(), self.now_ms() + millis(during));
        loop {
            if let Err(seen) = check(self) {
                let after = seconds(Duration::from_millis(self.now_ms() - start));
                let expected = format!("{expected} (for {})", seconds(during));
                return Err(Failure::new(expected, format!("{seen} after {after}")));
            }
            if self.live(end)? == Step::Reached && self.now_ms() >= end {
                return Ok(());
            }
        }
    }

    /// For a duration, from now on, the operator writes nothing, not even what changes nothing. What it still has
    /// in hand counts: [`settle`](World::settle) first, unless that is what the story is about. (In a run with a
    /// crash it is given time to settle in any case.)
    ///
    /// # Errors
    /// It wrote; or it ended.
    pub fn quiet(&mut self, during: Duration) -> Result<(), Failure> {
        if self.backend.crashed() {
            self.settle(CRASH_ALLOWANCE)?;
        }
        let start = self.backend.requests().len();
        self.stays("the operator writes nothing while nothing changes", during, |world| {
            let writes: Vec<_> = world.backend.requests()[start..]
                .iter()
                .filter(|r| r.by_operator() && r.is_write())
                .collect();
            match writes.as_slice() {
                [] => Ok(()),
                [first, ..] => Err(format!("a write: {}", first.line())),
            }
        })
        .map_err(|failure| match failure.means {
            None => failure.means("at rest there is nothing to write: compare before writing"),
            Some(_) => failure,
        })
    }

    /// Lets time go by.
    ///
    /// # Errors
    /// The operator ended.
    pub fn pass(&mut self, duration: Duration) -> Result<(), Failure> {
        let end = self.now_ms() + millis(duration);
        while !(self.live(end)? == Step::Reached && self.now_ms() >= end) {}
        Ok(())
    }

    /// Waits until the operator is up and has changed nothing for ten seconds, at most `within`. That it goes on
    /// is no failure here.
    ///
    /// # Errors
    /// The operator ended.
    pub fn settle(&mut self, within: Duration) -> Result<(), Failure> {
        let deadline = self.now_ms() + millis(within);
        let mut since = self.now_ms();
        let mut seen = self.backend.requests().len();
        while self.now_ms() < deadline {
            let fresh = &self.backend.requests()[seen..];
            seen += fresh.len();
            if fresh.iter().any(|r| r.effect == Effect::Changed) || !self.operator_is_up() {
                since = self.now_ms();
            }
            let settled = since + SETTLED_MS;
            if self.now_ms() >= settled {
                break;
            }
            self.live(settled.min(deadline))?;
        }
        Ok(())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
