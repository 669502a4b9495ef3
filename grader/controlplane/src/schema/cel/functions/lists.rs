//! Functions of lists and sets (apiserver/pkg/cel/library/lists.go, cel-go/ext/{lists,sets}.go).

use super::super::cost::LIST_OF_CALL;
use super::super::evaluate::{Evaluated, Fault};
use super::super::meter::Meter;
use super::super::value::{Identified, Value};
use super::{operator, strings, text};
use std::cmp::Ordering;

pub(super) fn call<'a>(
    name: &str,
    target: &Option<Value<'a>>,
    args: &[Value<'a>],
    meter: &Meter,
) -> Option<Evaluated<'a>> {
    let Some(target) = target else { return function(name, args, meter) };
    let items = target.items()?;
    let error = |text: &str| Err(Fault::Error(text.to_owned()));
    Some(match (name, args) {
        ("isSorted" | "min" | "max", []) if !items.iter().all(Value::is_comparable) => {
            error(&format!("no such overload: {name}(list)"))
        }
        // What cannot be compared is in order.
        ("isSorted", []) => Ok(Value::Bool(
            !items.windows(2).any(|pair| pair[0].compare(&pair[1]).is_some_and(Ordering::is_gt)),
        )),
        ("sum", []) => match items.split_first() {
            None => Ok(Value::Int(0)),
            Some((first, rest)) => {
                rest.iter().try_fold(first.clone(), |sum, item| match item {
                    // What is longer as a sum would be copied again and again.
                    Value::String(_) | Value::Bytes(_) | Value::List(_) | Value::JsonList(..) => {
                        Err(Fault::no_such_overload())
                    }
                    item => operator("_+_", &sum, item, meter),
                })
            }
        },
        ("min" | "max", []) => {
            let wanted = if name == "min" { Ordering::Less } else { Ordering::Greater };
            let mut items = items.into_iter();
            let Some(first) = items.next() else {
                return Some(error(&format!("{name} called on empty list")));
            };
            Ok(items.fold(first, |best, item| if item.compare(&best) == Some(wanted) { item } else { best }))
        }
        ("indexOf", [searched]) => Ok(position(items.iter().position(|item| item.equals(searched, meter)))),
        ("lastIndexOf", [searched]) => {
            Ok(position(items.iter().rposition(|item| item.equals(searched, meter))))
        }
        ("join", [] | [_]) => {
            let separator = args.first().map_or(Some(""), text)?;
            let texts: Option<Vec<&str>> = items.iter().map(text).collect();
            match texts {
                Some(texts) => {
                    let each = texts.iter().map(|text| text.len().saturating_add(separator.len()));
                    strings::made(each.fold(0, usize::saturating_add), meter)
                        .map(|()| Value::text(texts.join(separator)))
                }
                None => Err(Fault::no_such_overload()),
            }
        }
        ("slice", [Value::Int(from), Value::Int(to)]) => {
            let bounds = (usize::try_from(*from).ok(), usize::try_from(*to).ok());
            match bounds {
                (Some(from), Some(to)) if from <= to && to <= items.len() => {
                    Ok(Value::list(items[from..to].to_vec()))
                }
                (Some(from), Some(to)) if from > to => {
                    let why = "start index must be less than or equal to end index";
                    error(&format!("cannot slice({from}, {to}), {why}"))
                }
                (None, _) | (_, None) => {
                    error(&format!("cannot slice({from}, {to}), negative indexes not supported"))
                }
                _ => error(&format!("cannot slice({from}, {to}), list is length {}", items.len())),
            }
        }
        ("first", []) => Ok(Value::optional(items.into_iter().next())),
        ("last", []) => Ok(Value::optional(items.into_iter().last())),
        ("unwrapOpt", []) => Ok(unwrapped(items)),
        ("reverse", []) => Ok(Value::list(items.into_iter().rev().collect())),
        ("distinct", []) => {
            let mut distinct: Vec<Value<'a>> = Vec::new();
            for item in items {
                if !distinct.iter().any(|earlier| earlier.equals(&item, meter)) {
                    distinct.push(item);
                }
            }
            Ok(Value::list(distinct))
        }
        ("sort", []) => sorted(items.into_iter().map(|item| (item.clone(), item)).collect()),
        ("flatten", []) => flattened(items, 1, meter),
        ("flatten", [Value::Int(depth)]) if *depth >= 0 => flattened(items, *depth, meter),
        ("flatten", [Value::Int(_)]) => error("level must be non-negative"),
        _ => return None,
    })
}

