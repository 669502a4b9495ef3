//! The documents of a real server: `data/openapi.txt.gz`, which `data/refresh.py` writes.
//!
//! Each line is a kind (`path`, `parameter`, `schema`, `document`), a name and JSON, so that a reader parses only what
//! it needs. References in paths are those of v2, in schemas those of v3.

use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;

pub(super) const COMPRESSED: &[u8] = include_bytes!("../../data/openapi.txt.gz");

/// The uncompressed file.
pub(super) fn text() -> String {
    let mut text = String::new();
    // What is compressed in the binary was text; a test reads all of it.
    let _ = GzDecoder::new(COMPRESSED).read_to_string(&mut text);
    text
}

/// Finds the lines of the file by kind and name.
pub(super) struct Source<'a> {
    lines: BTreeMap<(&'a str, &'a str), &'a str>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let line = |line: &'a str| {
            let (kind, rest) = line.split_once(' ')?;
            let (name, json) = rest.split_once(' ')?;
            Some(((kind, name), json))
        };
        Self { lines: text.lines().filter_map(line).collect() }
    }

    /// The JSON of everything of a kind, with its name.
    pub(super) fn all(&self, kind: &'static str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let of_kind = move |((known, name), json): (&(&'a str, &'a str), &&'a str)| {
            (*known == kind).then_some((*name, *json))
        };
        self.lines.iter().filter_map(of_kind)
    }

    fn get(&self, kind: &str, name: &str) -> Option<Value> {
        serde_json::from_str(self.lines.get(&(kind, name))?).ok()
    }

    /// What a v2 document says about itself.
    pub(super) fn head(&self) -> Value {
        self.get("document", "").unwrap_or_default()
    }

    /// A path in the words of v2.
    pub(super) fn path(&self, path: &str) -> Option<Value> {
        self.get("path", path)
    }

    /// A parameter that paths refer to.
    pub(super) fn parameter(&self, name: &str) -> Option<Value> {
        self.get("parameter", name)
    }

    /// A schema in the words of v3.
    pub(super) fn schema(&self, name: &str) -> Option<Value> {
        self.get("schema", name)
    }

    /// The description of a property of `Status`: words about what every kind has.
    pub(super) fn of_every_kind(&self, property: &str) -> Value {
        let schema = self.schema("io.k8s.apimachinery.pkg.apis.meta.v1.Status").unwrap_or_default();
        schema["properties"][property]["description"].clone()
    }
}
