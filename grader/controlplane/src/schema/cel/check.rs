//! Types and costs of expressions before they are ever evaluated (cel-go's checker, apiserver/pkg/cel/library/cost.go).
//!
//! One pass finds the type of every part, the most that evaluating it can cost, and how large its value can be.

mod literals;
mod macros;

pub(super) use literals::unusable;

use super::ast::{Call, Element, Expr, Kind, Literal};
use super::cost::{Size, call_cost};
use super::deep;
use super::lexer::Mistake;
use super::parser::dotted_name;
use super::signatures::{Signature, overloads};
use super::types::Type;
use std::collections::BTreeMap;

/// What checking found out about an expression.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) type_: Type,
    /// The most that evaluating it can cost.
    pub(super) cost: u64,
}

/// Checks an expression with these variables in scope. All mistakes are reported.
pub(super) fn check(expr: &Expr, variables: &[(&str, Type)]) -> Result<Checked, Vec<Mistake>> {
    let scope = variables.iter().map(|(name, type_)| ((*name).to_owned(), type_.clone())).collect();
    let mut checker = Checker { scope, mistakes: Vec::new(), in_literals: Vec::new(), formats: 0 };
    let checked = checker.expr(expr);
    // Literals are only looked at when all types are right.
    let mut mistakes = if checker.mistakes.is_empty() { checker.in_literals } else { checker.mistakes };
    if mistakes.is_empty() {
        return Ok(checked);
    }
    mistakes.sort_by_key(|mistake| mistake.at);
    Err(mistakes)
}

/// Mistakes as Kubernetes prints them, with the line they are in.
pub(super) fn show(mistakes: &[Mistake], source: &str) -> String {
    let shown = mistakes.iter().map(|mistake| {
        let (mut line_number, mut column) = (1, mistake.at);
        let mut text = "";
        for line in source.split('\n') {
            text = line;
            let length = line.chars().count();
            if column <= length {
                break;
            }
            column -= length + 1;
            line_number += 1;
        }
        let dots = ".".repeat(column);
        format!("ERROR: <input>:{line_number}:{}: {}\n | {text}\n | {dots}^", column + 1, mistake.text)
    });
    shown.collect::<Vec<_>>().join("\n")
}

struct Checker {
    scope: Vec<(String, Type)>,
    mistakes: Vec<Mistake>,
    /// What is wrong with literals.
    in_literals: Vec<Mistake>,
    /// How many calls of `format` are around: their arguments may be of different types.
    formats: usize,
}

impl Checker {
    fn mistake(&mut self, at: usize, text: String) -> Checked {
        self.mistakes.push(Mistake { at, text });
        Checked { type_: Type::Dyn(None), cost: 0 }
    }

    fn expr(&mut self, expr: &Expr) -> Checked {
        deep(|| self.nested_expr(expr))
    }

