//! The world a scenario lives in, and the judge that makes a verdict of it.
//!
//! A [`Scenario`] is a story told in plain, synchronous code to a [`World`]: act as a user, let things go wrong,
//! wait for what must follow. The operator under test is another process, in lock step with this one: virtual
//! time passes only when both agree, so a story of thirty minutes takes milliseconds and its outcome depends on
//! nothing but the operator and the seed. [`judge()`] tells all stories of a lab, each once undisturbed and, where
//! the scenario allows it, once more for every place at which a crash of the operator could leave something
//! half-done.
//!
//! The operator's process is never trusted: what it prints or how it exits is evidence to show, never the verdict.

mod crash_points;
pub mod fault;
pub mod judge;
pub mod kind;
mod normal_form;
pub mod outcome;
pub mod random;
mod running;
mod simulation;
pub mod suite;
mod telling;
pub mod trace;
pub mod world;

pub use fault::{Fault, FaultId, Verb};
pub use judge::{Event, JudgeOptions, judge};
pub use kind::{Kind, Target, kinds};
pub use outcome::{Behaviour, Failure, Outcome, ScenarioResult, StoryLine};
pub use random::Random;
pub use running::kill_all_operators;
pub use suite::{Scenario, Suite};
pub use trace::{Actor, Effect, RequestRecord};
pub use world::{Check, World};
