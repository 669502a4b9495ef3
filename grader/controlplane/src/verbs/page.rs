//! What a list answers with.

use serde_json::Value;
use std::sync::Arc;

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Arc<Value>>,
    /// What was listed; none for what is not stored.
    pub(crate) revision: Option<u64>,
    /// Where the next page begins; none on the last page.
    pub(crate) next: Option<String>,
    pub(crate) remaining: Option<usize>,
}
