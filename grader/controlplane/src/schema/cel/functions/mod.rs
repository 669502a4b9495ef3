//! The functions and operators of expressions: those of every kind of value here, the rest by library.

mod conversions;
mod extensions;
mod go_errors;
mod lists;
mod numbers;
mod strings;
mod times;

pub(super) use conversions::shown;
pub(super) use lists::{sorted, sorting_cost};

use super::ast::Call;
use super::authorization;
use super::evaluate::{Evaluated, Fault};
use super::meter::Meter;
use super::value::{Nested, Text, Value};
use std::cmp::Ordering;
use std::rc::Rc;

/// Applies a binary operator.
pub(super) fn operator<'a>(name: &str, left: &Value<'a>, right: &Value<'a>, meter: &Meter) -> Evaluated<'a> {
    let compared = |accept: fn(Ordering) -> bool| match left.compare(right) {
        Some(order) => Ok(Value::Bool(accept(order))),
        None if left.is_nan() || (right.is_nan() && left.is_number()) => {
            Err(Fault::Error("NaN values cannot be ordered".to_owned()))
        }
        None if !left.is_comparable() => Err(Fault::Error(format!("no such overload: {name}"))),
        None => Err(Fault::no_such_overload()),
    };
    match name {
        // What asks and what answers cannot be compared.
        "_==_" | "_!=_" if matches!(left, Value::Authorization(_)) => Err(Fault::no_such_overload()),
        "_==_" => Ok(Value::Bool(left.matches(right, meter))),
        "_!=_" => Ok(Value::Bool(!left.matches(right, meter))),
        "_<_" => compared(Ordering::is_lt),
        "_<=_" => compared(Ordering::is_le),
        "_>_" => compared(Ordering::is_gt),
        "_>=_" => compared(Ordering::is_ge),
        "@in" => match right {
            Value::List(_) | Value::JsonList(..) => {
                Ok(Value::Bool(right.each().any(|item| item.equals(left, meter))))
            }
            Value::Map(_) | Value::JsonMap(..) | Value::Object(..) => {
                Ok(Value::Bool(right.entry(left).is_some()))
            }
            _ => Err(Fault::no_such_overload()),
        },
        _ => arithmetic(name, left, right, meter),
    }
}

/// What an operator costs beside its operands.
pub(super) fn operator_cost(name: &str, left: &Value<'_>, right: &Value<'_>) -> u64 {
    let size = |value: &Value<'_>| match value {
        // Bytes are known at once, unlike characters.
        Value::String(text) => text.len() as u64,
        value => value.len().unwrap_or(1) as u64,
    };
    match name {
        "@in" => match right {
            Value::List(_) | Value::JsonList(..) => size(right),
            _ => 1,
        },
        "_+_" if matches!(left, Value::String(_) | Value::Bytes(_)) => {
            (size(left) + size(right)).div_ceil(10)
        }
        "_+_" => lists::joining_cost(left, right),
        _ => size(left).min(size(right)).div_ceil(10).max(1),
    }
}

fn arithmetic<'a>(name: &str, left: &Value<'a>, right: &Value<'a>, meter: &Meter) -> Evaluated<'a> {
    let overflow = |kind: &str| Fault::Error(format!("{kind} overflow"));
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => {
            let result = match name {
                "_+_" => left.checked_add(*right),
                "_-_" => left.checked_sub(*right),
                "_*_" => left.checked_mul(*right),
                "_/_" if *right == 0 => return Err(Fault::Error("division by zero".into())),
                "_/_" => left.checked_div(*right),
                "_%_" if *right == 0 => return Err(Fault::Error("modulus by zero".into())),
                "_%_" => left.checked_rem(*right),
                _ => return Err(Fault::no_such_overload()),
            };
            result.map(Value::Int).ok_or_else(|| overflow("integer"))
        }
        (Value::Uint(left), Value::Uint(right)) => {
            let result = match name {
                "_+_" => left.checked_add(*right),
                "_-_" => left.checked_sub(*right),
                "_*_" => left.checked_mul(*right),
                "_/_" if *right == 0 => return Err(Fault::Error("division by zero".into())),
                "_/_" => left.checked_div(*right),
                "_%_" if *right == 0 => return Err(Fault::Error("modulus by zero".into())),
                "_%_" => left.checked_rem(*right),
                _ => return Err(Fault::no_such_overload()),
            };
            result.map(Value::Uint).ok_or_else(|| overflow("unsigned integer"))
        }
        (Value::Double(left), Value::Double(right)) => match name {
            "_+_" => Ok(Value::Double(left + right)),
            "_-_" => Ok(Value::Double(left - right)),
            "_*_" => Ok(Value::Double(left * right)),
            "_/_" => Ok(Value::Double(left / right)),
            _ => Err(Fault::no_such_overload()),
        },
        (Value::String(left), Value::String(right)) if name == "_+_" => {
            Ok(Value::text(format!("{}{}", &**left, &**right)))
        }
        (Value::Bytes(left), Value::Bytes(right)) if name == "_+_" => {
            Ok(Value::Bytes([&**left, &**right].concat().into()))
        }
        (Value::List(_) | Value::JsonList(..), Value::List(_) | Value::JsonList(..)) if name == "_+_" => {
            Ok(lists::concatenated(left, right, meter))
        }
        _ => times::arithmetic(name, left, right),
    }
}

