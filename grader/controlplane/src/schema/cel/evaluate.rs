//! Evaluating expressions, with a bound on what that may cost.

use super::ast::{Call, Comprehension, Element, Expr, Kind, Literal, Macro};
use super::composition::Composition;
use super::deep;
use super::functions;
use super::value::{Text, Value};
use std::cmp::Ordering;
use std::rc::Rc;

/// The most that one evaluation may cost (`PerCallLimit`).
pub(super) const CALL_LIMIT: u64 = 1_000_000;

/// The variable whose fields are variables of a policy.
pub(super) const VARIABLES: &str = "variables";
/// The variable that tells what the requester may do.
pub(super) const AUTHORIZER: &str = "authorizer";
/// The variable that tells what the requester may do with what the request is about; its name has a dot.
pub(super) const REQUEST_RESOURCE_AUTHORIZER: &str = "authorizer.requestResource";
const REQUEST_RESOURCE: &str = "requestResource";

/// What Kubernetes says of an expression that costs more than it may.
pub(super) const TOO_EXPENSIVE: &str = "operation cancelled: actual cost limit exceeded";

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// What the expression did wrong, in the words of Kubernetes.
    Error(String),
    /// It costs more than it may.
    TooExpensive,
}

impl Fault {
    pub(super) fn no_such_overload() -> Self {
        Fault::Error("no such overload".to_owned())
    }

    fn no_such_attribute(name: &str) -> Self {
        Fault::Error(format!("no such attribute(s): {name}"))
    }

    pub(super) fn no_such_key(key: &str) -> Self {
        Fault::Error(format!("no such key: {key}"))
    }
}

pub(super) type Evaluated<'a> = Result<Value<'a>, Fault>;

/// Evaluates an expression with these variables; answers what it cost as well.
pub(super) fn evaluate<'a>(expr: &'a Expr, variables: Vec<(&'a str, Value<'a>)>) -> (Evaluated<'a>, u64) {
    Evaluator { scope: variables, spent: 0, composition: None }.evaluate(expr)
}

pub(super) struct Evaluator<'a> {
    scope: Vec<(&'a str, Value<'a>)>,
    spent: u64,
    /// Where `variables` come from, where there are any.
    composition: Option<Rc<Composition<'a>>>,
}

impl<'a> Evaluator<'a> {
    /// An evaluator of what shares these variables.
    pub(super) fn of_composition(composition: Rc<Composition<'a>>) -> Self {
        Self { scope: composition.scope(), spent: 0, composition: Some(composition) }
    }

    /// The value of an expression, and what it cost beside its variables.
    pub(super) fn evaluate(mut self, expr: &'a Expr) -> (Evaluated<'a>, u64) {
        let value = self.expr(expr);
        (value, self.spent)
    }

