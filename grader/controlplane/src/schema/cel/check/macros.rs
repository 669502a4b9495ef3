//! Types and costs of macros, which bring variables of their own.

use super::super::ast::{Comprehension, Expr, Macro};
use super::super::signatures::overloads;
use super::super::types::Type;
use super::{Checked, Checker, find};

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
        self.scope.push((name.to_owned(), inner));
        let body = self.expr(body);
        self.scope.pop();
        let type_ = if is_flat { body.type_ } else { Type::Optional(Box::new(body.type_)) };
        // The operand is asked for a value, and then for it; the result is made, like the variable, of a comprehension.
        let cost = operand.cost.saturating_mul(2).saturating_add(body.cost).saturating_add(13);
        Checked { type_, cost }
    }

    pub(super) fn comprehension(&mut self, expr: &Expr, comprehension: &Comprehension) -> Checked {
        let range = self.expr(&comprehension.range);
        let count = range.type_.size().unwrap_or(u64::MAX);
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
        let depth = self.scope.len();
        match &comprehension.second {
            Some(second) => {
                self.scope.push((comprehension.first.clone(), key.clone()));
                self.scope.push((second.clone(), value.clone()));
            }
            None => {
                let item = if is_list { value.clone() } else { key.clone() };
                self.scope.push((comprehension.first.clone(), item));
            }
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
            Macro::Filter | Macro::SortBy => {
                Type::List(Box::new(if is_list { value } else { key }), range.type_.size())
            }
            Macro::Map | Macro::TransformList => Type::List(Box::new(body.type_.clone()), range.type_.size()),
            Macro::TransformMap => Type::Map(Box::new(key), Box::new(body.type_.clone()), range.type_.size()),
            Macro::TransformMapEntry => match &body.type_ {
                Type::Map(..) => body.type_.clone().with_size(range.type_.size()),
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
            && find(overloads("_<_"), None, &[body.type_.clone(), body.type_.clone()]).is_none()
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
            Macro::TransformMap | Macro::TransformMapEntry => {
                (body.cost.saturating_add(kept).saturating_add(2), 31)
            }
            // The keys are listed, and both lists are sorted together.
            Macro::SortBy => (body.cost.saturating_add(12).saturating_add(count), 21),
        };
        let cost = range.cost.saturating_add(count.saturating_mul(each)).saturating_add(once);
        Checked { type_: result, cost }
    }
}
