//! What strict field validation objects to.

use crate::endpoint::keys::Keys;
use crate::go_text;
use std::fmt;

/// So many unknown and repeated fields of a built-in object are told at the most
/// (sigs.k8s.io/json, internal/golang/encoding/json/kubernetes_patch.go).
pub(crate) const MOST_OBJECTIONS: usize = 100;

/// Something that strict field validation objects to: a field, by its path, or what the YAML parser says.
#[derive(Debug)]
pub(crate) enum Objection {
    Unknown(String),
    Repeated(String),
    Yaml(String),
}

impl Objection {
    /// Where it stands in the document.
    pub(super) fn place(&self, keys: &Keys) -> Option<usize> {
        match self {
            Self::Unknown(path) => keys.place(path),
            Self::Repeated(path) => keys.place_again(path),
            Self::Yaml(_) => None,
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(path) => write!(f, "unknown field {}", go_text::quote(path)),
            Self::Repeated(path) => write!(f, "duplicate field {}", go_text::quote(path)),
            Self::Yaml(text) => f.write_str(text),
        }
    }
}

/// `strict decoding error: ` and everything it objects to.
pub(crate) fn strict_error(objections: impl Iterator<Item = String>) -> String {
    format!("strict decoding error: {}", objections.collect::<Vec<_>>().join(", "))
}
