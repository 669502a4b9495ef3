//! Types and costs of macros, which bring variables of their own.

use super::super::ast::{Comprehension, Expr, Macro};
use super::super::cost::sorting;
use super::super::extent::{Entries, Extent, Size, Step};
use super::super::signatures::overloads;
use super::super::types::Type;
use super::calls::fitting;
use super::{Checked, Checker, Variable};

impl Checker {
    pub(super) fn optional_map(
        &mut self,
        expr: &Expr,
        operand: &Expr,
        name: &str,
        body: &Expr,
        is_flat: bool,
    ) -> Checked {
        let operand = self.expr(operand);
        let inner = match operand.type_ {
            Type::Optional(inner) => *inner,
            Type::Dyn(size) => Type::Dyn(size),
            other => {
                self.no_overload(expr.at, "hasValue", Some(&other), &[]);
                return self.no_overload(expr.at, "value", Some(&other), &[]);
            }
        };
        let extent = Extent::made(None, &inner);
        self.scope.push(Variable { name: name.to_owned(), type_: inner, extent });
        let body = self.expr(body);
        self.scope.pop();
        let (type_, wrapping) =
            if is_flat { (body.type_, 0) } else { (Type::Optional(Box::new(body.type_)), 1) };
        // The operand is asked for a value, and then for it; the variable is one of a comprehension.
        let own_cost = 12 + wrapping;
        let cost = operand.cost.saturating_mul(2).saturating_add(body.cost).saturating_add(own_cost);
        Checked::made(type_, cost)
    }

    pub(super) fn comprehension(&mut self, expr: &Expr, comprehension: &Comprehension) -> Checked {
        let kind = comprehension.kind;
        let range = self.expr(&comprehension.range);
        let parts = match self.parts_of(&range) {
            Ok(parts) => parts,
            Err(text) => return self.mistake(comprehension.range.at, text),
        };
        let item_size = parts.item().extent.size_or_unknown();
        let depth = self.scope.len();
        match &comprehension.second {
            Some(second) => {
                self.scope.push(parts.key.variable(&comprehension.first));
                self.scope.push(parts.value.variable(second));
            }
            None => self.scope.push(parts.item().variable(&comprehension.first)),
        }
        let condition = comprehension.condition.as_ref().map(|condition| self.expr(condition));
        let body = self.expr(&comprehension.body);
        self.scope.truncate(depth);

        if matches!(kind, Macro::All | Macro::Exists) {
            self.must_be_bool(comprehension.body.at, &body.type_);
        }
        let Some(result) = result_of_macro(kind, &parts, &body.type_) else {
            let any = || Box::new(Type::Dyn(None));
            let args = [Type::Map(any(), any(), None), body.type_];
            return self.no_overload(expr.at, "cel.@mapInsert", None, &args);
        };
        let kept_by = match kind {
            Macro::ExistsOne | Macro::Filter => Some(&body),
            _ => condition.as_ref(),
        };
        if let Some(Checked { type_, .. }) = kept_by
            && !matches!(type_, Type::Bool | Type::Dyn(_))
        {
            let step = if kind == Macro::ExistsOne { Type::Int } else { result };
            return self.no_overload(expr.at, "_?_:_", None, &[type_.clone(), step.clone(), step]);
        }
        if kind == Macro::SortBy
            && fitting(overloads("_<_"), None, &[body.type_.clone(), body.type_.clone()]).is_empty()
        {
            let keys = Type::List(Box::new(body.type_), None);
            return self.no_overload(expr.at, "@sortByAssociatedKeys", Some(&result), &[keys]);
        }
        let size = range.extent.size_or_unknown();
        let (each, once) = own_costs(kind, condition.map_or(0, |condition| condition.cost));
        let turns = size.most.saturating_mul(body.cost.saturating_add(each));
        let cost = range.cost.saturating_add(turns).saturating_add(once);
        // The list that a macro makes is empty at first.
        let items = |size| Some(Entries::of_items(Size::covering([Size::fixed(0), size])));
        let extent = match kind {
            Macro::All | Macro::Exists | Macro::ExistsOne => Extent::made(None, &result),
            Macro::Filter => Extent::made(Some(size), &result).with_entries(items(item_size)),
            Macro::Map | Macro::TransformList => {
                Extent::made(Some(size), &result).with_entries(items(body.extent.size_or_unknown()))
            }
            Macro::TransformMap | Macro::TransformMapEntry => Extent::made(Some(size), &result),
            Macro::SortBy => {
                let (sorting, sorted) = sorting(&body.type_, size);
                let extent = Extent::made(sorted, &result);
                return Checked { type_: result, cost: cost.saturating_add(sorting), extent };
            }
        };
        Checked { type_: result, cost, extent }
    }

