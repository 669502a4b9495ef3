//! How large the operations of one patch may make a document.

use crate::object;
use serde_json::Value;

/// The most bytes of JSON that the copies of one patch may add together (apiserver/pkg/server/config.go,
/// `JSONPatchMaxCopyBytes`): every copy can double a document.
const MAX_COPIED: usize = 3 * 1024 * 1024;

/// How deep moves and copies may nest a document: deeper than any object, and little enough for those who walk
/// through it.
const MAX_DEPTH: usize = 1_000;

/// What the operations so far have made of a document.
pub(super) struct Growth {
    /// Bytes of JSON added by copies.
    copied: usize,
    /// The document nests no deeper than this.
    depth: usize,
}

impl Growth {
    pub(super) fn of(document: &Value) -> Self {
        Self { copied: 0, depth: object::depth(document) }
    }

    pub(super) fn copies(&mut self, value: &Value) -> Result<(), String> {
        self.copied += value.to_string().len();
        let Self { copied, .. } = self;
        if *copied <= MAX_COPIED {
            return Ok(());
        }
        Err(format!(
            "Unable to copy, the accumulated size increase of copy operation is {copied}, exceeding the limit {MAX_COPIED}"
        ))
    }

    /// A value of this depth comes to a path.
    pub(super) fn puts(&mut self, path: &str, depth: usize) -> Result<(), String> {
        self.depth = self.depth.max(steps(path) + depth);
        if self.depth <= MAX_DEPTH { Ok(()) } else { Err("the document would nest too deeply".to_owned()) }
    }

    /// What is at `from` comes to a path: it nests as deep as the document does below that, at the most.
    pub(super) fn puts_from(&mut self, path: &str, from: &str) -> Result<(), String> {
        self.puts(path, self.depth.saturating_sub(steps(from)))
    }
}

fn steps(path: &str) -> usize {
    path.matches('/').count()
}
