//! Counting what an evaluation costs, with a bound on it.

use super::super::pattern::Pattern;
use super::evaluate::Fault;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// The most that one evaluation may cost (`PerCallLimit`).
pub(super) const CALL_LIMIT: u64 = 1_000_000;

/// How many steps cost one: as in Kubernetes, where looking at a text costs a tenth of its length.
const STEPS: u64 = 10;
/// How many bytes of a text are compared or copied in one step.
const BYTES: usize = 128;
/// How many steps each byte of a pattern takes that has to be compiled.
const COMPILATION: usize = 20;

/// What an evaluation has cost.
///
/// Kubernetes counts neither the parts of what is compared nor those of what it makes of a value, so that there values
/// which have the same value in them twice, again and again, keep it busy for longer than anybody waits. Here such work
/// counts as well, in steps.
#[derive(Debug, Default)]
pub(super) struct Meter {
    spent: Cell<u64>,
    steps: Cell<u64>,
    /// The patterns that were compiled on the way.
    patterns: RefCell<HashMap<String, Rc<Pattern>>>,
}

impl Meter {
    /// Counts the cost of something that Kubernetes counts.
    ///
    /// # Errors
    /// All that was counted exceeds the limit.
    pub(super) fn spend(&self, cost: u64) -> Result<(), Fault> {
        self.spent.set(self.spent.get().saturating_add(cost));
        self.check()
    }

    /// Counts work that Kubernetes does not count, and answers whether there may be more of it.
    pub(super) fn step(&self, steps: usize) -> bool {
        let steps = self.steps.get().saturating_add(steps as u64);
        self.steps.set(steps % STEPS);
        self.spend(steps / STEPS).is_ok()
    }

    /// The same for so many bytes.
    pub(super) fn step_over(&self, bytes: usize) -> bool {
        bytes < BYTES || self.step(bytes / BYTES)
    }

    /// A pattern that is known only now. The same one is compiled, and counted, once.
    ///
    /// # Errors
    /// It makes no sense, or all that was counted exceeds the limit.
    pub(super) fn pattern(&self, source: &str) -> Result<Rc<Pattern>, Fault> {
        if let Some(known) = self.patterns.borrow().get(source) {
            return Ok(known.clone());
        }
        self.step(COMPILATION.saturating_mul(source.len()));
        self.check()?;
        let pattern = Rc::new(Pattern::new(source).map_err(Fault::Error)?);
        self.patterns.borrow_mut().insert(source.to_owned(), pattern.clone());
        Ok(pattern)
    }

    /// # Errors
    /// All that was counted exceeds the limit.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.spent.get() > CALL_LIMIT { Err(Fault::TooExpensive) } else { Ok(()) }
    }

    /// All that was counted.
    pub(super) fn spent(&self) -> u64 {
        self.spent.get()
    }
}
