//! `x-kubernetes-validations` (apiextensions-apiserver/pkg/apiserver/schema/cel).
//!
//! Expressions are parsed once, with the schema. Parsing is bounded in length and depth, evaluating in cost, and a
//! rule that cannot be evaluated is an error of the object: nothing passes because a rule was not understood.
//!
//! Parser, types and evaluation are our own, because rules must be typed by the schema, cost what they cost in
//! Kubernetes and fail in its words; the functions of Kubernetes' extension types come from the kube-cel crate.

mod ast;
mod authorization;
mod check;
mod composition;
mod cost;
mod escaping;
mod evaluate;
mod expression;
mod extent;
pub mod field_path;
mod functions;
mod lexer;
mod macros;
mod meter;
mod parser;
mod rule;
mod scope;
mod signatures;
mod types;
mod value;

pub(crate) use authorization::{Requester, ResourceCheck};
pub(crate) use expression::{Activation, Evaluation, Expression, Variable, Wanted};
pub use rule::{Rule, RuleCheck};
pub(crate) use scope::Scope;

use super::Schema;
use super::pruning::is_meta_field;
use super::validation::{OldItems, equal, old_field};
use crate::field_error::{FieldError, FieldPath};
use serde_json::Value;

/// The most that all rules of one object may cost (`RuntimeCELCostBudget`).
const BUDGET: u64 = 10_000_000;

/// What evaluating rules found.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Rules that a value fails.
    pub errors: Vec<FieldError>,
    /// Rules that a value fails as it did before the update: these are only warned about.
    pub ratcheted: Vec<FieldError>,
}

/// Evaluates every rule on a whole object, or with `old` on its update. The object has been validated before.
pub fn validate(schema: &Schema, new: &Value, old: Option<&Value>) -> Outcome {
    let mut walk = Walk::default();
    let place = Place {
        old,
        ratchet: Ratchet { current: old.map(|old| (schema, new, old)), parent: None },
        is_resource: true,
    };
    walk.node(schema, new, place, FieldPath::root(""));
    walk.outcome
}

/// Evaluates every rule on a value that stands for itself, such as a default: unchanged, and newly written.
pub fn validate_value(schema: &Schema, value: &Value, path: &str, is_resource: bool) -> Vec<FieldError> {
    let errors = |old| {
        let mut walk = Walk::default();
        let place =
            Place { old, ratchet: Ratchet::default(), is_resource: is_resource || schema.embedded_resource };
        walk.node(schema, value, place, FieldPath::root(path));
        walk.outcome.errors
    };
    let unchanged = errors(Some(value));
    if unchanged.is_empty() { errors(None) } else { unchanged }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// What transition rules compare with.
    old: Option<&'a Value>,
    ratchet: Ratchet<'a>,
    is_resource: bool,
}

/// What a value is compared with to forgive its errors: its own old value or, without one, that of the nearest parent
/// that has one.
#[derive(Clone, Copy, Default)]
struct Ratchet<'a> {
    current: Option<(&'a Schema, &'a Value, &'a Value)>,
    parent: Option<(&'a Schema, &'a Value, &'a Value)>,
}

impl<'a> Ratchet<'a> {
    fn forgives(self) -> bool {
        self.current.or(self.parent).is_some_and(|(schema, new, old)| equal(schema, new, old))
    }

    fn below(
        self,
        schema: &'a Schema,
        new: &'a Value,
        old: impl Fn(&Schema, &'a Value) -> Option<&'a Value>,
    ) -> Self {
        match self.current {
            None => self,
            Some(current) => {
                let child = old(current.0, current.2).map(|old| (schema, new, old));
                Self { current: child, parent: Some(current) }
            }
        }
    }
}

#[derive(Default)]
struct Walk {
    outcome: Outcome,
    spent: u64,
    stopped: bool,
}

impl Walk {
    fn node<'a>(&mut self, schema: &'a Schema, value: &'a Value, place: Place<'a>, path: FieldPath<'_>) {
        if !schema.has_rules || value.is_null() || self.stopped {
            return;
        }
        let old = place.old.filter(|old| !old.is_null());
        for rule in &schema.rules {
            self.rule(rule, schema, value, Place { old, ..place }, path);
            if self.stopped {
                return;
            }
        }
        match value {
            Value::Object(fields) => {
                for (key, child) in fields {
                    // The versions of an object have been converted to one type: a change of it is not visible.
                    let is_type = place.ratchet.parent.is_none() && is_meta_field(key) && key != "metadata";
                    let below = |schema: &'a Schema| {
                        let ratchet =
                            place.ratchet.below(schema, child, |schema, old| old_field(schema, old, key));
                        let ratchet = if is_type { Ratchet::default() } else { ratchet };
                        Place {
                            old: old.and_then(|old| old.get(key)),
                            ratchet,
                            is_resource: schema.embedded_resource,
                        }
                    };
                    if let Some(schema) = &schema.additional_properties {
                        self.node(schema, child, below(schema), path.key(key));
                    }
                    if let Some(schema) = schema.properties.get(key) {
                        self.node(schema, child, below(schema), path.child(key));
                    }
                }
            }
            Value::Array(items) => {
                let Some(item_schema) = schema.items.as_deref() else { return };
                let old_items = OldItems::of(schema, old);
                let ratchet = place.ratchet.current;
                let ratchet_items =
                    ratchet.map(|(schema, _, old)| OldItems::of(schema, Some(old))).unwrap_or_default();
                for (index, item) in items.iter().enumerate() {
                    let below = Place {
                        old: old_items.get(item),
                        ratchet: place.ratchet.below(item_schema, item, |_, _| ratchet_items.get(item)),
                        is_resource: item_schema.embedded_resource,
                    };
                    self.node(item_schema, item, below, path.index(index));
                }
            }
            _ => {}
        }
    }

    fn rule<'a>(
        &mut self,
        rule: &'a Rule,
        schema: &'a Schema,
        value: &'a Value,
        place: Place<'a>,
        path: FieldPath<'_>,
    ) {
        let Some(judgement) = rule.judge(schema, value, place.old, place.is_resource) else { return };
        self.spent = self.spent.saturating_add(judgement.cost);
        let type_name = schema.type_.map(super::Type::name).unwrap_or_default();
        if self.spent > BUDGET {
            let detail = "validation failed due to running out of cost budget, no further validation rules will be run";
            self.outcome.errors.push(FieldError::invalid(shown(path), type_name, detail));
            self.stopped = true;
            return;
        }
        match judgement.verdict {
            rule::Verdict::Holds => {}
            rule::Verdict::Broken { detail, stops } => {
                self.outcome.errors.push(FieldError::invalid(shown(path), type_name, detail));
                self.stopped = stops;
            }
            rule::Verdict::Fails { detail } => {
                let error = rule.error(schema, value, path, detail);
                if !rule.uses_old_self() && place.ratchet.forgives() {
                    self.outcome.ratcheted.push(error);
                } else {
                    self.outcome.errors.push(error);
                }
            }
        }
    }
}

/// A step into a nested expression. How much of the stack a step takes depends on how the crate was built, and on whose
/// thread it runs; a stack that comes to its end is continued elsewhere.
fn deep<T>(step: impl FnOnce() -> T) -> T {
    const RED_ZONE: usize = 128 * 1024;
    const MORE: usize = 1024 * 1024;
    stacker::maybe_grow(RED_ZONE, MORE, step)
}

fn shown(path: FieldPath<'_>) -> String {
    if path.is_root() { "<nil>".to_owned() } else { path.to_string() }
}

#[cfg(test)]
mod tests;
