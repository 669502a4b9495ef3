//! Types and costs of expressions before they are ever evaluated (cel-go's checker, apiserver/pkg/cel/library/cost.go).
//!
//! One pass finds the type of every part, the most that evaluating it can cost, and how large its value can be.

mod calls;
mod containers;
mod literals;
mod macros;

pub(super) use literals::unusable;

use super::ast::{Element, Expr, Kind, Literal};
use super::deep;
use super::extent::{Extent, Place, Step};
use super::lexer::Mistake;
use super::parser::dotted_name;
use super::signatures::overloads;
use super::types::Type;
use calls::{fitting, result_of};
use std::collections::BTreeMap;

/// What checking found out about an expression.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) type_: Type,
    /// The most that evaluating it can cost.
    pub(super) cost: u64,
    pub(super) extent: Extent,
}

impl Checked {
    /// What an expression makes that tells no size.
    fn made(type_: Type, cost: u64) -> Self {
        let extent = Extent::made(None, &type_);
        Self { type_, cost, extent }
    }
}

/// Checks an expression with these variables in scope. All mistakes are reported.
pub(super) fn check(expr: &Expr, variables: &[(&str, Type)]) -> Result<Checked, Vec<Mistake>> {
    let root = variables.iter().find(|(name, _)| *name == "self").map(|(_, type_)| type_.clone());
    let scope = variables.iter().map(|(name, type_)| {
        let extent = Extent::of(Place::Declared(root.clone()), type_);
        Variable { name: (*name).to_owned(), type_: type_.clone(), extent }
    });
    let scope = scope.collect();
    let mut checker = Checker { root, scope, mistakes: Vec::new(), in_literals: Vec::new(), formats: 0 };
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

struct Variable {
    name: String,
    type_: Type,
    extent: Extent,
}

struct Checker {
    /// The declared type of `self`.
    root: Option<Type>,
    scope: Vec<Variable>,
    mistakes: Vec<Mistake>,
    /// What is wrong with literals.
    in_literals: Vec<Mistake>,
    /// How many calls of `format` are around: their arguments may be of different types.
    formats: usize,
}

impl Checker {
    fn mistake(&mut self, at: usize, text: String) -> Checked {
        self.mistakes.push(Mistake { at, text });
        Checked::made(Type::Dyn(None), 0)
    }

    fn expr(&mut self, expr: &Expr) -> Checked {
        deep(|| self.nested_expr(expr))
    }

    fn nested_expr(&mut self, expr: &Expr) -> Checked {
        match &expr.kind {
            Kind::Literal(literal) => {
                Checked { type_: literal_type(literal), cost: 0, extent: Extent::of_literal(literal) }
            }
            Kind::Ident(name) => match self.scope.iter().rev().find(|scoped| scoped.name == *name) {
                Some(Variable { type_, extent, .. }) => {
                    Checked { type_: type_.clone(), cost: 1, extent: extent.clone() }
                }
                None if Type::is_name(name) => self.type_name(),
                None => self.mistake(expr.at, format!("undeclared reference to '{name}' (in container '')")),
            },
            Kind::Select { operand, field, optional } => self.select(expr, operand, field, *optional),
            Kind::Has { operand, field } => {
                let operand = self.expr(operand);
                self.field(&operand.type_, field, expr.at);
                Checked::made(Type::Bool, operand.cost)
            }
            Kind::Index { operand, index, optional } => self.index(expr, operand, index, *optional),
            Kind::Call(call) => self.call(expr, call),
            Kind::And(operands) | Kind::Or(operands) => self.logical(operands),
            Kind::Conditional(parts) => self.conditional(expr, parts),
            Kind::List(elements) => {
                let parts = self.elements(elements.iter());
                self.list(parts)
            }
            Kind::Map(entries) => self.map(entries),
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
        let scoped = self.scope.iter().find(|scoped| scoped.name == root && scoped.type_.is_opaque());
        match scoped {
            Some(_) if root == "JSONPatch" => Checked::made(Type::Opaque("JSONPatch"), cost),
            Some(_) if type_name == root => Checked::made(Type::Opaque("Object"), cost),
            Some(_) => Checked::made(Type::Dyn(None), cost),
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
            && !self.scope.iter().any(|scoped| name.starts_with(&format!("{}.", scoped.name)))
        {
            return self.type_name();
        }
        // A variable whose name has a dot.
        let dotted = self
            .scope
            .iter()
            .find(|scoped| scoped.name.contains('.') && dotted_name(expr).as_ref() == Some(&scoped.name));
        if let Some(Variable { type_, extent, .. }) = dotted {
            return Checked { type_: type_.clone(), cost: 1, extent: extent.clone() };
        }
        let operand = self.expr(operand);
        let found = self.field(&operand.type_, field, expr.at);
        if optional {
            let type_ = match found {
                already @ Type::Optional(_) => already,
                found => Type::Optional(Box::new(found)),
            };
            return Checked::made(type_, operand.cost.saturating_add(1));
        }
        let own_cost = u64::from(matches!(operand.type_, Type::Map(..) | Type::Object(_)));
        let place = operand.extent.place.part(Step::Field(field), self.root.as_ref());
        let extent = Extent::of(place, &found);
        Checked { type_: found, cost: operand.cost.saturating_add(own_cost), extent }
    }

    /// The name of a type is a variable that nobody declares.
    fn type_name(&self) -> Checked {
        let extent = Extent::of(Place::Declared(self.root.clone()), &Type::Name);
        Checked { type_: Type::Name, cost: 1, extent }
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
        let fitting = fitting(overloads("_[_]"), None, &args);
        let Some(type_) = result_of(&fitting) else {
            return self.no_overload(expr.at, if optional { "_[?_]" } else { "_[_]" }, None, &args);
        };
        if optional {
            return Checked::made(Type::Optional(Box::new(type_)), cost);
        }
        let place = operand.extent.place.part(Step::Value, self.root.as_ref());
        let mut extent = Extent::of(place, &type_);
        if let Some(entries) = operand.extent.entries {
            extent.size = Some(entries.value);
        }
        Checked { type_, cost, extent }
    }

    fn logical(&mut self, operands: &[Expr]) -> Checked {
        let mut cost: u64 = 0;
        for operand in operands {
            let checked = self.expr(operand);
            cost = cost.saturating_add(checked.cost);
            self.must_be_bool(operand.at, &checked.type_);
        }
        Checked::made(Type::Bool, cost)
    }

    fn must_be_bool(&mut self, at: usize, type_: &Type) {
        if !matches!(type_, Type::Bool | Type::Dyn(_)) {
            self.mistake(at, format!("expected type 'bool' but found '{type_}'"));
        }
    }

    fn conditional(&mut self, expr: &Expr, parts: &[Expr; 3]) -> Checked {
        let [condition, yes, no] = parts.each_ref().map(|part| self.expr(part));
        let cost = condition.cost.saturating_add(yes.cost.max(no.cost));
        let size = yes.extent.size_or_unknown().or(no.extent.size_or_unknown());
        let entries = yes.extent.entries.zip(no.extent.entries).map(|(yes, no)| yes.or(no));
        let types = [condition.type_, yes.type_, no.type_];
        let fits = matches!(types[0], Type::Bool | Type::Dyn(_));
        let mut bound = BTreeMap::new();
        if !fits || !(types[1].accepts(&types[2], &mut bound) || types[2].accepts(&types[1], &mut bound)) {
            return self.no_overload(expr.at, "_?_:_", None, &types);
        }
        let [_, yes, no] = types;
        // An empty list is one of whatever the other has.
        let yes = if matches!(&parts[1].kind, Kind::List(items) if items.is_empty()) { no } else { yes };
        let type_ = if yes.is_dyn() { Type::Dyn(None) } else { yes };
        let extent = Extent::made(Some(size), &type_).with_entries(entries);
        Checked { type_, cost, extent }
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

#[cfg(test)]
mod tests;
