//! The four ways to change a part of an object: JSON patch, merge patch, strategic merge patch
//! (this module) and server-side apply ([`crate::apply`]).
//!
//! All of it is pure: a document and a patch go in, a document or a [`PatchError`] comes out. What a patched
//! document means (pruning, defaults, validation, ownership of fields) is decided by the callers
//! (apiserver/pkg/endpoints/handlers/patch.go).

pub mod decode;
pub mod json;
pub mod merge;
pub mod strategic;

/// Why a patch cannot be applied. The variants differ in the HTTP status they lead to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch is no patch: `400 BadRequest` with this text.
    #[error("{0}")]
    Malformed(String),
    /// A JSON patch of too many operations: `413 RequestEntityTooLarge`.
    #[error(
        "Request entity too large: The allowed maximum operations in a JSON patch is {limit}, got {0}",
        limit = json::MAX_OPERATIONS
    )]
    TooManyOperations(usize),
    /// The patch does not fit the document: `422 Invalid`. Kubernetes shows clients only the generic text; the
    /// reason is kept for people who debug.
    #[error("the server rejected our request due to an error in our request")]
    DoesNotApply {
        /// What did not fit, in the words of the patch library.
        reason: String,
    },
    /// An error that Kubernetes does not classify: `500` without a reason.
    #[error("{0}")]
    Unclassified(String),
}

impl PatchError {
    /// The HTTP status that Kubernetes answers with.
    pub fn status(&self) -> u16 {
        match self {
            PatchError::Malformed(_) => 400,
            PatchError::TooManyOperations(_) => 413,
            PatchError::DoesNotApply { .. } => 422,
            PatchError::Unclassified(_) => 500,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    /// JSON of few names and few values, so that two draws have much in common.
    pub(crate) fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3i64).prop_map(Value::from),
            "[ab]".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect::<Value>()),
            ]
        })
    }
}
