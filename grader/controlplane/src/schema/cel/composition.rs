//! `variables` of policies: each is evaluated when it is first asked for, and once
//! (apiserver/pkg/admission/plugin/cel/composition.go).

use super::evaluate::{Evaluated, Evaluator, Fault, TOO_EXPENSIVE};
use super::expression::Variable;
use super::value::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What all expressions of one evaluation share.
#[derive(Debug)]
pub(super) struct Composition<'a> {
    scope: Vec<(&'a str, Value<'a>)>,
    variables: &'a [Variable],
    found: RefCell<BTreeMap<&'a str, Evaluated<'a>>>,
    spent: Cell<u64>,
}

impl<'a> Composition<'a> {
    pub(super) fn new(scope: Vec<(&'a str, Value<'a>)>, variables: &'a [Variable]) -> Self {
        Self { scope, variables, found: RefCell::default(), spent: Cell::default() }
    }

    /// What expressions see beside the variables.
    pub(super) fn scope(&self) -> Vec<(&'a str, Value<'a>)> {
        self.scope.clone()
    }

    /// The value of a variable.
    pub(super) fn value(self: &Rc<Self>, name: &str) -> Evaluated<'a> {
        if let Some(found) = self.found.borrow().get(name) {
            return found.clone();
        }
        let variable = self.variables.iter().find(|variable| variable.name == name);
        let Some(variable) = variable else { return Err(Fault::no_such_key(name)) };
        let value = match &variable.expression {
            Err(why) => Err(Fault::Error(format!("composited variable {name:?} fails to compile: {why}"))),
            Ok(expression) => {
                let (value, cost) = Evaluator::of_composition(self.clone()).evaluate(expression.expr());
                self.spent.set(self.spent.get().saturating_add(cost));
                value.map_err(|fault| {
                    let why = match fault {
                        Fault::Error(text) => text,
                        Fault::TooExpensive => TOO_EXPENSIVE.to_owned(),
                    };
                    Fault::Error(format!("composited variable {name:?} fails to evaluate: {why}"))
                })
            }
        };
        self.found.borrow_mut().insert(&variable.name, value.clone());
        value
    }

    /// What variables have cost since the last time.
    pub(super) fn take_cost(&self) -> u64 {
        self.spent.take()
    }
}
