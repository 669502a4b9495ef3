//! The hidden stories of each lab.
//!
//! A module per lab holds the table of its scenarios (number, title, exercise, points, story, rule) and the stories
//! themselves, grouped by exercise. A story checks what the lab's README or a Kubernetes rule states, never a wording
//! or a name that neither gives.

mod database;
mod lab_00;
mod lab_01;
mod reference;

pub use reference::{Reference, recorded_part, reference};

use harness::Suite;

/// The scenarios of a lab, by its id such as `lab-01`.
pub fn suite(lab: &str) -> Option<&'static Suite> {
    SUITES.iter().copied().find(|suite| suite.lab == lab)
}

/// All labs that have scenarios, in teaching order.
pub const SUITES: &[&Suite] = &[&lab_00::SUITE, &lab_01::SUITE];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_lab_is_worth_a_hundred_points() {
        for suite in SUITES {
            assert_eq!(suite.points(), 100, "{}", suite.lab);
        }
    }

    #[test]
    fn numbers_are_unique_and_belong_to_their_lab() {
        for suite in SUITES {
            let numbers: BTreeSet<_> = suite.scenarios.iter().map(|scenario| scenario.id).collect();
            assert_eq!(numbers.len(), suite.scenarios.len(), "{}", suite.lab);
            let prefix = format!("{}.", suite.lab.trim_start_matches("lab-"));
            assert!(numbers.iter().all(|id| id.starts_with(&prefix)), "{}", suite.lab);
        }
    }

    #[test]
    fn every_scenario_explains_itself() {
        for scenario in SUITES.iter().flat_map(|suite| suite.scenarios) {
            for text in [scenario.title, scenario.story, scenario.rule] {
                assert!(!text.trim().is_empty(), "{}", scenario.id);
            }
        }
    }
}
