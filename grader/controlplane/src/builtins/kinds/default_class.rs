//! Which class of several marked as the default counts: the newest, of those the first by name
//! (plugin/pkg/admission/network/defaultingressclass, pkg/volume/util/storageclass.go).

use crate::builtins::fields::{at, text};
use crate::object;
use serde_json::Value;
use std::cmp::Reverse;
use std::sync::Arc;

/// The name of the default one.
pub(super) fn name<'a>(classes: &'a [Arc<Value>], annotation: &str) -> Option<&'a str> {
    let marked = classes.iter().filter(|class| at(class, "/metadata/annotations")[annotation] == "true");
    let newest =
        marked.max_by_key(|class| (text(class, "/metadata/creationTimestamp"), Reverse(object::name(class))));
    newest.map(|class| object::name(class))
}
