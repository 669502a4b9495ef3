//! An applied configuration laid over an object (typed/merge.go).

use super::super::path::PathElement;
use super::super::shape::{Items, Kind, Shape, item_element};
use super::{items, members};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Lays `applied` over `live`: nothing goes away, what both have is as in `applied`, and lists come in the order of
/// `applied`, with the items it does not have where they were.
///
/// None if neither has anything.
pub(crate) fn merge(shape: Shape<'_>, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    let Some(new) = applied else { return live.cloned() };
    match shape.kind(Some(new)) {
        Kind::Scalar(_) => Some(new.clone()),
        Kind::Map => {
            let (old, new_members) = (members(live), members(applied));
            if shape.is_atomic_map() || (old.is_none() && new_members.is_none()) {
                return Some(new.clone());
            }
            let mut merged = old.cloned().unwrap_or_default();
            for (name, value) in new_members.into_iter().flatten() {
                let Some(field) = shape.field(name) else { continue };
                let current = merged.remove(name);
                if let Some(value) = merge(field, current.as_ref(), Some(value)) {
                    merged.insert(name.clone(), value);
                }
            }
            Some(Value::Object(merged)).filter(|merged| merged != &Value::Object(Map::new()))
        }
        Kind::List => {
            let (old, new_items) = (items(live), items(applied));
            if matches!(shape.items(), Items::Atomic) || (old.is_none() && new_items.is_none()) {
                return Some(new.clone());
            }
            let none = Vec::new();
            let merged = merge_items(shape, old.unwrap_or(&none), new_items.unwrap_or(&none));
            (!merged.is_empty()).then_some(Value::Array(merged))
        }
    }
}

/// Walks both lists at once. Items of both are merged where `applied` has them; items that only the live list has
/// stay before the next item that both have.
fn merge_items(shape: Shape<'_>, live: &[Value], applied: &[Value]) -> Vec<Value> {
    let index = |items: &'_ [Value]| -> Vec<(PathElement, usize)> {
        let elements = items.iter().enumerate();
        elements.filter_map(|(at, item)| Some((item_element(shape, item).ok()?, at))).collect()
    };
    let (old, new) = (index(live), index(applied));
    // A live item that is there twice is not merged: the applied one replaces both.
    let mut live_by_element: BTreeMap<&PathElement, Option<&Value>> = BTreeMap::new();
    for (element, at) in &old {
        live_by_element.entry(element).and_modify(|item| *item = None).or_insert(Some(&live[*at]));
    }
    let applied_elements: BTreeSet<&PathElement> = new.iter().map(|(element, _)| element).collect();
    let mut shared =
        new.iter().map(|(element, _)| element).filter(|e| live_by_element.contains_key(e)).peekable();

    let mut merged = Vec::with_capacity(live.len().max(applied.len()));
    let mut done: BTreeSet<&PathElement> = BTreeSet::new();
    let (mut l, mut r) = (0, 0);
    while l < old.len() || r < new.len() {
        if let (Some((left, _)), Some((right, at))) = (old.get(l), new.get(r)) {
            if left == right {
                let current = live_by_element.get(left).copied().flatten();
                merged.extend(merge(shape.item(), current, Some(&applied[*at])));
                done.insert(right);
                l += 1;
                r += 1;
                shared.next();
                continue;
            }
            if applied_elements.contains(left) && shared.peek().is_some_and(|next| *next != left) {
                // An item of both, but not the one whose turn it is.
                l += 1;
                continue;
            }
        }
        if let Some((left, at)) = old.get(l) {
            if !applied_elements.contains(left) {
                merged.push(live[*at].clone());
                l += 1;
                continue;
            }
            if done.contains(left) {
                l += 1;
            }
        }
        if let Some((right, at)) = new.get(r) {
            let current = live_by_element.get(right).copied().flatten();
            merged.extend(merge(shape.item(), current, Some(&applied[*at])));
            done.insert(right);
            r += 1;
            if shared.peek() == Some(&right) {
                shared.next();
            }
        }
    }
    merged
}
