//! Calls of functions, methods and operators: which overloads fit, what they give and what they cost.

use super::super::ast::{Call, Expr, Kind};
use super::super::cost::{Operand, call_cost};
use super::super::extent::{Entries, Extent, Size};
use super::super::signatures::{Signature, overloads};
use super::super::types::Type;
use super::{Checked, Checker, literals};
use std::collections::BTreeMap;

impl Checker {
    pub(super) fn call(&mut self, expr: &Expr, call: &Call) -> Checked {
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
        let types: Vec<Type> = args.iter().map(|arg| arg.type_.clone()).collect();
        let fitting = fitting(signatures, target.as_ref().map(|target| &target.type_), &types);
        let Some(type_) = result_of(&fitting) else {
            return self.no_overload(expr.at, name, target.as_ref().map(|target| &target.type_), &types);
        };
        if let ("dyn", [arg]) = (name, args.as_slice()) {
            let extent = Extent::made(arg.extent.size, &type_).with_entries(arg.extent.entries);
            return Checked { type_, cost: cost.saturating_add(1), extent };
        }
        let target = call.target.as_deref().zip(target.as_ref()).map(operand);
        let operands: Vec<Operand<'_>> = call.args.iter().zip(&args).map(operand).collect();
        let (mut own_cost, mut size) = (0, None);
        for (overload, _) in fitting {
            let (of_overload, of_result) = call_cost(name, overload, target.as_ref(), &operands);
            own_cost = own_cost.max(of_overload);
            size = match (size, of_result) {
                (Some(one), Some(other)) => Some(Size::or(one, other)),
                (one, other) => one.or(other).or(Extent::made(None, &type_).size),
            };
        }
        let extent = Extent::made(size, &type_).with_entries(concatenated(name, &args));
        Checked { type_, cost: cost.saturating_add(own_cost), extent }
    }

    fn format_arguments(&mut self, expr: &Expr, call: &Call) -> Vec<Checked> {
        self.formats += 1;
        let checked = match call.args.as_slice() {
            [Expr { kind: Kind::List(elements), .. }] => {
                let parts = self.elements(elements.iter());
                self.in_literals.extend(literals::mistake_in_format(call, expr.at, &parts.types));
                vec![self.list(parts)]
            }
            args => args.iter().map(|arg| self.expr(arg)).collect(),
        };
        self.formats -= 1;
        checked
    }
}

/// What was found out about an expression, for a call that is given it.
fn operand<'a>((expr, checked): (&'a Expr, &'a Checked)) -> Operand<'a> {
    Operand { expr, type_: &checked.type_, extent: &checked.extent }
}

/// How large the items of two lists together are.
fn concatenated(name: &str, args: &[Checked]) -> Option<Entries> {
    match (name, args) {
        ("_+_", [left, right]) => {
            left.extent.entries.zip(right.extent.entries).map(|(left, right)| left.or(right))
        }
        _ => None,
    }
}

/// The overloads that fit, with their results.
pub(super) fn fitting<'a>(
    signatures: &'a [Signature],
    target: Option<&Type>,
    args: &[Type],
) -> Vec<(&'a Signature, Type)> {
    let fits = |signature: &'a Signature| {
        let mut bound = BTreeMap::new();
        let target_fits = match (&signature.target, target) {
            (None, None) => true,
            (Some(expected), Some(target)) => expected.accepts(target, &mut bound),
            _ => false,
        };
        let args_fit = signature.args.len() == args.len()
            && signature.args.iter().zip(args).all(|(expected, arg)| expected.accepts(arg, &mut bound));
        (target_fits && args_fit).then(|| (signature, signature.result.substituted(&bound)))
    };
    signatures.iter().filter_map(fits).collect()
}

/// What these overloads give: a dynamic value when their results are of different types, nothing when there are none.
pub(super) fn result_of(fitting: &[(&Signature, Type)]) -> Option<Type> {
    let (_, first) = fitting.first()?;
    let shown = first.to_string();
    let same = fitting.iter().all(|(_, result)| result.to_string() == shown);
    Some(if same { first.clone() } else { Type::Dyn(None) })
}
