//! Ownership seen through `/scale` (apimachinery/pkg/util/managedfields/scalehandler.go).
//!
//! A Scale is another object than its parent: who owns the parent's replicas owns `.spec.replicas` of the Scale,
//! in the Scale's version. After a write the owners are taken back into the parent. The parent's other owners keep
//! what they own; as upstream, an owner by update ends up with an entry of its own for the replicas, without a time.

use super::managers::{Entry, Manager, Managers, Operation};
use super::path::PathElement;
use super::set::Set;
use serde_json::Value;

/// The apiVersion of every Scale.
const SCALE_VERSION: &str = "autoscaling/v1";
const REPLICAS_IN_SCALE: [&str; 2] = ["spec", "replicas"];

/// `managedFields` of the Scale of an object with these; `replicas` is the path to the parent's replicas.
///
/// # Errors
/// The text for malformed managedFields.
pub fn to_scale(parent: Option<&Value>, replicas: &[&str]) -> Result<Option<Value>, String> {
    let parent = Managers::decode(parent)?;
    let entries =
        parent.entries().iter().filter(|entry| contains(&entry.fields, replicas)).map(|entry| Entry {
            manager: Manager { api_version: SCALE_VERSION.to_owned(), ..entry.manager.clone() },
            time: entry.time,
            fields: only(&REPLICAS_IN_SCALE),
        });
    Ok(Managers::from_entries(entries.collect()).encode())
}

/// `managedFields` of an object after a write to its Scale, which left the Scale with `scale`.
///
/// # Errors
/// The text for malformed managedFields.
pub fn to_parent(
    parent: Option<&Value>,
    scale: Option<&Value>,
    api_version: &str,
    replicas: &[&str],
) -> Result<Option<Value>, String> {
    let parent = Managers::decode(parent)?;
    let scale = Managers::decode(scale)?;
    let still_owns =
        |entry: &Entry| entry.manager.operation == Operation::Apply && scale.get(&entry.manager).is_some();
    let mut entries: Vec<Entry> = Vec::new();
    for entry in parent.entries() {
        let mut entry = entry.clone();
        if contains(&entry.fields, replicas) && !still_owns(&entry) {
            entry.fields = entry.fields.difference(&only(replicas));
        }
        if !entry.fields.is_empty() {
            entries.push(entry);
        }
    }
    for entry in scale.entries().iter().filter(|entry| contains(&entry.fields, &REPLICAS_IN_SCALE)) {
        let is_kept = parent.get(&entry.manager).is_some_and(|known| contains(&known.fields, replicas));
        if is_kept && entry.manager.operation == Operation::Apply {
            continue;
        }
        entries.push(Entry {
            manager: Manager { api_version: api_version.to_owned(), ..entry.manager.clone() },
            time: None,
            fields: only(replicas),
        });
    }
    Ok(Managers::from_entries(entries).encode())
}

fn only(path: &[&str]) -> Set {
    let mut set = Set::default();
    for (depth, name) in path.iter().rev().enumerate() {
        let mut outer = Set::default();
        outer.add(PathElement::Field((*name).to_owned()), depth == 0, set);
        set = outer;
    }
    set
}

fn contains(set: &Set, path: &[&str]) -> bool {
    let [first, rest @ ..] = path else { return false };
    let element = PathElement::Field((*first).to_owned());
    match rest {
        [] => set.has(&element),
        rest => set.below(&element).is_some_and(|below| contains(below, rest)),
    }
}
