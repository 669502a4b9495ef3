//! Evaluating macros, which look at each item of a list or map in turn.

use super::super::ast::{Comprehension, Macro};
use super::super::functions;
use super::super::meter::Meter;
use super::super::value::{Entries, Value};
use super::{Evaluated, Evaluator, Fault};

impl<'a> Evaluator<'a> {
    pub(super) fn comprehension(&mut self, comprehension: &'a Comprehension) -> Evaluated<'a> {
        let range = self.expr(&comprehension.range)?;
        let is_list = matches!(range, Value::List(_) | Value::JsonList(..));
        let parts: Box<dyn Iterator<Item = (Value<'a>, Value<'a>)>> = if is_list {
            let item = |index: usize| Some((Value::Int(index as i64), range.item(index)?));
            Box::new((0..).map_while(item))
        } else {
            range.entries().ok_or_else(Fault::no_such_overload)?
        };
        let mut turn = Turn::new(comprehension.kind);
        let depth = self.scope.len();
        for (key, value) in parts {
            self.spend(turn.cost())?;
            let item = if is_list { &value } else { &key };
            match &comprehension.second {
                None => self.scope.push((&comprehension.first, item.clone())),
                Some(second) => {
                    self.scope.push((&comprehension.first, key.clone()));
                    self.scope.push((second, value.clone()));
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
                Macro::TransformMap => key,
                _ => item.clone(),
            };
            if let Some(outcome) = outcome
                && turn.is_decided(item, outcome, &self.meter)?
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
    /// Items with what they are sorted by.
    keyed: Vec<(Value<'a>, Value<'a>)>,
    entries: Entries<'a>,
}

impl<'a> Turn<'a> {
    fn new(kind: Macro) -> Self {
        Self {
            kind,
            fault: None,
            found: 0,
            decided: false,
            items: Vec::new(),
            keyed: Vec::new(),
            entries: Entries::default(),
        }
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
                functions::sorting_cost(self.keyed.first().map(|(key, _)| key), self.keyed.len() as u64)
            }
            _ => 0,
        }
    }

    /// Takes in what the body gave for an item, and answers whether further items make no difference.
    fn is_decided(&mut self, item: Value<'a>, outcome: Evaluated<'a>, meter: &Meter) -> Result<bool, Fault> {
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
            (Macro::TransformMap, Ok(value)) => self.entries.set(item, value)?,
            (Macro::SortBy, Ok(key)) => self.keyed.push((key, item)),
            (Macro::TransformMapEntry, Ok(made)) => {
                for (key, value) in made.entries().ok_or_else(Fault::no_such_overload)? {
                    meter.step(1);
                    if self.entries.contains(&key) {
                        let key = functions::shown(&key);
                        return Err(Fault::Error(format!("insert failed: key {key} already exists")));
                    }
                    self.entries.set(key, value)?;
                }
                meter.check()?;
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
            Macro::TransformMap | Macro::TransformMapEntry => Ok(Value::map(self.entries)),
            Macro::SortBy => functions::sorted(self.keyed),
        }
    }
}
