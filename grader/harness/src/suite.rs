//! The scenarios of a lab, as data.

use crate::{Failure, World};

/// The hidden scenarios of one lab.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// The lab's id, e.g. `lab-01`.
    pub lab: &'static str,
    /// In the order in which they are told and listed.
    pub scenarios: &'static [Scenario],
}

impl Suite {
    /// What all scenarios together are worth.
    pub fn points(&self) -> u32 {
        self.scenarios.iter().map(|scenario| scenario.points).sum()
    }
}

/// One story and what it is worth.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Lab and number, e.g. `01.07`.
    pub id: &'static str,
    /// What must hold, in a student's words.
    pub title: &'static str,
    /// The number of the exercise it belongs to.
    pub exercise: u8,
    /// What it is worth.
    pub points: u32,
    /// The story in plain words, without test code, for `grader explain`.
    pub story: &'static str,
    /// The rule it enforces: Kubernetes' or the lab's, with a link.
    pub rule: &'static str,
    /// The section of the lab's lesson to read, as an anchor.
    pub lesson: &'static str,
    /// Whether the end must be the same wherever a crash interrupts the operator. Then the story is told once
    /// more for each such place.
    pub crash_consistent: bool,
    /// Whether it needs virtual time, so that it is skipped on a cluster that runs in real time.
    pub virtual_time_only: bool,
    /// Tells the story. The first thing that is not as it must be ends it.
    pub run: fn(&mut World) -> Result<(), Failure>,
}
