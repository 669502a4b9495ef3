//! Sets of fields (structured-merge-diff/fieldpath/set.go).
//!
//! A set is a tree of path elements, each node sorted. That a field is in the set says nothing about the fields
//! around it: a manager can own an object without its members, and members without the object.

use super::path::PathElement;
use std::fmt;

/// A set of fields below some value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) element: PathElement,
    /// Whether the field itself is in the set.
    pub(super) member: bool,
    /// The fields of the set below this one.
    pub(super) below: Set,
}

/// A path of the set, printed as in error texts: `.spec.ports[port=80].name`.
pub struct Path<'a>(Vec<&'a PathElement>);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|element| write!(f, "{element}"))
    }
}

impl Set {
    /// Whether no field is in the set.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds a field and what is below it; nothing at all adds nothing.
    pub(super) fn add(&mut self, element: PathElement, member: bool, below: Set) {
        if !member && below.is_empty() {
            return;
        }
        let entry = Entry { element, member, below };
        match self.entries.last() {
            Some(last) if last.element >= entry.element => match self.find(&entry.element) {
                Ok(at) => {
                    self.entries[at].member |= entry.member;
                    let known = std::mem::take(&mut self.entries[at].below);
                    self.entries[at].below = known.union(entry.below);
                }
                Err(at) => self.entries.insert(at, entry),
            },
            _ => self.entries.push(entry),
        }
    }

    /// Whether the field directly below is in the set.
    pub(super) fn has(&self, element: &PathElement) -> bool {
        self.find(element).is_ok_and(|at| self.entries[at].member)
    }

    /// What the set has below a field.
    pub(super) fn below(&self, element: &PathElement) -> Option<&Set> {
        let at = self.find(element).ok()?;
        Some(&self.entries[at].below)
    }

    fn find(&self, element: &PathElement) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.element.cmp(element))
    }

    /// What is in either set.
    pub fn union(self, other: Set) -> Set {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let mut entries = Vec::with_capacity(self.entries.len().max(other.entries.len()));
        let (mut left, mut right) =
            (self.entries.into_iter().peekable(), other.entries.into_iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            match a.element.cmp(&b.element) {
                std::cmp::Ordering::Less => entries.extend(left.next()),
                std::cmp::Ordering::Greater => entries.extend(right.next()),
                std::cmp::Ordering::Equal => {
                    if let (Some(a), Some(b)) = (left.next(), right.next()) {
                        entries.push(Entry {
                            element: a.element,
                            member: a.member || b.member,
                            below: a.below.union(b.below),
                        });
                    }
                }
            }
        }
        entries.extend(left);
        entries.extend(right);
        Set { entries }
    }

    /// What is in both sets.
    pub fn intersection(&self, other: &Set) -> Set {
        self.zip(other, |a, b| {
            let b = b?;
            Some((a.member && b.member, a.below.intersection(&b.below)))
        })
    }

    /// What is in this set and not in the other. A field does not take those below it along.
    pub fn difference(mut self, other: &Set) -> Set {
        let mut others = other.entries.iter().peekable();
        self.entries.retain_mut(|entry| {
            while others.next_if(|candidate| candidate.element < entry.element).is_some() {}
            if let Some(same) = others.next_if(|candidate| candidate.element == entry.element) {
                entry.member &= !same.member;
                entry.below = std::mem::take(&mut entry.below).difference(&same.below);
            }
            entry.member || !entry.below.is_empty()
        });
        self
    }

    /// What is in this set and neither in the other nor below a field of the other.
    pub fn recursive_difference(&self, other: &Set) -> Set {
        self.zip(other, |a, b| match b {
            None => Some((a.member, a.below.clone())),
            Some(b) if b.member => None,
            Some(b) => Some((a.member, a.below.recursive_difference(&b.below))),
        })
    }

    /// Rebuilds this set entry by entry, given the entry of the same field in the other set.
    fn zip(&self, other: &Set, choose: impl Fn(&Entry, Option<&Entry>) -> Option<(bool, Set)>) -> Set {
        let mut entries = Vec::with_capacity(self.entries.len());
        let mut others = other.entries.iter().peekable();
        for entry in &self.entries {
            while others.next_if(|candidate| candidate.element < entry.element).is_some() {}
            let same = others.next_if(|candidate| candidate.element == entry.element);
            if let Some((member, below)) = choose(entry, same)
                && (member || !below.is_empty())
            {
                entries.push(Entry { element: entry.element.clone(), member, below });
            }
        }
        Set { entries }
    }

    /// Drops a field and everything below it.
    pub fn remove_tree(&mut self, path: &[&str]) {
        let [first, rest @ ..] = path else { return };
        let Some(at) = self.entries.iter().position(|entry| entry.element.is_field(first)) else { return };
        if rest.is_empty() {
            self.entries.remove(at);
            return;
        }
        self.entries[at].below.remove_tree(rest);
        if !self.entries[at].member && self.entries[at].below.is_empty() {
            self.entries.remove(at);
        }
    }

    /// Drops a field but keeps what is below it.
    pub fn remove_field(&mut self, path: &[&str]) {
        let [first, rest @ ..] = path else { return };
        let Some(at) = self.entries.iter().position(|entry| entry.element.is_field(first)) else { return };
        let entry = &mut self.entries[at];
        if rest.is_empty() {
            entry.member = false;
        } else {
            entry.below.remove_field(rest);
        }
        if !entry.member && entry.below.is_empty() {
            self.entries.remove(at);
        }
    }

    /// All fields of the set, in the order of upstream: at each level first the fields, then what is below them.
    pub fn paths(&self) -> Vec<Path<'_>> {
        let mut paths = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect_paths<'a>(&'a self, prefix: &mut Vec<&'a PathElement>, paths: &mut Vec<Path<'a>>) {
        for entry in self.entries.iter().filter(|entry| entry.member) {
            let mut path = prefix.clone();
            path.push(&entry.element);
            paths.push(Path(path));
        }
        for entry in &self.entries {
            prefix.push(&entry.element);
            entry.below.collect_paths(prefix, paths);
            prefix.pop();
        }
    }
}

impl PathElement {
    fn is_field(&self, name: &str) -> bool {
        matches!(self, PathElement::Field(field) if field == name)
    }
}
