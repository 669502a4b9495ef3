//! What the reference solution does in each story, recorded as data that the grader carries: reports compare with
//! it, and no solution is needed where the grader runs. `grader dev record` writes it, `grader dev verify` fails
//! when it is stale.

use std::collections::BTreeMap;

use harness::Behaviour;
use serde::{Deserialize, Serialize};

/// A story with hundreds of objects would be recorded as megabytes that nobody compares with.
const MOST_OBJECTS: usize = 40;
const MOST_WRITES: usize = 400;

/// The recorded behaviour of one lab's solution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The seed that it was recorded with; another one gives other names and another order.
    pub seed: u64,
    /// By the scenario's id.
    pub scenarios: BTreeMap<String, Behaviour>,
}

/// The recorded behaviour of a lab's solution. `None` when nothing was recorded yet.
pub fn reference(lab: &str) -> Option<Reference> {
    let text = match lab {
        "lab-01" => include_str!("../reference/lab-01.json"),
        _ => return None,
    };
    serde_json::from_str(text).ok()
}

/// The part of a behaviour that is recorded: without what would only be bulk.
pub fn recorded_part(behaviour: &Behaviour) -> Behaviour {
    let mut part = behaviour.clone();
    part.writes.truncate(MOST_WRITES);
    if part.objects.len() > MOST_OBJECTS {
        part.objects.clear();
    }
    part
}
