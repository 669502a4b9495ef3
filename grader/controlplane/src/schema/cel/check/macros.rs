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
        let range = self.expr(&comprehension.range);
        let size = range.extent.size_or_unknown();
        let count = size.most;
        let (key, value) = match &range.type_ {
            Type::List(item, _) => (Type::Int, (**item).clone()),
            Type::Map(key, value, _) => ((**key).clone(), (**value).clone()),
            Type::Dyn(_) => (Type::Dyn(None), Type::Dyn(None)),
            other => {
                let text = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                return self.mistake(comprehension.range.at, text);
            }
        };
        let is_list = matches!(range.type_, Type::List(..));
        let of_list = range.extent.entries.map_or(is_list, |entries| entries.of_list);
        let part = |step: Step<'_>, type_: &Type, size: Option<Size>| {
            let mut extent = Extent::of(range.extent.place.part(step, self.root.as_ref()), type_);
            extent.size = extent.size.or(size);
            extent
        };
        let key_step = if of_list { Step::Index } else { Step::Key };
        let key_extent = part(key_step, &key, range.extent.entries.map(|entries| entries.key));
        let value_extent = part(Step::Value, &value, range.extent.entries.map(|entries| entries.value));
        let (item, item_extent) =
            if is_list { (&value, value_extent.clone()) } else { (&key, key_extent.clone()) };
        let item_size = item_extent.size_or_unknown();
        let variable = |name: &str, type_: &Type, extent| Variable {
            name: name.to_owned(),
            type_: type_.clone(),
            extent,
        };
        let depth = self.scope.len();
        match &comprehension.second {
            Some(second) => {
                self.scope.push(variable(&comprehension.first, &key, key_extent));
                self.scope.push(variable(second, &value, value_extent));
            }
            None => self.scope.push(variable(&comprehension.first, item, item_extent)),
        }
        let condition = comprehension.condition.as_ref().map(|condition| self.expr(condition));
        let body = self.expr(&comprehension.body);
        self.scope.truncate(depth);

        let result = match comprehension.kind {
            Macro::All | Macro::Exists => {
                self.must_be_bool(comprehension.body.at, &body.type_);
                Type::Bool
            }
            Macro::ExistsOne => Type::Bool,
            Macro::Filter | Macro::SortBy => Type::List(Box::new(if is_list { value } else { key }), None),
            Macro::Map | Macro::TransformList => Type::List(Box::new(body.type_.clone()), None),
            Macro::TransformMap => Type::Map(Box::new(key), Box::new(body.type_.clone()), None),
            Macro::TransformMapEntry => match &body.type_ {
                Type::Map(..) => body.type_.clone(),
                Type::Dyn(_) => Type::Dyn(None),
                other => {
                    let args =
                        [Type::Map(Type::Dyn(None).into(), Type::Dyn(None).into(), None), other.clone()];
                    return self.no_overload(expr.at, "cel.@mapInsert", None, &args);
                }
            },
        };
        let kept_by = match comprehension.kind {
            Macro::ExistsOne | Macro::Filter => Some(&body),
            _ => condition.as_ref(),
        };
        if let Some(Checked { type_, .. }) = kept_by
            && !matches!(type_, Type::Bool | Type::Dyn(_))
        {
            let step = if comprehension.kind == Macro::ExistsOne { Type::Int } else { result };
            return self.no_overload(expr.at, "_?_:_", None, &[type_.clone(), step.clone(), step]);
        }
        if comprehension.kind == Macro::SortBy
            && fitting(overloads("_<_"), None, &[body.type_.clone(), body.type_.clone()]).is_empty()
        {
            let keys = Type::List(Box::new(body.type_), None);
            return self.no_overload(expr.at, "@sortByAssociatedKeys", Some(&result), &[keys]);
        }
        let kept = condition.map_or(0, |condition| condition.cost);
        // What the macro itself does on each turn, before it and after it.
        let (each, once) = match comprehension.kind {
            Macro::All => (body.cost.saturating_add(3), 1),
            Macro::Exists => (body.cost.saturating_add(4), 1),
            Macro::ExistsOne => (body.cost.saturating_add(2), 2),
            Macro::Filter => (body.cost.saturating_add(13), 11),
            Macro::Map | Macro::TransformList => (body.cost.saturating_add(kept).saturating_add(12), 11),
            Macro::TransformMap => (body.cost.saturating_add(kept).saturating_add(3), 31),
            Macro::TransformMapEntry => (body.cost.saturating_add(kept).saturating_add(2), 31),
            // The list is bound to a variable, and its keys are mapped.
            Macro::SortBy => (body.cost.saturating_add(12), 23),
        };
        let cost = range.cost.saturating_add(count.saturating_mul(each)).saturating_add(once);
        let body_size = body.extent.size_or_unknown();
        // The list that a macro makes is empty at first.
        let items = |size| Some(Entries::of_items(Size::covering([Size::fixed(0), size])));
        let extent = match comprehension.kind {
            Macro::All | Macro::Exists | Macro::ExistsOne => Extent::made(None, &result),
            Macro::Filter => Extent::made(Some(size), &result).with_entries(items(item_size)),
            Macro::Map | Macro::TransformList => {
                Extent::made(Some(size), &result).with_entries(items(body_size))
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
}