    /// The value of a variable of a policy; nothing when the operand is something else.
    fn composed(&mut self, operand: &Expr, field: &str) -> Option<Evaluated<'a>> {
        let composition = self.composition.as_ref()?;
        matches!(&operand.kind, Kind::Ident(name) if name == VARIABLES).then(|| composition.value(field))
    }

    /// Counts the cost of a step.
    pub(super) fn spend(&mut self, cost: u64) -> Result<(), Fault> {
        self.spent = self.spent.saturating_add(cost);
        if self.spent > CALL_LIMIT { Err(Fault::TooExpensive) } else { Ok(()) }
    }

    fn expr(&mut self, expr: &'a Expr) -> Evaluated<'a> {
        deep(|| self.nested_expr(expr))
    }

    fn nested_expr(&mut self, expr: &'a Expr) -> Evaluated<'a> {
        match &expr.kind {
            Kind::Literal(literal) => Ok(literal_value(literal)),
            Kind::Ident(name) => {
                self.spend(1)?;
                match self.scope.iter().rev().find(|(scoped, _)| scoped == name) {
                    Some((_, value)) => Ok(value.clone()),
                    None if name == AUTHORIZER => Err(Fault::no_such_attribute(name)),
                    None => Ok(Value::Type(name.as_str().into())),
                }
            }
            Kind::Select { operand, field, optional } => self.select(expr, operand, field, *optional),
            Kind::Has { operand, field } => {
                self.spend(1)?;
                if let Some(value) = self.composed(operand, field) {
                    return value.map(|_| Value::Bool(true));
                }
                match self.expr(operand)? {
                    Value::Authorization(_) => Ok(Value::Bool(false)),
                    Value::Optional(inner) => {
                        Ok(Value::Bool(inner.is_some_and(|inner| inner.field(field).is_some())))
                    }
                    value @ (Value::Object(..) | Value::Map(_) | Value::JsonMap(..)) => {
                        Ok(Value::Bool(value.field(field).is_some()))
                    }
                    _ => Err(Fault::no_such_overload()),
                }
            }
            Kind::Index { operand, index, optional } => self.index(operand, index, *optional),
            Kind::Call(call) => self.call(call),
            Kind::And(operands) => self.logical(operands, false),
            Kind::Or(operands) => self.logical(operands, true),
            Kind::Conditional(parts) => match self.expr(&parts[0])? {
                Value::Bool(true) => self.expr(&parts[1]),
                Value::Bool(false) => self.expr(&parts[2]),
                _ => Err(Fault::no_such_overload()),
            },
            Kind::List(elements) => {
                self.spend(10)?;
                let mut items = Vec::with_capacity(elements.len());
                for element in elements {
                    items.extend(self.element(element)?);
                }
                Ok(Value::list(items))
            }
            Kind::Struct { fields: entries, .. } | Kind::Map(entries) => {
                self.spend(if matches!(expr.kind, Kind::Map(_)) { 30 } else { 40 })?;
                let mut map: Vec<(Value<'a>, Value<'a>)> = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let name = self.expr(&key.expr)?;
                    let value = match (self.expr(value)?, key.optional) {
                        (Value::Optional(None), true) => continue,
                        (Value::Optional(Some(value)), true) => (*value).clone(),
                        (value, _) => value,
                    };
                    match map.iter_mut().find(|(earlier, _)| earlier.equals(&name)) {
                        Some((_, earlier)) => *earlier = value,
                        None => map.push((name, value)),
                    }
                }
                Ok(Value::Map(Rc::new(map)))
            }
            Kind::Comprehension(comprehension) => self.comprehension(comprehension),
            Kind::OptionalMap { operand, name, body, is_flat } => {
                let value = match self.expr(operand)? {
                    Value::Optional(None) => return Ok(Value::Optional(None)),
                    Value::Optional(Some(value)) => (*value).clone(),
                    _ => return Err(Fault::no_such_overload()),
                };
                self.scope.push((name, value));
                let result = self.expr(body);
                self.scope.pop();
                if *is_flat { result } else { result.map(Value::some) }
            }
        }
    }

    fn element(&mut self, element: &'a Element) -> Result<Option<Value<'a>>, Fault> {
        Ok(match (self.expr(&element.expr)?, element.optional) {
            (Value::Optional(inner), true) => inner.map(|inner| (*inner).clone()),
            (value, _) => Some(value),
        })
    }

    fn select(&mut self, expr: &'a Expr, operand: &'a Expr, field: &'a str, optional: bool) -> Evaluated<'a> {
        self.spend(1)?;
        if let Some(value) = self.composed(operand, field) {
            self.spend(1)?;
            return value;
        }
        if field == REQUEST_RESOURCE && matches!(&operand.kind, Kind::Ident(name) if name == AUTHORIZER) {
            let found = self.scope.iter().find(|(name, _)| *name == REQUEST_RESOURCE_AUTHORIZER);
            return found
                .map(|(_, value)| value.clone())
                .ok_or_else(|| Fault::no_such_attribute(REQUEST_RESOURCE_AUTHORIZER));
        }
        let value = match self.expr(operand) {
            // A dotted name of a type has passed the type check.
            Ok(Value::Type(name)) => return Ok(Value::Type(format!("{name}.{field}").into())),
            value => value?,
        };
        match value {
            Value::Optional(None) => Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => Ok(Value::Optional(inner.field(field).map(Rc::new))),
            Value::Object(..) | Value::Map(_) | Value::JsonMap(..) => match value.field(field) {
                found if optional => Ok(Value::Optional(found.map(Rc::new))),
                Some(found) => Ok(found),
                None => Err(Fault::no_such_key(field)),
            },
            _ => {
                let _ = expr;
                Err(Fault::no_such_overload())
            }
        }
    }

    fn index(&mut self, operand: &'a Expr, index: &'a Expr, optional: bool) -> Evaluated<'a> {
        self.spend(1)?;
        let (container, optional) = match self.expr(operand)? {
            Value::Optional(None) => return Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => ((*inner).clone(), true),
            value => (value, optional),
        };
        let index = self.expr(index)?;
        let found = match (&container, &index) {
            (Value::List(_) | Value::JsonList(..), Value::Int(_) | Value::Uint(_) | Value::Double(_)) => {
                let position = match index {
                    Value::Int(position) => usize::try_from(position).ok(),
                    Value::Uint(position) => usize::try_from(position).ok(),
                    Value::Double(position) if position.fract() == 0.0 && position >= 0.0 => {
                        Some(position as usize)
                    }
                    _ => None,
                };
                let found = position.and_then(|position| container.item(position));
                found
                    .ok_or_else(|| Fault::Error(format!("index out of bounds: {}", functions::shown(&index))))
            }
            (Value::Map(_) | Value::JsonMap(..) | Value::Object(..), key) => {
                container.entry(key).ok_or_else(|| Fault::no_such_key(&functions::shown(key)))
            }
            _ => return Err(Fault::no_such_overload()),
        };
        if optional { Ok(Value::Optional(found.ok().map(Rc::new))) } else { found }
    }

    /// `decisive` decides, whatever else goes wrong; an error counts only when nothing does.
    fn logical(&mut self, operands: &'a [Expr], decisive: bool) -> Evaluated<'a> {
        let mut fault = None;
        for operand in operands {
            match self.expr(operand) {
                Ok(Value::Bool(value)) if value == decisive => return Ok(Value::Bool(decisive)),
                Ok(Value::Bool(_)) => {}
                Err(Fault::TooExpensive) => return Err(Fault::TooExpensive),
                Ok(_) => {
                    fault.get_or_insert(Fault::no_such_overload());
                }
                Err(error) => {
                    fault.get_or_insert(error);
                }
            }
        }
        fault.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn comprehension(&mut self, comprehension: &'a Comprehension) -> Evaluated<'a> {
        let range = self.expr(&comprehension.range)?;
        let is_list = matches!(range, Value::List(_) | Value::JsonList(..));
        let items = range.items().or_else(|| range.keys()).ok_or_else(Fault::no_such_overload)?;
        let mut turn = Turn::new(comprehension.kind);
        let depth = self.scope.len();
        for (index, item) in items.into_iter().enumerate() {
            self.spend(turn.cost())?;
            match &comprehension.second {
                None => self.scope.push((&comprehension.first, item.clone())),
                Some(second) if is_list => {
                    self.scope.push((&comprehension.first, Value::Int(index as i64)));
                    self.scope.push((second, item.clone()));
                }
                Some(second) => {
                    let value = range.entry(&item).unwrap_or(Value::Null);
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
        turn.result()
    }

    fn call(&mut self, call: &'a Call) -> Evaluated<'a> {
        if let (None, [left, right]) = (&call.target, call.args.as_slice())
            && (call.function.starts_with('_') || call.function == "@in")
        {
            let (left, right) = (self.expr(left)?, self.expr(right)?);
            self.spend(functions::operator_cost(&call.function, &left, &right))?;
            return functions::operator(&call.function, &left, &right);
        }
        let target = match &call.target {
            Some(target) => Some(self.expr(target)?),
            None => None,
        };
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            args.push(self.expr(arg)?);
        }
        functions::call(self, call, target, args)
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
                let mut items = self.entries;
                items.sort_by(|(_, one), (_, other)| one.compare(other).unwrap_or(Ordering::Equal));
                Ok(Value::list(items.into_iter().map(|(item, _)| item).collect()))
            }
        }
    }
}

fn literal_value(literal: &Literal) -> Value<'_> {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Uint(value) => Value::Uint(*value),
        Literal::Double(value) => Value::Double(*value),
        Literal::String(text) => Value::String(Text::Borrowed(text)),
        Literal::Bytes(bytes) => Value::Bytes(bytes.as_slice().into()),
    }
}
