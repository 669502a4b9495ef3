//! The items of lists.

use super::super::super::Schema;
use super::super::meter::CALL_LIMIT;
use super::Value;
use serde_json::Value as Json;
use std::rc::Rc;

/// How many lists, one in the other, are looked through for an item before they are copied into one.
const DEEPEST: usize = 32;
/// Shorter lists are copied at once.
const SHORT: usize = 16;

/// The items of a list that an expression has made.
#[derive(Debug)]
pub(in super::super) enum Items<'a> {
    Made(Vec<Value<'a>>),
    /// One list after another. As in Kubernetes, joining lists copies nothing: what is joined with itself again and
    /// again may have more items than there is memory for.
    Joined {
        left: Value<'a>,
        right: Value<'a>,
        len: usize,
        depth: usize,
    },
}

impl Default for Items<'_> {
    fn default() -> Self {
        Items::Made(Vec::new())
    }
}

impl Items<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Items::Made(items) => items.len(),
            Items::Joined { len, .. } => *len,
        }
    }
}

impl<'a> Value<'a> {
    /// One list after another.
    pub(in super::super) fn joined(left: &Value<'a>, right: &Value<'a>) -> Value<'a> {
        let len = joined_len(left, right);
        if len <= SHORT || is_too_deep(left, right) {
            return Value::list(left.each().chain(right.each()).collect());
        }
        let (left, right, depth) = (left.clone(), right.clone(), joined_depth(left, right));
        Value::List(Rc::new(Items::Joined { left, right, len, depth }.into()))
    }

    /// How many items [`joined`](Self::joined) copies.
    pub(in super::super) fn copied_when_joined(left: &Value<'_>, right: &Value<'_>) -> usize {
        if is_too_deep(left, right) { joined_len(left, right) } else { 0 }
    }

    /// An item of a list.
    pub(in super::super) fn item(&self, mut index: usize) -> Option<Value<'a>> {
        let mut list = self;
        loop {
            match list {
                Value::JsonList(items, schema) => return Some(json_item(items.get(index)?, *schema)),
                Value::List(items) => match &***items {
                    Items::Made(items) => return items.get(index).cloned(),
                    Items::Joined { left, right, .. } => match index.checked_sub(left.len()?) {
                        None => list = left,
                        Some(rest) => (list, index) = (right, rest),
                    },
                },
                _ => return None,
            }
        }
    }

    /// The items of a list, one after the other; none of other values.
    pub(in super::super) fn each(&self) -> impl Iterator<Item = Value<'a>> {
        (0..).map_while(|index| self.item(index))
    }

    /// All items of a list; `None` for other values, and for lists that are longer than any evaluation can look through.
    pub(in super::super) fn items(&self) -> Option<Vec<Value<'a>>> {
        let is_list = matches!(self, Value::List(_) | Value::JsonList(..));
        (is_list && self.len()? as u64 <= CALL_LIMIT).then(|| self.each().collect())
    }
}

fn joined_len(left: &Value<'_>, right: &Value<'_>) -> usize {
    left.len().unwrap_or_default().saturating_add(right.len().unwrap_or_default())
}

fn is_too_deep(left: &Value<'_>, right: &Value<'_>) -> bool {
    joined_depth(left, right) > DEEPEST
}

fn joined_depth(left: &Value<'_>, right: &Value<'_>) -> usize {
    let depth = |list: &Value<'_>| match list {
        Value::List(items) => match &***items {
            Items::Made(_) => 0,
            Items::Joined { depth, .. } => *depth,
        },
        _ => 0,
    };
    depth(left).max(depth(right)) + 1
}

fn json_item<'a>(item: &'a Json, schema: Option<&'a Schema>) -> Value<'a> {
    match schema.map(|schema| schema.items.as_deref()) {
        Some(Some(schema)) => Value::of(item, schema, schema.embedded_resource),
        Some(None) => Value::Null,
        None => Value::dynamic(item),
    }
}