/// What a call costs that makes a list or compares the items of lists with each other; `None` for other calls.
pub(super) fn cost(name: &str, target: Option<&Value<'_>>, args: &[Value<'_>]) -> Option<u64> {
    let count = |list: &Value<'_>| list.len().unwrap_or(1) as u64;
    let bound = |bound: i64| bound.max(0).cast_unsigned();
    Some(match (name, target, args) {
        ("lists.range", None, [Value::Int(end)]) => bound(*end).saturating_add(LIST_OF_CALL),
        ("sets.contains" | "sets.intersects", None, [one, other]) => {
            count(one).saturating_mul(count(other)).saturating_add(1)
        }
        ("sets.equivalent", None, [one, other]) => {
            count(one).saturating_mul(count(other)).saturating_mul(2).saturating_add(1)
        }
        ("distinct", Some(list), []) => {
            count(list).saturating_mul(count(list)).saturating_mul(2).saturating_add(LIST_OF_CALL)
        }
        ("sort", Some(list), []) => sorting_cost(list.item(0).as_ref(), count(list)),
        ("reverse" | "flatten", Some(list), []) => count(list).saturating_add(LIST_OF_CALL),
        ("flatten", Some(list), [Value::Int(depth)]) => {
            count(list).saturating_mul(bound(*depth)).saturating_add(LIST_OF_CALL)
        }
        ("slice", Some(_), [Value::Int(from), Value::Int(to)]) => {
            bound(to.saturating_sub(*from)).saturating_add(LIST_OF_CALL)
        }
        _ => return None,
    })
}

/// What it costs to sort so many items by keys like this one.
pub(in super::super) fn sorting_cost(key: Option<&Value<'_>>, count: u64) -> u64 {
    let comparisons = count.saturating_mul(count);
    let of_text = match key {
        Some(Value::String(_) | Value::Bytes(_)) => comparisons / 10,
        _ => 0,
    };
    comparisons.saturating_mul(2).saturating_add(of_text).saturating_add(LIST_OF_CALL)
}

/// The values in the order of their keys. Numbers that are none come last; with Kubernetes they stand anywhere.
pub(in super::super) fn sorted<'a>(mut keyed: Vec<(Value<'a>, Value<'a>)>) -> Evaluated<'a> {
    if let Some((first, _)) = keyed.first() {
        if !first.is_comparable() {
            return Err(Fault::Error("list elements must be comparable".to_owned()));
        }
        let type_name = first.type_name();
        if keyed.iter().any(|(key, _)| key.type_name() != type_name) {
            return Err(Fault::Error("list elements must have the same type".to_owned()));
        }
    }
    let order = |one: &Value<'a>, other: &Value<'a>| {
        one.compare(other).unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
    };
    keyed.sort_by(|(one, _), (other, _)| order(one, other));
    Ok(Value::list(keyed.into_iter().map(|(_, value)| value).collect()))
}

fn function<'a>(name: &str, args: &[Value<'a>], meter: &Meter) -> Option<Evaluated<'a>> {
    if let ("lists.range", [Value::Int(count)]) = (name, args) {
        return Some(Ok(Value::list((0..*count).map(Value::Int).collect())));
    }
    if let ("optional.unwrap", [list]) = (name, args) {
        return list.items().map(|items| Ok(unwrapped(items)));
    }
    let [one, other] = args else { return None };
    let (one, other) = (one.items()?, other.items()?);
    let within = |items: &[Value<'a>], all: &[Value<'a>]| {
        items.iter().all(|item| all.iter().any(|other| other.equals(item, meter)))
    };
    Some(Ok(Value::Bool(match name {
        "sets.contains" => within(&other, &one),
        "sets.equivalent" => within(&other, &one) && within(&one, &other),
        "sets.intersects" => one.iter().any(|item| other.iter().any(|other| other.equals(item, meter))),
        _ => return None,
    })))
}

/// Two lists as one. Those of a set or a list map are united: what is in both stays where it was, in the later form.
pub(super) fn concatenated<'a>(left: &Value<'a>, right: &Value<'a>, meter: &Meter) -> Value<'a> {
    let Some(list_type) = left.uniting() else { return Value::joined(left, right) };
    let mut items = Identified::new(list_type);
    left.each().chain(right.each()).for_each(|item| items.set(item, meter));
    Value::list(items.into_items())
}

/// What it costs to make one list of two. In Kubernetes it is always 1; here what has to be copied or compared counts as
/// well, a little.
pub(super) fn joining_cost(left: &Value<'_>, right: &Value<'_>) -> u64 {
    let work = match left.uniting() {
        Some(_) => left.len().unwrap_or_default().saturating_add(right.len().unwrap_or_default()),
        None => Value::copied_when_joined(left, right),
    };
    1 + (work as u64) / 10
}

fn position<'a>(found: Option<usize>) -> Value<'a> {
    Value::Int(found.map_or(-1, |index| index as i64))
}

/// What the optionals of a list have, of those that have something.
fn unwrapped<'a>(items: Vec<Value<'a>>) -> Value<'a> {
    let present = items.into_iter().filter_map(|item| match item {
        Value::Optional(inner) => inner.map(|inner| (**inner).clone()),
        value => Some(value),
    });
    Value::list(present.collect())
}

/// The items of lists in a list, so many levels down. Kubernetes does not count how many there are.
fn flattened<'a>(mut items: Vec<Value<'a>>, depth: i64, meter: &Meter) -> Evaluated<'a> {
    for _ in 0..depth {
        let mut flat = Vec::new();
        let mut changes = false;
        for item in items {
            match item {
                Value::List(_) | Value::JsonList(..) => {
                    changes = true;
                    meter.spend(item.len().unwrap_or_default() as u64)?;
                    flat.extend(item.each());
                }
                item => flat.push(item),
            }
        }
        items = flat;
        if !changes {
            break;
        }
    }
    Ok(Value::list(items))
}
