//! Values together with their schema (structured-merge-diff/typed): what a value consists of, what changed
//! between two, how one is laid over the other, and what is left without some fields.
//!
//! [`validate()`] comes first: the other functions assume values that it accepts, and pass over what it would not.

mod changes;
mod field_set;
mod merge;
mod named;
mod remove;
mod validate;

pub(super) use changes::changes;
pub(super) use field_set::field_set;
pub(super) use merge::merge;
pub(super) use named::{reconcile, with_named_fields};
pub(super) use remove::remove;
pub(super) use validate::{Duplicates, validate};

use serde_json::{Map, Value};

/// The members of a map, none if there are none.
fn members(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value?.as_object().filter(|members| !members.is_empty())
}

/// The items of a list, none if there are none.
fn items(value: Option<&Value>) -> Option<&Vec<Value>> {
    value?.as_array().filter(|items| !items.is_empty())
}