    fn nested_expr(&mut self, expr: &Expr) -> Checked {
        match &expr.kind {
            Kind::Literal(literal) => Checked { type_: literal_type(literal), cost: 0 },
            Kind::Ident(name) => match self.scope.iter().rev().find(|(scoped, _)| scoped == name) {
                Some((_, type_)) => Checked { type_: type_.clone(), cost: 1 },
                None if Type::is_name(name) => Checked { type_: Type::Name, cost: 1 },
                None => self.mistake(expr.at, format!("undeclared reference to '{name}' (in container '')")),
            },
            Kind::Select { operand, field, optional } => self.select(expr, operand, field, *optional),
            Kind::Has { operand, field } => {
                let Checked { type_, cost } = self.expr(operand);
                self.field(&type_, field, expr.at);
                Checked { type_: Type::Bool, cost: cost.saturating_add(1) }
            }
            Kind::Index { operand, index, optional } => self.index(expr, operand, index, *optional),
            Kind::Call(call) => self.call(expr, call),
            Kind::And(operands) | Kind::Or(operands) => self.logical(operands),
            Kind::Conditional(parts) => self.conditional(expr, parts),
            Kind::List(elements) => {
                let (types, cost) = self.element_types(elements.iter());
                self.list(types, cost)
            }
            Kind::Map(entries) => {
                let (keys, mut cost) = self.element_types(entries.iter().map(|(key, _)| key));
                let key = self.common(keys);
                let mut values = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let checked = self.expr(value);
                    cost = cost.saturating_add(checked.cost);
                    values.push((value.at, unwrapped(checked.type_, key.optional)));
                }
                let value = self.common(values);
                let size = Some(entries.len() as u64);
                Checked {
                    type_: Type::Map(Box::new(key), Box::new(value), size),
                    cost: cost.saturating_add(30),
                }
            }
            Kind::Struct { type_name, fields } => self.structure(expr, type_name, fields),
            Kind::Comprehension(comprehension) => self.comprehension(expr, comprehension),
            Kind::OptionalMap { operand, name, body, is_flat } => {
                self.optional_map(expr, operand, name, body, *is_flat)
            }
        }
    }

    /// Only the types of mutations can be made, and only where mutations may be: their scope has a variable of that name.
    fn structure(&mut self, expr: &Expr, type_name: &str, fields: &[(Element, Expr)]) -> Checked {
        let root = type_name.split('.').next().unwrap_or(type_name);
        let cost = fields.iter().fold(40_u64, |sum, (_, value)| sum.saturating_add(self.expr(value).cost));
        let scoped = self.scope.iter().find(|(name, type_)| name == root && matches!(type_, Type::Opaque(_)));
        match scoped.map(|(_, type_)| type_.clone()) {
            Some(Type::Opaque(_)) if root == "JSONPatch" => {
                Checked { type_: Type::Opaque("JSONPatch"), cost }
            }
            Some(Type::Opaque(_)) if type_name == root => Checked { type_: Type::Opaque("Object"), cost },
            Some(_) => Checked { type_: Type::Dyn(None), cost },
            None => {
                let text = format!("undeclared reference to '{type_name}' (in container '')");
                self.mistake(expr.at, text)
            }
        }
    }

    /// The type of a field, and whether it is reported when there is none.
    fn field(&mut self, type_: &Type, field: &str, at: usize) -> Type {
        match type_ {
            Type::Object(_) => match type_.field(field) {
                Some(found) => found.clone(),
                None => self.mistake(at, format!("undefined field '{field}'")).type_,
            },
            Type::Map(key, value, _) if matches!(**key, Type::String(_) | Type::Dyn(_)) => (**value).clone(),
            Type::Dyn(_) => Type::Dyn(None),
            Type::Optional(inner) => {
                let inner = (**inner).clone();
                match self.field(&inner, field, at) {
                    already @ Type::Optional(_) => already,
                    found => Type::Optional(Box::new(found)),
                }
            }
            Type::Opaque(name) => self.mistake(at, format!("unexpected failed resolution of '{name}'")).type_,
            other => {
                let text = format!("type '{other}' does not support field selection");
                self.mistake(at, text).type_
            }
        }
    }

    fn select(&mut self, expr: &Expr, operand: &Expr, field: &str, optional: bool) -> Checked {
        // A dotted name of a type, such as google.protobuf.Timestamp.
        if let Some(name) = dotted_name(expr)
            && Type::is_name(&name)
            && !self.scope.iter().any(|(scoped, _)| name.starts_with(&format!("{scoped}.")))
        {
            return Checked { type_: Type::Name, cost: 1 };
        }
        // A variable whose name has a dot.
        if let Some((_, type_)) = self
            .scope
            .iter()
            .find(|(scoped, _)| scoped.contains('.') && dotted_name(expr).as_ref() == Some(scoped))
        {
            return Checked { type_: type_.clone(), cost: 1 };
        }
        let Checked { type_, cost } = self.expr(operand);
        let found = self.field(&type_, field, expr.at);
        let type_ = if optional && !matches!(found, Type::Optional(_)) {
            Type::Optional(Box::new(found))
        } else {
            found
        };
        Checked { type_, cost: cost.saturating_add(1) }
    }

    fn index(&mut self, expr: &Expr, operand: &Expr, index: &Expr, optional: bool) -> Checked {
        let operand = self.expr(operand);
        let index = self.expr(index);
        let cost = operand.cost.saturating_add(index.cost).saturating_add(1);
        let (container, optional) = match &operand.type_ {
            Type::Optional(inner) => ((**inner).clone(), true),
            type_ => (type_.clone(), optional),
        };
        let args = [container, index.type_];
        let Some((_, result)) = find(overloads("_[_]"), None, &args) else {
            return self.no_overload(expr.at, if optional { "_[?_]" } else { "_[_]" }, None, &args);
        };
        // The size of an item is that of the container's items.
        let result = match &args[0] {
            Type::List(item, _) => (**item).clone(),
            Type::Map(_, value, _) => (**value).clone(),
            _ => result,
        };
        let type_ = if optional { Type::Optional(Box::new(result)) } else { result };
        Checked { type_, cost }
    }

    fn logical(&mut self, operands: &[Expr]) -> Checked {
        let mut cost: u64 = 0;
        for operand in operands {
            let checked = self.expr(operand);
            cost = cost.saturating_add(checked.cost);
            self.must_be_bool(operand.at, &checked.type_);
        }
        Checked { type_: Type::Bool, cost }
    }

    fn must_be_bool(&mut self, at: usize, type_: &Type) {
        if !matches!(type_, Type::Bool | Type::Dyn(_)) {
            self.mistake(at, format!("expected type 'bool' but found '{type_}'"));
        }
    }

    fn conditional(&mut self, expr: &Expr, parts: &[Expr; 3]) -> Checked {
        let [condition, yes, no] = parts.each_ref().map(|part| self.expr(part));
        let cost = condition.cost.saturating_add(yes.cost.max(no.cost));
        let types = [condition.type_, yes.type_, no.type_];
        let fits = matches!(types[0], Type::Bool | Type::Dyn(_));
        let mut bound = BTreeMap::new();
        if !fits || !(types[1].accepts(&types[2], &mut bound) || types[2].accepts(&types[1], &mut bound)) {
            return self.no_overload(expr.at, "_?_:_", None, &types);
        }
        let [_, yes, no] = types;
        // An empty list is one of whatever the other has.
        let yes =
            if matches!(&parts[1].kind, Kind::List(items) if items.is_empty()) { no.clone() } else { yes };
        let size = yes.size().zip(no.size()).map(|(yes, no)| yes.max(no));
        let type_ = if yes.is_dyn() { Type::Dyn(None) } else { yes };
        Checked { type_: type_.with_size(size), cost }
    }

    /// Where the parts of a literal stand and what their types are, and what they cost together.
    fn element_types<'a>(
        &mut self,
        elements: impl Iterator<Item = &'a Element>,
    ) -> (Vec<(usize, Type)>, u64) {
        let mut cost: u64 = 0;
        let types = elements
            .map(|element| {
                let checked = self.expr(&element.expr);
                cost = cost.saturating_add(checked.cost);
                (element.expr.at, unwrapped(checked.type_, element.optional))
            })
            .collect();
        (types, cost)
    }

    fn list(&mut self, items: Vec<(usize, Type)>, cost: u64) -> Checked {
        let size = Some(items.len() as u64);
        let item = self.common(items);
        Checked { type_: Type::List(Box::new(item), size), cost: cost.saturating_add(10) }
    }

    /// The one type of the parts of a literal. All must be of the type of the first, except what is to be formatted.
    fn common(&mut self, types: Vec<(usize, Type)>) -> Type {
        if self.formats == 0
            && let Some((_, first)) = types.first()
        {
            let differs = types[1..].iter().find(|(_, next)| {
                first.is_dyn() != next.is_dyn() || !first.accepts(next, &mut BTreeMap::new())
            });
            if let Some((at, found)) = differs {
                let text = format!("expected type '{first}' but found '{found}'");
                self.in_literals.push(Mistake { at: *at, text });
            }
        }
        common(types.into_iter().map(|(_, type_)| type_))
    }

    fn call(&mut self, expr: &Expr, call: &Call) -> Checked {
        let name = call.function.as_str();
        let target = call.target.as_ref().map(|target| self.expr(target));
        let args: Vec<Checked> = if name == "format" && target.is_some() {
            self.format_arguments(expr, call)
        } else {
            call.args.iter().map(|arg| self.expr(arg)).collect()
        };
        self.in_literals.extend(literals::mistake_in(expr, call));
        let signatures = overloads(name);
        let is_member = target.is_some();
        if !signatures.iter().any(|signature| signature.target.is_some() == is_member) {
            return self.mistake(expr.at, format!("undeclared reference to '{name}' (in container '')"));
        }
        let cost = target.iter().chain(&args).fold(0_u64, |sum, checked| sum.saturating_add(checked.cost));
        let target = target.map(|target| target.type_);
        let types: Vec<Type> = args.into_iter().map(|arg| arg.type_).collect();
        let Some((_, result)) = find(signatures, target.as_ref(), &types) else {
            return self.no_overload(expr.at, name, target.as_ref(), &types);
        };
        let (own_cost, size) = call_cost(name, target.as_ref(), &types, &result, call);
        let result = match size {
            Size::Known(size) => result.with_size(Some(size)),
            Size::OfType => result,
        };
        Checked { type_: result, cost: cost.saturating_add(own_cost) }
    }

    fn format_arguments(&mut self, expr: &Expr, call: &Call) -> Vec<Checked> {
        self.formats += 1;
        let checked = match call.args.as_slice() {
            [Expr { kind: Kind::List(elements), .. }] => {
                let (types, cost) = self.element_types(elements.iter());
                self.in_literals.extend(literals::mistake_in_format(call, expr.at, &types));
                vec![self.list(types, cost)]
            }
            args => args.iter().map(|arg| self.expr(arg)).collect(),
        };
        self.formats -= 1;
        checked
    }

    fn no_overload(&mut self, at: usize, name: &str, target: Option<&Type>, args: &[Type]) -> Checked {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let target = target.map(|target| format!("{target}.")).unwrap_or_default();
        self.mistake(
            at,
            format!("found no matching overload for '{name}' applied to '{target}({})'", args.join(", ")),
        )
    }
}

