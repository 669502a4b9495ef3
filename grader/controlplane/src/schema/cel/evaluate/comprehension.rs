//! Evaluating macros, which look at each item of a list or map in turn.

use super::super::ast::{Comprehension, Macro};
use super::super::functions;
use super::super::value::Value;
use super::{Evaluated, Evaluator, Fault};
use std::rc::Rc;

impl<'a> Evaluator<'a> {
    pub(super) fn comprehension(&mut self, comprehension: &'a Comprehension) -> Evaluated<'a> {
        let range = self.expr(&comprehension.range)?;
        let is_list = matches!(range, Value::List(_) | Value::JsonList(..));
        let keys = if is_list { Vec::new() } else { range.keys().ok_or_else(Fault::no_such_overload)? };
        let item = |index: usize| if is_list { range.item(index) } else { keys.get(index).cloned() };
        let mut turn = Turn::new(comprehension.kind);
        let depth = self.scope.len();
        for (index, item) in (0..).map_while(item).enumerate() {
            self.spend(turn.cost())?;
            match &comprehension.second {
                None => self.scope.push((&comprehension.first, item.clone())),
                Some(second) if is_list => {
                    self.scope.push((&comprehension.first, Value::Int(index as i64)));
                    self.scope.push((second, item.clone()));
                }
                Some(second) => {
                    let value = match &range {
                        Value::Map(entries) => entries.get(index).map(|(_, value)| value.clone()),
                        range => range.entry(&item),
                    };
                    let value = value.unwrap_or(Value::Null);
                    self.scope.push((&comprehension.first, item.clone()));
                    self.scope.push((second, value));
                }
            }
            let kept = match &comprehension.condition {
                None => Ok(Value::Bool(true)),
                Some(condition) => self.expr(condition),
            };
            let outcome = match kept {
                Ok(Value::Bool(true)) => Some(self.expr(&comprehension.body)),
                Ok(Value::Bool(false)) => None,
                Ok(_) => Some(Err(Fault::no_such_overload())),
                Err(fault) => Some(Err(fault)),
            };
            self.scope.truncate(depth);
            let item = match comprehension.kind {
                Macro::TransformMap if is_list => Value::Int(index as i64),
                _ => item,
            };
            if let Some(outcome) = outcome
                && turn.is_decided(item, outcome)?
            {
                break;
            }
        }
        self.spend(turn.sorting_cost())?;
        turn.result()
    }
}

/// What a macro has found out so far.
struct Turn<'a> {
    kind: Macro,
    fault: Option<Fault>,
    found: usize,
    decided: bool,
    items: Vec<Value<'a>>,
    entries: Vec<(Value<'a>, Value<'a>)>,
}

impl<'a> Turn<'a> {
    fn new(kind: Macro) -> Self {
        Self { kind, fault: None, found: 0, decided: false, items: Vec::new(), entries: Vec::new() }
    }

    /// What a turn costs beside its expressions.
    fn cost(&self) -> u64 {
        match self.kind {
            Macro::All | Macro::Exists => 4,
            Macro::ExistsOne => 2,
            _ => 12,
        }
    }

    /// What it costs to sort what was found.
    fn sorting_cost(&self) -> u64 {
        match self.kind {
            Macro::SortBy => {
                functions::sorting_cost(self.entries.first().map(|(_, key)| key), self.entries.len() as u64)
            }
            _ => 0,
        }
    }

    /// Takes in what the body gave for an item, and answers whether further items make no difference.
    fn is_decided(&mut self, item: Value<'a>, outcome: Evaluated<'a>) -> Result<bool, Fault> {
        match (self.kind, outcome) {
            (_, Err(Fault::TooExpensive)) => return Err(Fault::TooExpensive),
            (Macro::All, Ok(Value::Bool(false))) | (Macro::Exists, Ok(Value::Bool(true))) => {
                self.decided = true
            }
            (Macro::All | Macro::Exists, Ok(Value::Bool(_))) => {}
            (Macro::All | Macro::Exists, Err(fault)) => {
                self.fault.get_or_insert(fault);
            }
            (_, Err(fault)) => return Err(fault),
            (Macro::ExistsOne, Ok(Value::Bool(holds))) => self.found += usize::from(holds),
            (Macro::Filter, Ok(Value::Bool(true))) => self.items.push(item),
            (Macro::Filter, Ok(Value::Bool(false))) => {}
            (Macro::Map | Macro::TransformList, Ok(value)) => self.items.push(value),
            (Macro::TransformMap | Macro::SortBy, Ok(value)) => self.entries.push((item, value)),
            (Macro::TransformMapEntry, Ok(made)) => {
                for key in made.keys().ok_or_else(Fault::no_such_overload)? {
                    if self.entries.iter().any(|(earlier, _)| earlier.equals(&key)) {
                        let key = functions::shown(&key);
                        return Err(Fault::Error(format!("insert failed: key {key} already exists")));
                    }
                    let value = made.entry(&key).unwrap_or(Value::Null);
                    self.entries.push((key, value));
                }
            }
            (_, Ok(_)) => return Err(Fault::no_such_overload()),
        }
        Ok(self.decided)
    }

    fn result(self) -> Evaluated<'a> {
        match self.kind {
            Macro::All | Macro::Exists => match self.fault {
                Some(fault) if !self.decided => Err(fault),
                _ => Ok(Value::Bool(self.decided == (self.kind == Macro::Exists))),
            },
            Macro::ExistsOne => Ok(Value::Bool(self.found == 1)),
            Macro::Filter | Macro::Map | Macro::TransformList => Ok(Value::list(self.items)),
            Macro::TransformMap | Macro::TransformMapEntry => Ok(Value::Map(Rc::new(self.entries))),
            Macro::SortBy => {
                functions::sorted(self.entries.into_iter().map(|(item, key)| (key, item)).collect())
            }
        }
    }
}
