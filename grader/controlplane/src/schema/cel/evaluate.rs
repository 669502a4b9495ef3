//! Evaluating expressions, with a bound on what that may cost.

mod comprehension;

use super::ast::{Call, Element, Expr, Kind, Literal};
use super::composition::Composition;
use super::deep;
use super::functions;
use super::meter::Meter;
use super::value::{Entries, Text, Value};
use std::rc::Rc;

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
    Evaluator { scope: variables, meter: Meter::default(), composition: None }.evaluate(expr)
}

pub(super) struct Evaluator<'a> {
    scope: Vec<(&'a str, Value<'a>)>,
    meter: Meter,
    /// Where `variables` come from, where there are any.
    composition: Option<Rc<Composition<'a>>>,
}

impl<'a> Evaluator<'a> {
    /// An evaluator of what shares these variables.
    pub(super) fn of_composition(composition: Rc<Composition<'a>>) -> Self {
        Self { scope: composition.scope(), meter: Meter::default(), composition: Some(composition) }
    }

    /// The value of an expression, and what it cost beside its variables.
    pub(super) fn evaluate(mut self, expr: &'a Expr) -> (Evaluated<'a>, u64) {
        let value = self.expr(expr);
        (self.meter.check().and(value), self.meter.spent())
    }

    /// The value of a variable of a policy; nothing when the operand is something else.
    fn composed(&mut self, operand: &Expr, field: &str) -> Option<Evaluated<'a>> {
        let composition = self.composition.as_ref()?;
        matches!(&operand.kind, Kind::Ident(name) if name == VARIABLES).then(|| composition.value(field))
    }

    /// Counts the cost of a step.
    fn spend(&self, cost: u64) -> Result<(), Fault> {
        self.meter.spend(cost)
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
            Kind::Select { operand, field, optional } => self.select(operand, field, *optional),
            Kind::Has { operand, field } => {
                self.spend(1)?;
                if let Some(value) = self.composed(operand, field) {
                    return value.map(|_| Value::Bool(true));
                }
                match self.expr(operand)? {
                    Value::Optional(inner) => {
                        Ok(Value::Bool(inner.is_some_and(|inner| inner.field(field).is_some())))
                    }
                    value @ (Value::Object(..) | Value::Map(_) | Value::JsonMap(..)) => {
                        Ok(Value::Bool(value.field(field).is_some()))
                    }
                    // What has no fields has not this one either.
                    _ => Ok(Value::Bool(false)),
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
                let mut map = Entries::default();
                for (key, value) in entries {
                    let name = self.expr(&key.expr)?;
                    let value = match (self.expr(value)?, key.optional) {
                        (Value::Optional(None), true) => continue,
                        (Value::Optional(Some(value)), true) => (**value).clone(),
                        (value, _) => value,
                    };
                    map.set(name, value)?;
                }
                Ok(Value::map(map))
            }
            Kind::Comprehension(comprehension) => self.comprehension(comprehension),
            Kind::OptionalMap { operand, name, body, is_flat } => {
                let value = match self.expr(operand)? {
                    Value::Optional(None) => return Ok(Value::Optional(None)),
                    Value::Optional(Some(value)) => (**value).clone(),
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
            (Value::Optional(inner), true) => inner.map(|inner| (**inner).clone()),
            (value, _) => Some(value),
        })
    }

    fn select(&mut self, operand: &'a Expr, field: &'a str, optional: bool) -> Evaluated<'a> {
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
            Value::Optional(Some(inner)) => Ok(Value::optional(inner.field(field))),
            Value::Object(..) | Value::Map(_) | Value::JsonMap(..) => match value.field(field) {
                found if optional => Ok(Value::optional(found)),
                Some(found) => Ok(found),
                None => Err(Fault::no_such_key(field)),
            },
            _ => Err(Fault::no_such_key(field)),
        }
    }

    fn index(&mut self, operand: &'a Expr, index: &'a Expr, optional: bool) -> Evaluated<'a> {
        self.spend(1)?;
        let (container, optional) = match self.expr(operand)? {
            Value::Optional(None) => return Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => ((**inner).clone(), true),
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
            (Value::List(_) | Value::JsonList(..), index) => {
                return Err(Fault::Error(format!("unsupported index type '{}' in list", index.type_name())));
            }
            _ => return Err(Fault::no_such_overload()),
        };
        if optional { Ok(Value::optional(found.ok())) } else { found }
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

    fn call(&mut self, call: &'a Call) -> Evaluated<'a> {
        if let (None, [left, right]) = (&call.target, call.args.as_slice())
            && (call.function.starts_with('_') || call.function == "@in")
        {
            let (left, right) = (self.expr(left)?, self.expr(right)?);
            self.spend(functions::operator_cost(&call.function, &left, &right))?;
            return functions::operator(&call.function, &left, &right, &self.meter);
        }
        let target = match &call.target {
            Some(target) => Some(self.expr(target)?),
            None => None,
        };
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            args.push(self.expr(arg)?);
        }
        functions::call(call, target, args, &self.meter)
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
