//! What the grader remembers in a checkout: which hints were shown, and how the labs stood at the last check.
//!
//! It is a convenience for the person at the keyboard. No verdict ever reads it, and a damaged file is forgotten.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::exit_code::Problem;
use crate::files;

/// Where it is, relative to the checkout.
pub(crate) const FOLDER: &str = ".grader";

/// Nothing that the grader wrote itself is larger.
const LARGEST: u64 = 1 << 20;

/// The remembered things of one checkout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// How many hints of an exercise were shown: by lab, then by exercise.
    pub(crate) hints: BTreeMap<String, BTreeMap<u8, usize>>,
    /// The last check of all of a lab's scenarios, by lab.
    pub(crate) progress: BTreeMap<String, Progress>,
}

/// How a lab stood.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Progress {
    pub(crate) earned: u32,
    pub(crate) possible: u32,
    /// Points earned by exercise.
    pub(crate) exercises: BTreeMap<u8, u32>,
    /// Whether the lab once passed as a whole; the solution may be read from then on.
    pub(crate) once_passed: bool,
}

impl State {
    /// What is remembered; nothing when nothing can be read.
    pub(crate) fn load(root: &Path) -> Self {
        let mut text = Vec::new();
        let read = std::fs::File::open(file(root)).and_then(|file| file.take(LARGEST).read_to_end(&mut text));
        read.ok().and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Remembers it. A checkout that cannot be written to forgets, and everything else goes on.
    pub(crate) fn save(&self, root: &Path) {
        let _ = self.try_save(root);
    }

    fn try_save(&self, root: &Path) -> Result<(), Problem> {
        files::create_folder(&root.join(FOLDER))?;
        let text = serde_json::to_vec_pretty(self).map_err(|error| Problem::broken(error.to_string()))?;
        files::write_whole(&file(root), &text)
    }
}

fn file(root: &Path) -> PathBuf {
    root.join(FOLDER).join("state.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded_again() {
        let root = tempfile::tempdir().unwrap();
        let mut state = State::default();
        state.hints.entry("lab-01".into()).or_default().insert(3, 2);
        state.save(root.path());
        assert_eq!(State::load(root.path()), state);
    }

    #[test]
    fn a_damaged_file_is_forgotten() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(FOLDER)).unwrap();
        for damage in ["", "{", "[]", r#"{"hints": 3}"#, "\u{0}"] {
            std::fs::write(file(root.path()), damage).unwrap();
            assert_eq!(State::load(root.path()), State::default(), "{damage:?}");
        }
    }
}
