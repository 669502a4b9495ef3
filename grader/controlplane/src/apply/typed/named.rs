//! Sets of fields seen with a schema (fieldpath/set.go, typed/reconcile_schema.go).

use super::super::path::PathElement;
use super::super::set::Set;
use super::super::shape::{Items, Kind, Shape};

/// The set, and with every field also the named fields on the way to it: who sets `spec.size` also sets `spec`,
/// which no manager is said to own as such.
pub(crate) fn with_named_fields(shape: Option<Shape<'_>>, set: &Set) -> Set {
    let mut result = Set::default();
    for entry in set.entries() {
        let is_named = match (&entry.element, shape) {
            (PathElement::Field(name), Some(shape)) => shape.named_field(name).is_some(),
            _ => false,
        };
        let member = entry.member || (is_named && !entry.below.is_empty());
        let below = with_named_fields(child(shape, &entry.element), &entry.below);
        result.add(entry.element.clone(), member, below);
    }
    result
}

/// The set as it would be had the schema always been as it is: what is atomic now is owned as a whole.
pub(crate) fn reconcile(shape: Shape<'_>, set: Set) -> Set {
    if !needs_reconciling(shape, &set) {
        return set;
    }
    let mut result = Set::default();
    for entry in set.entries() {
        let (mut member, mut below) = (entry.member, entry.below.clone());
        if let Some(child) = child(Some(shape), &entry.element)
            && !below.is_empty()
        {
            if is_atomic(child) {
                (member, below) = (true, Set::default());
            } else {
                below = reconcile(child, below);
            }
        }
        result.add(entry.element.clone(), member, below);
    }
    result
}

fn needs_reconciling(shape: Shape<'_>, set: &Set) -> bool {
    set.entries().iter().filter(|entry| !entry.below.is_empty()).any(|entry| {
        child(Some(shape), &entry.element)
            .is_some_and(|child| is_atomic(child) || needs_reconciling(child, &entry.below))
    })
}

fn is_atomic(shape: Shape<'_>) -> bool {
    match shape.kind(None) {
        Kind::Map => shape.is_atomic_map() && !shape.is_deduced(),
        Kind::List => matches!(shape.items(), Items::Atomic),
        Kind::Scalar(_) => false,
    }
}

fn child<'a>(shape: Option<Shape<'a>>, element: &PathElement) -> Option<Shape<'a>> {
    match element {
        PathElement::Field(name) => shape?.field(name),
        PathElement::Key(_) => Some(shape?.item()),
        PathElement::Value(_) | PathElement::Index(_) => None,
    }
}
