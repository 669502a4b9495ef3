//! Lists and maps that an expression writes out.

use super::super::ast::{Element, Expr};
use super::super::extent::{Entries, Extent, Size};
use super::super::lexer::Mistake;
use super::super::types::Type;
use super::{Checked, Checker};
use std::collections::BTreeMap;

/// The parts of a literal as they are found out.
#[derive(Default)]
pub(super) struct Parts {
    /// Where they stand and what their types are.
    pub(super) types: Vec<(usize, Type)>,
    sizes: Vec<Size>,
    cost: u64,
}

impl Parts {
    fn add(&mut self, at: usize, part: Checked, is_optional: bool) {
        self.cost = self.cost.saturating_add(part.cost);
        self.sizes.push(part.extent.size_or_unknown());
        self.types.push((at, unwrapped(part.type_, is_optional)));
    }
}

impl Checker {
    /// The parts of a literal.
    pub(super) fn elements<'a>(&mut self, elements: impl Iterator<Item = &'a Element>) -> Parts {
        let mut parts = Parts::default();
        for element in elements {
            let checked = self.expr(&element.expr);
            parts.add(element.expr.at, checked, element.optional);
        }
        parts
    }

    pub(super) fn list(&mut self, parts: Parts) -> Checked {
        let size = Size::fixed(parts.types.len() as u64);
        let entries = Entries::of_items(Size::covering(parts.sizes));
        let item = self.common(parts.types);
        let type_ = Type::List(Box::new(item), None);
        let extent = Extent::made(Some(size), &type_).with_entries(Some(entries));
        Checked { type_, cost: parts.cost.saturating_add(10), extent }
    }

    pub(super) fn map(&mut self, entries: &[(Element, Expr)]) -> Checked {
        let keys = self.elements(entries.iter().map(|(key, _)| key));
        let mut values = Parts::default();
        for (key, value) in entries {
            let checked = self.expr(value);
            values.add(value.at, checked, key.optional);
        }
        let cost = keys.cost.saturating_add(values.cost).saturating_add(30);
        let sizes =
            Entries { of_list: false, key: Size::covering(keys.sizes), value: Size::covering(values.sizes) };
        // A key of another type is none, and types of maps that are keys of maps would double with each of them.
        let key = Some(self.common(keys.types)).filter(Type::is_scalar).unwrap_or(Type::Dyn(None));
        let value = self.common(values.types);
        let type_ = Type::Map(Box::new(key), Box::new(value), None);
        let size = Size::fixed(entries.len() as u64);
        let extent = Extent::made(Some(size), &type_).with_entries(Some(sizes));
        Checked { type_, cost, extent }
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
        common
    })
}
