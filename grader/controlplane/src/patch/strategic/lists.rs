//! Lists of a strategic merge patch: merged item by item, and put into order.

use super::{DIRECTIVE, SET_ELEMENT_ORDER, bad_type, merge_key, merge_map, no_merge_key, unknown_patch_type};
use crate::go_text;
use crate::patch::PatchError;
use crate::schema::Schema;
use serde_json::Value;
use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};

/// The items of the patch that stay must come in the order that `$setElementOrder` gives.
pub(super) fn check_element_order(
    patch: &[Value],
    order: &[Value],
    merge_key: Option<&str>,
) -> Result<(), PatchError> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut ordered = order.iter();
    for item in patch.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        loop {
            let Some(candidate) = ordered.next() else {
                return Err(PatchError::Unclassified(format!(
                    "The order in patch list:\n{}\n doesn't match {SET_ELEMENT_ORDER} list:\n{}\n",
                    go_text::plain_list(patch),
                    go_text::plain_list(order)
                )));
            };
            if identity(item, merge_key)? == identity(candidate, merge_key)? {
                break;
            }
        }
    }
    Ok(())
}

pub(super) fn merge_list(
    original: Vec<Value>,
    patch: Vec<Value>,
    field: Option<&Schema>,
) -> Result<Vec<Value>, PatchError> {
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    match element_type(&[&original, &patch])? {
        "map[string]interface {}" => {
            let key = merge_key(field).ok_or_else(|| {
                PatchError::Unclassified("cannot merge lists without merge key for struct".to_owned())
            })?;
            merge_list_of_maps(original, patch, field, key)
        }
        _ => {
            let mut merged = original.clone();
            merged.extend(patch.iter().cloned());
            let merged = deduplicated(merged);
            in_order(merged, &patch, &original, None)
        }
    }
}

fn merge_list_of_maps(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    field: Option<&Schema>,
    key: &str,
) -> Result<Vec<Value>, PatchError> {
    let mut items = Vec::new();
    let mut deleted = HashSet::new();
    let mut replaces = false;
    for item in patch {
        let Value::Object(item) = item else { continue };
        let Some(directive) = item.get(DIRECTIVE) else {
            items.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                deleted.insert(item.get(key).cloned().ok_or_else(|| no_merge_key(&item, key))?);
            }
            Some("replace") => replaces = true,
            Some("merge") => {
                return Err(PatchError::Unclassified(
                    "merging lists cannot yet be specified in the patch".to_owned(),
                ));
            }
            _ => return Err(unknown_patch_type(directive, &item)),
        }
    }
    original.retain(|candidate| candidate.get(key).is_none_or(|found| !deleted.contains(found)));
    if replaces {
        original = items.into_iter().map(Value::Object).collect();
        items = Vec::new();
    }
    let element = field.and_then(|field| field.items.as_deref());
    let order: Vec<Value> = items.iter().cloned().map(Value::Object).collect();
    let mut merged = original.clone();
    let mut places: HashMap<Value, usize> = HashMap::new();
    for (place, item) in merged.iter().enumerate() {
        if let Some(found) = item.get(key) {
            places.entry(found.clone()).or_insert(place);
        }
    }
    for item in items {
        let wanted = item.get(key).cloned().ok_or_else(|| no_merge_key(&item, key))?;
        match places.entry(wanted) {
            Entry::Occupied(place) => {
                let current = &mut merged[*place.get()];
                let object = current.as_object_mut().map(std::mem::take).unwrap_or_default();
                *current = Value::Object(merge_map(object, item, element)?);
            }
            Entry::Vacant(place) => {
                place.insert(merged.len());
                merged.push(Value::Object(item));
            }
        }
    }
    in_order(merged, &order, &original, Some(key))
}

/// Orders a merged list: what `order` names comes in its order, the rest in the order of the live list; where both
/// meet, the live list decides, and what it does not know comes first.
pub(super) fn in_order(
    merged: Vec<Value>,
    order: &[Value],
    live: &[Value],
    merge_key: Option<&str>,
) -> Result<Vec<Value>, PatchError> {
    let (in_order, in_live) = (positions(order, merge_key), positions(live, merge_key));
    let position = |item: &Value, list: &HashMap<Option<&Value>, usize>| -> Option<usize> {
        list.get(&item_key(item, merge_key)).copied()
    };
    for item in merged.iter().chain(order) {
        identity(item, merge_key)?;
    }
    let (mut named, mut others): (Vec<_>, Vec<_>) =
        merged.into_iter().partition(|item| position(item, &in_order).is_some());
    named.sort_by_key(|item| position(item, &in_order));
    others.sort_by_key(|item| position(item, &in_live));
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    let mut ordered = Vec::new();
    loop {
        let takes_other = match (others.peek(), named.peek()) {
            (None, None) => return Ok(ordered),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(other), Some(named)) => match (position(other, &in_live), position(named, &in_live)) {
                (Some(other), Some(named)) => other < named,
                _ => false,
            },
        };
        ordered.extend(if takes_other { others.next() } else { named.next() });
    }
}

pub(super) fn delete_from_list(current: Vec<Value>, deleted: Vec<Value>) -> Result<Vec<Value>, PatchError> {
    if current.is_empty() && deleted.is_empty() {
        return Ok(current);
    }
    element_type(&[&current, &deleted])?;
    let deleted: HashSet<&Value> = deleted.iter().collect();
    Ok(current.into_iter().filter(|item| !deleted.contains(item)).collect())
}

/// The one type of all items.
pub(super) fn element_type(lists: &[&[Value]]) -> Result<&'static str, PatchError> {
    let mut found = None;
    for item in lists.iter().flat_map(|list| list.iter()) {
        if item.is_array() && found.is_none() {
            return Err(PatchError::DoesNotApply { reason: "lists of lists are not supported".to_owned() });
        }
        let type_name = go_text::type_name(item);
        if *found.get_or_insert(type_name) != type_name {
            let lists: Vec<_> = lists.iter().map(|list| go_text::plain_list(list)).collect();
            return Err(PatchError::Unclassified(format!(
                "list element types are not identical: [{}]",
                lists.join(" ")
            )));
        }
    }
    found.ok_or_else(|| PatchError::Unclassified("no elements in any of the given slices".to_owned()))
}

/// What tells an item from others: its merge key, or the scalar itself.
fn identity<'a>(item: &'a Value, merge_key: Option<&str>) -> Result<&'a Value, PatchError> {
    match (merge_key, item) {
        (None, item) => Ok(item),
        (Some(key), Value::Object(fields)) => fields.get(key).ok_or_else(|| no_merge_key(fields, key)),
        (Some(_), other) => Err(bad_type("map[string]interface {}", other)),
    }
}

fn item_key<'a>(item: &'a Value, merge_key: Option<&str>) -> Option<&'a Value> {
    match merge_key {
        None => Some(item),
        Some(key) => item.get(key),
    }
}

/// Where the items of a list stand, each for the first time.
fn positions<'a>(list: &'a [Value], merge_key: Option<&str>) -> HashMap<Option<&'a Value>, usize> {
    let mut positions = HashMap::new();
    for (place, item) in list.iter().enumerate() {
        positions.entry(item_key(item, merge_key)).or_insert(place);
    }
    positions
}

fn deduplicated(mut items: Vec<Value>) -> Vec<Value> {
    let mut seen = HashSet::new();
    items.retain(|item| seen.insert(item.clone()));
    items
}
