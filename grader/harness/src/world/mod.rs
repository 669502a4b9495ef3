//! What a scenario sees and can do, the same whatever is underneath.

mod actions;
mod backend;
mod cluster;
mod observe;
mod operator;
mod waits;

pub use waits::Check;

use crate::{Failure, Random, StoryLine};
pub(crate) use backend::{Backend, Epilogue, Step};
use jiff::Timestamp;

/// One telling of one story: an API, a user, an operator, and time.
///
/// Code that uses it is plain and synchronous. Everything a method does happens at the current virtual time;
/// time passes only in the methods that wait: [`eventually`](World::eventually), [`stays`](World::stays),
/// [`quiet`](World::quiet), [`pass`](World::pass).
pub struct World {
    backend: Box<dyn Backend>,
    random: Random,
    story: Vec<StoryLine>,
}

impl World {
    pub(crate) fn new(backend: Box<dyn Backend>, random: Random) -> World {
        World { backend, random, story: Vec::new() }
    }

    /// Random numbers of this scenario; the seed decides them.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Virtual milliseconds since the story began.
    pub fn now_ms(&self) -> u64 {
        self.backend.now_ms()
    }

    /// The time of the cluster, which the operator reads from its wall clock too.
    pub fn wall_clock(&self) -> Timestamp {
        self.backend.wall_clock()
    }

    /// Adds a line to the story that a failure tells. Actions add theirs by themselves.
    pub fn tell(&mut self, text: impl Into<String>) {
        self.story.push(StoryLine { at_ms: self.backend.now_ms(), text: text.into() });
    }

    /// Whether the operator is interrupted nowhere but where the story says so. In a run with a crash a correct
    /// operator may need more requests and more time; a story that counts them counts only if this is true.
    pub fn undisturbed(&self) -> bool {
        self.backend.undisturbed()
    }

    /// Ends the story.
    pub(crate) fn end(self) -> (Vec<StoryLine>, Epilogue) {
        (self.story, self.backend.end())
    }

    /// What a step of the backend means for the story.
    fn live(&mut self, until_ms: u64) -> Result<Step, Failure> {
        self.backend.step(until_ms)
    }
}