/// The result of the overloads that fit; a dynamic value when several of different types do.
fn find<'a>(
    signatures: &'a [Signature],
    target: Option<&Type>,
    args: &[Type],
) -> Option<(&'a Signature, Type)> {
    let mut found: Option<(&Signature, Type)> = None;
    for signature in signatures {
        let mut bound = BTreeMap::new();
        let target_fits = match (&signature.target, target) {
            (None, None) => true,
            (Some(expected), Some(target)) => expected.accepts(target, &mut bound),
            _ => false,
        };
        let args_fit = signature.args.len() == args.len()
            && signature.args.iter().zip(args).all(|(expected, arg)| expected.accepts(arg, &mut bound));
        if target_fits && args_fit {
            let result = signature.result.substituted(&bound);
            match &found {
                None => found = Some((signature, result)),
                Some((_, earlier)) if earlier.to_string() == result.to_string() => {}
                Some((signature, _)) => return Some((signature, Type::Dyn(None))),
            }
        }
    }
    found
}

fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Uint(_) => Type::Uint,
        Literal::Double(_) => Type::Double,
        Literal::String(text) => Type::String(Some(text.chars().count() as u64)),
        Literal::Bytes(bytes) => Type::Bytes(Some(bytes.len() as u64)),
    }
}

/// The type of what an optional part of a literal gives.
fn unwrapped(type_: Type, is_optional: bool) -> Type {
    match type_ {
        Type::Optional(inner) if is_optional => *inner,
        type_ => type_,
    }
}

/// The one type of several values, or a dynamic one.
fn common(mut types: impl Iterator<Item = Type>) -> Type {
    let Some(first) = types.next() else { return Type::Dyn(None) };
    types.fold(first, |common, next| {
        if !common.accepts(&next, &mut BTreeMap::new()) || common.is_dyn() || next.is_dyn() {
            return Type::Dyn(None);
        }
        let size = common.size().zip(next.size()).map(|(one, other)| one.max(other));
        common.with_size(size)
    })
}

#[cfg(test)]
mod tests;
