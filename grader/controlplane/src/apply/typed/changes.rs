//! What changed from one value to another (typed/compare.go).

use super::super::path::{PathElement, equal};
use super::super::set::Set;
use super::super::shape::{Items, Kind, Shape, item_element};
use super::{items, members};
use serde_json::{Map, Value};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The fields that changed from one value to another; no field is in two of the sets.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changes {
    pub(crate) removed: Set,
    pub(crate) modified: Set,
    pub(crate) added: Set,
}

impl Changes {
    /// Drops fields, with everything below them.
    pub(crate) fn ignore(&mut self, fields: &[&[&str]]) {
        for field in fields {
            self.removed.remove_tree(field);
            self.modified.remove_tree(field);
            self.added.remove_tree(field);
        }
    }

    /// All of them.
    pub(crate) fn all(self) -> Set {
        self.removed.union(self.modified).union(self.added)
    }
}

/// Compares two values of one shape; none stands for no value at all.
pub(crate) fn changes(shape: Shape<'_>, old: Option<&Value>, new: Option<&Value>) -> Changes {
    visit(shape, old, new).below
}

/// What changed at a node and below it.
#[derive(Default)]
struct Node {
    here: Option<Change>,
    below: Changes,
}

#[derive(Clone, Copy, PartialEq)]
enum Change {
    Removed,
    Modified,
    Added,
}

impl Changes {
    /// Adds what changed at a member; most members did not change, and then nobody needs their path.
    fn add(&mut self, element: impl Fn() -> PathElement, node: Node) {
        let Node { here, below: Changes { removed, modified, added } } = node;
        let insert = |set: &mut Set, change, below: Set| {
            let member = here == Some(change);
            if member || !below.is_empty() {
                set.add(element(), member, below);
            }
        };
        insert(&mut self.removed, Change::Removed, removed);
        insert(&mut self.modified, Change::Modified, modified);
        insert(&mut self.added, Change::Added, added);
    }
}

fn visit(shape: Shape<'_>, old: Option<&Value>, new: Option<&Value>) -> Node {
    let kind = shape.kind(new.or(old));
    if let (Some(old_value), Some(_)) = (old, new)
        && shape.kind(Some(old_value)) != kind
    {
        // A field without a type that was one kind and is now another: its old members go, it changes itself,
        // and its new members come.
        let before = visit_as(shape.kind(Some(old_value)), shape, old, new);
        let after = visit_as(kind, shape, old, new);
        let below = Changes {
            removed: before.below.removed.union(after.below.removed),
            modified: before.below.modified.union(after.below.modified),
            added: before.below.added.union(after.below.added),
        };
        return Node { here: before.here.or(after.here), below };
    }
    visit_as(kind, shape, old, new)
}

fn visit_as(kind: Kind, shape: Shape<'_>, old: Option<&Value>, new: Option<&Value>) -> Node {
    match kind {
        Kind::Scalar(_) => leaf(old, new),
        Kind::Map => {
            let (before, after) = (members(old), members(new));
            // Two empty maps are compared as a whole, so that empty and null can be told apart.
            if shape.is_atomic_map() || (before.is_none() && after.is_none()) {
                return leaf(old, new);
            }
            Node { here: appearance(old, new), below: visit_members(shape, before, after) }
        }
        Kind::List => {
            let (before, after) = (items(old), items(new));
            if matches!(shape.items(), Items::Atomic) || (before.is_none() && after.is_none()) {
                return leaf(old, new);
            }
            let none = Vec::new();
            let below = visit_items(shape, before.unwrap_or(&none), after.unwrap_or(&none));
            Node { here: appearance(old, new), below }
        }
    }
}

fn leaf(old: Option<&Value>, new: Option<&Value>) -> Node {
    let here = match (old, new) {
        (Some(old), Some(new)) => (!equal(old, new)).then_some(Change::Modified),
        _ => appearance(old, new),
    };
    Node { here, below: Changes::default() }
}

fn appearance(old: Option<&Value>, new: Option<&Value>) -> Option<Change> {
    match (old, new) {
        (None, _) => Some(Change::Added),
        (_, None) => Some(Change::Removed),
        _ => None,
    }
}

fn visit_members(
    shape: Shape<'_>,
    old: Option<&Map<String, Value>>,
    new: Option<&Map<String, Value>>,
) -> Changes {
    let mut changes = Changes::default();
    let mut visit_member = |name: &String, old: Option<&Value>, new: Option<&Value>| {
        let Some(field) = shape.field(name) else { return };
        let node = visit(field, old, new);
        changes.add(|| PathElement::Field(name.clone()), node);
    };
    let mut before = old.into_iter().flatten().peekable();
    let mut after = new.into_iter().flatten().peekable();
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return changes,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let old = if order.is_le() { before.next() } else { None };
        let new = if order.is_ge() { after.next() } else { None };
        if let Some((name, _)) = old.or(new) {
            visit_member(name, old.map(|(_, value)| value), new.map(|(_, value)| value));
        }
    }
}

fn visit_items(shape: Shape<'_>, old: &[Value], new: &[Value]) -> Changes {
    let mut by_element: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    for item in old {
        if let Ok(element) = item_element(shape, item) {
            by_element.entry(element).or_default().0.push(item);
        }
    }
    for item in new {
        if let Ok(element) = item_element(shape, item) {
            by_element.entry(element).or_default().1.push(item);
        }
    }
    let mut changes = Changes::default();
    for (element, (before, after)) in by_element {
        let node = match (before.as_slice(), after.as_slice()) {
            ([], []) => continue,
            ([], [item]) => visit(shape.item(), None, Some(item)),
            ([item], []) => visit(shape.item(), Some(item), None),
            ([old], [new]) => visit(shape.item(), Some(old), Some(new)),
            // Items of one key are compared as one value; where there was or is only one, its fields go or come.
            ([old], [_, ..]) => {
                let gone = visit(shape.item(), Some(old), None);
                Node { here: Some(Change::Added), ..gone }
            }
            ([_, ..], [new]) => {
                let come = visit(shape.item(), None, Some(new));
                Node { here: Some(Change::Removed), ..come }
            }
            ([], _) => Node { here: Some(Change::Added), ..Node::default() },
            (_, []) => Node { here: Some(Change::Removed), ..Node::default() },
            (old, new) => {
                let same = old.len() == new.len() && old.iter().zip(new).all(|(old, new)| equal(old, new));
                Node { here: (!same).then_some(Change::Modified), ..Node::default() }
            }
        };
        changes.add(|| element.clone(), node);
    }
    changes
}
