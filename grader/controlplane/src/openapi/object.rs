//! JSON objects whose members are texts already: documents are large, their values are only passed on.

use serde_json::Value;
use std::fmt::{Display, Write};

/// An object that is being written.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a member; `json` must be JSON.
    pub(super) fn member(&mut self, key: &str, json: impl Display) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // Writing to a text cannot fail.
        let _ = write!(self.0, "{comma}{}:{json}", Value::from(key));
    }

    pub(super) fn members<'a>(&mut self, members: impl Iterator<Item = (&'a String, &'a Value)>) {
        members.for_each(|(key, value)| self.member(key, value));
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