    /// What a macro goes through; the mistake when that is nothing of the kind.
    fn parts_of(&self, range: &Checked) -> Result<Parts, String> {
        let (key, value) = match &range.type_ {
            Type::List(item, _) => (Type::Int, (**item).clone()),
            Type::Map(key, value, _) => ((**key).clone(), (**value).clone()),
            Type::Dyn(_) => (Type::Dyn(None), Type::Dyn(None)),
            other => {
                return Err(format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                ));
            }
        };
        let is_list = matches!(range.type_, Type::List(..));
        let entries = range.extent.entries;
        let part = |step: Step<'_>, type_: Type, size: Option<Size>| {
            let mut extent = Extent::of(range.extent.place.part(step, self.root.as_ref()), &type_);
            extent.size = extent.size.or(size);
            Part { type_, extent }
        };
        let of_list = entries.map_or(is_list, |entries| entries.of_list);
        let key_step = if of_list { Step::Index } else { Step::Key };
        Ok(Parts {
            is_list,
            key: part(key_step, key, entries.map(|entries| entries.key)),
            value: part(Step::Value, value, entries.map(|entries| entries.value)),
        })
    }
}

/// The keys, or the values, of what a macro goes through.
struct Part {
    type_: Type,
    extent: Extent,
}

impl Part {
    fn variable(&self, name: &str) -> Variable {
        Variable { name: name.to_owned(), type_: self.type_.clone(), extent: self.extent.clone() }
    }
}

/// What a macro goes through.
struct Parts {
    is_list: bool,
    key: Part,
    value: Part,
}

impl Parts {
    /// What a macro with one variable is given.
    fn item(&self) -> &Part {
        if self.is_list { &self.value } else { &self.key }
    }
}

/// What a macro gives; `None` when its body does not give entries of a map though it should.
fn result_of_macro(kind: Macro, parts: &Parts, body: &Type) -> Option<Type> {
    Some(match kind {
        Macro::All | Macro::Exists | Macro::ExistsOne => Type::Bool,
        Macro::Filter | Macro::SortBy => Type::List(Box::new(parts.item().type_.clone()), None),
        Macro::Map | Macro::TransformList => Type::List(Box::new(body.clone()), None),
        Macro::TransformMap => Type::Map(Box::new(parts.key.type_.clone()), Box::new(body.clone()), None),
        Macro::TransformMapEntry => match body {
            Type::Map(..) => body.clone(),
            Type::Dyn(_) => Type::Dyn(None),
            _ => return None,
        },
    })
}

/// What a macro costs on each turn beside its body, and before and after all of them. `condition` is what its condition
/// costs.
fn own_costs(kind: Macro, condition: u64) -> (u64, u64) {
    match kind {
        Macro::All => (3, 1),
        Macro::Exists => (4, 1),
        Macro::ExistsOne => (2, 2),
        Macro::Filter => (13, 11),
        Macro::Map | Macro::TransformList => (condition.saturating_add(12), 11),
        Macro::TransformMap => (condition.saturating_add(3), 31),
        Macro::TransformMapEntry => (condition.saturating_add(2), 31),
        // The list is bound to a variable, and its keys are mapped.
        Macro::SortBy => (12, 23),
    }
}
