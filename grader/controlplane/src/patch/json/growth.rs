//! How large the operations of one patch may make a document.

use crate::object;
use serde_json::Value;

/// The most bytes of JSON that the copies of one patch may add together (apiserver/pkg/server/config.go,
/// `JSONPatchMaxCopyBytes`): every copy can double a document.
const MAX_COPIED: usize = 3 * 1024 * 1024;

/// How deep moves and copies may nest a document: deeper than any object, and little enough for those who walk
/// through it.
const MAX_DEPTH: usize = 1_000;

/// How often the depth is looked up when too many moves have blurred it: each time costs as much as the document is
/// large.
const MOST_LOOKS: usize = 100;

/// What the operations so far have made of a document.
pub(super) struct Growth {
    /// Bytes of JSON added by copies.
    copied: usize,
    /// The document nests no deeper than this.
    depth: usize,
    /// How often the depth may still be looked up.
    looks: usize,
}

impl Growth {
    pub(super) fn of(document: &Value) -> Self {
        Self { copied: 0, depth: object::depth(document), looks: MOST_LOOKS }
    }

    /// A copy of a value comes to a path.
    pub(super) fn copies(&mut self, path: &str, value: &Value) -> Result<(), String> {
        self.copied += value.to_string().len();
        let Self { copied, .. } = self;
        if *copied > MAX_COPIED {
            return Err(format!(
                "Unable to copy, the accumulated size increase of copy operation is {copied}, exceeding the limit \
                 {MAX_COPIED}"
            ));
        }
        self.puts(path, value)
    }

    /// A value comes to a path.
    pub(super) fn puts(&mut self, path: &str, value: &Value) -> Result<(), String> {
        self.deepens(steps(path) + object::depth(value))
    }

    /// A value comes from one path to another one. It nests as deep as the document did below that, at the most: how
    /// deep it really is, is only looked up when that would be too much.
    pub(super) fn moves(
        &mut self,
        path: &str,
        from: &str,
        value: &Value,
        document: &Value,
    ) -> Result<(), String> {
        let depth = steps(path) + self.depth.saturating_sub(steps(from));
        if depth <= MAX_DEPTH || self.looks == 0 {
            return self.deepens(depth);
        }
        self.looks -= 1;
        self.depth = object::depth(document);
        self.puts(path, value)
    }

    fn deepens(&mut self, depth: usize) -> Result<(), String> {
        self.depth = self.depth.max(depth);
        if self.depth <= MAX_DEPTH { Ok(()) } else { Err("the document would nest too deeply".to_owned()) }
    }
}

fn steps(path: &str) -> usize {
    path.matches('/').count()
}