/// Calls a function or method.
pub(super) fn call<'a>(
    call: &'a Call,
    target: Option<Value<'a>>,
    mut args: Vec<Value<'a>>,
    meter: &Meter,
) -> Evaluated<'a> {
    let name = call.function.as_str();
    if let Some(Value::Authorization(authorization)) = &target {
        meter.spend(authorization::cost(name, &args))?;
        return authorization.call(name, &args);
    }
    let size = |value: &Value<'_>| match value {
        Value::String(text) => text.len().div_ceil(10) as u64,
        value => value.len().unwrap_or(1) as u64,
    };
    let cost = target.iter().map(&size).chain(args.iter().map(&size)).max().unwrap_or(1).max(1);
    // Only these look at every character or item.
    let is_flat = matches!(name, "size" | "type" | "dyn" | "value" | "hasValue" | "or" | "orValue");
    let cost = if is_flat { 1 } else { cost };
    let known =
        lists::cost(name, target.as_ref(), &args).or_else(|| strings::cost(name, target.as_ref(), &args));
    meter.spend(known.unwrap_or(cost))?;
    match (name, &target, args.as_slice()) {
        ("!_", None, [Value::Bool(value)]) => return Ok(Value::Bool(!value)),
        ("-_", None, [Value::Int(value)]) => {
            return value
                .checked_neg()
                .map(Value::Int)
                .ok_or_else(|| Fault::Error("integer overflow".into()));
        }
        ("-_", None, [Value::Double(value)]) => return Ok(Value::Double(-value)),
        ("type", None, [value]) => return Ok(Value::Type(value.type_name().into())),
        ("dyn", None, [_]) => return Ok(args.remove(0)),
        ("size", Some(value), []) | ("size", None, [value]) => {
            let why = || Fault::Error("no such overload: size".to_owned());
            if let Value::String(text) = value {
                // Its characters have to be counted.
                meter.step_over(text.len());
            }
            return value.len().map(|length| Value::Int(length as i64)).ok_or_else(why);
        }
        ("optional.none", None, []) => return Ok(Value::Optional(None)),
        ("optional.of", None, [_]) => return Ok(Value::some(args.remove(0))),
        ("optional.ofNonZeroValue", None, [value]) => {
            let is_zero = match value {
                Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) | Value::Duration(0) => {
                    true
                }
                Value::Double(value) => *value == 0.0,
                value => value.len() == Some(0),
            };
            return Ok(if is_zero { Value::Optional(None) } else { Value::some(args.remove(0)) });
        }
        _ => {}
    }
    if let Some(Value::Optional(inner)) = &target {
        return optional(name, inner.as_ref(), args);
    }
    let found = conversions::call(name, &target, &args)
        .or_else(|| strings::call(call, &target, &args, meter))
        .or_else(|| lists::call(name, &target, &args, meter))
        .or_else(|| times::call(name, &target, &args));
    match found {
        Some(result) => result,
        None => extensions::call(name, target.as_ref(), &args, meter),
    }
}

fn optional<'a>(
    name: &str,
    inner: Option<&Rc<Nested<Value<'a>>>>,
    mut args: Vec<Value<'a>>,
) -> Evaluated<'a> {
    match (name, inner, args.len()) {
        ("hasValue", inner, 0) => Ok(Value::Bool(inner.is_some())),
        ("value", Some(inner), 0) => Ok((***inner).clone()),
        ("value", None, 0) => Err(Fault::Error("optional.none() dereference".into())),
        ("orValue", Some(inner), 1) => Ok((***inner).clone()),
        ("or", Some(inner), 1) => Ok(Value::Optional(Some(inner.clone()))),
        ("or" | "orValue", None, 1) => Ok(args.remove(0)),
        _ => Err(Fault::no_such_overload()),
    }
}

/// The text of a value that is one.
fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::String(Text::Borrowed(text)) => Some(text),
        Value::String(Text::Shared(text)) => Some(text),
        _ => None,
    }
}
