//! What calls cost at most, by the sizes of what they are given (apiserver/pkg/cel/library/cost.go,
//! cel-go/checker/cost.go, cel-go/ext/lists.go).

use super::ast::{Expr, Kind, Literal};
use super::extent::{Extent, Size, Step};
use super::signatures::Signature;
use super::types::Type;

const TRAVERSAL: f64 = 0.1;
const REGEX: f64 = 0.25;

/// The largest address, in bytes.
const ADDRESS: u64 = 16;

/// What a call makes of a list costs beside its items: the call and the list.
pub(super) const LIST_OF_CALL: u64 = 11;

/// What a call is given.
pub(super) struct Operand<'a> {
    pub(super) expr: &'a Expr,
    pub(super) type_: &'a Type,
    pub(super) extent: &'a Extent,
}

impl Operand<'_> {
    fn size(&self) -> Size {
        self.extent.size_or_unknown()
    }

    fn most(&self) -> u64 {
        self.size().most
    }

    /// How large its items are; `None` for what is no list.
    fn item(&self) -> Option<(&Type, Size)> {
        match self.type_ {
            Type::List(item, _) => {
                let declared = self.extent.place.part(Step::Value, None).size();
                Some((item, declared.unwrap_or(Size::UNKNOWN)))
            }
            _ => None,
        }
    }

    fn literal_int(&self) -> Option<i64> {
        match self.expr.kind {
            Kind::Literal(Literal::Int(value)) => Some(value),
            _ => None,
        }
    }
}

/// A size times a cost per unit.
fn times(size: u64, factor: f64) -> u64 {
    let cost = (size as f64 * factor).ceil();
    // What is too large for the type becomes its largest value.
    cost as u64
}

fn traversal(size: u64) -> u64 {
    times(size, TRAVERSAL)
}

/// What a call of one overload costs beside its arguments, and how large its value is when the call tells.
pub(super) fn call_cost(
    name: &str,
    overload: &Signature,
    target: Option<&Operand<'_>>,
    args: &[Operand<'_>],
) -> (u64, Option<Size>) {
    match (target, args) {
        (Some(target), args) => of_method(name, overload, target, args),
        (None, [arg]) => of_function(name, overload, arg),
        (None, [left, right]) => of_operator(name, overload, left, right),
        _ => None,
    }
    .unwrap_or((1, None))
}

fn of_method(
    name: &str,
    overload: &Signature,
    target: &Operand<'_>,
    args: &[Operand<'_>],
) -> Option<(u64, Option<Size>)> {
    let size = target.size();
    Some(match (name, args) {
        ("isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf", _) => {
            let cost = match target.item() {
                Some((Type::String(_) | Type::Bytes(_), item)) => {
                    size.most.saturating_mul(traversal(item.most).saturating_add(1))
                }
                Some(_) => size.most,
                None => traversal(size.most),
            };
            (cost, None)
        }
        ("lowerAscii" | "upperAscii" | "substring" | "trim", _) => (traversal(size.most), Some(size)),
        ("replace", [from, to, ..]) => {
            (times(size.most, 2.0 * TRAVERSAL), Some(replaced(size, from.size(), to.size())))
        }
        ("split", _) => {
            let limit = args.get(1).and_then(Operand::literal_int);
            // Kubernetes takes a negative limit for a very large one.
            let most = limit.map_or(size.most, i64::cast_unsigned);
            (times(size.most, 2.0 * TRAVERSAL), Some(Size::up_to(most)))
        }
        ("join", _) => {
            let items = target.item().map_or(Size::fixed(0), |(_, item)| size.times(item));
            let between = Size { least: size.least.saturating_sub(1), most: size.most.saturating_sub(1) };
            let separators = args.first().map_or(Size::fixed(0), |by| by.size().times(between));
            let joined = items.plus(separators);
            (traversal(joined.most), Some(joined))
        }
        ("find" | "findAll", [regex, ..]) => {
            (matching(size.most, regex.most()), Some(Size::up_to(size.most)))
        }
        ("matches", [regex]) => (matching(size.most, regex.most()), None),
        ("contains", [part]) => (traversal(size.most).saturating_mul(traversal(part.most())), None),
        ("startsWith" | "endsWith", [part]) => (traversal(part.most()), None),
        ("format", _) => (traversal(size.most), None),
        ("validate", [text]) => (times(traversal(text.most()), 128.0 * REGEX), None),
        ("containsIP", [address]) => {
            (traversal(2 * ADDRESS).saturating_add(parsing(overload, address)), None)
        }
        ("containsCIDR", [range]) => {
            let comparing = traversal(2 * ADDRESS) + traversal(ADDRESS) + 1;
            (comparing.saturating_add(parsing(overload, range)), None)
        }
        ("slice", [start, end]) => {
            let bound =
                |arg: &Operand<'_>, default| arg.literal_int().map_or(default, |n| n.max(0).cast_unsigned());
            of_list(1.0, Size::fixed(bound(end, size.most).wrapping_sub(bound(start, 0))))
        }
        ("reverse", []) => of_list(1.0, size),
        ("flatten", []) => of_list(1.0, size),
        ("flatten", [depth]) => {
            let depth = depth.literal_int().map_or(u64::MAX, |depth| depth.max(0).cast_unsigned());
            of_list(depth as f64, size)
        }
        ("distinct", []) => of_list(2.0, size.times(size)),
        ("sort", []) => sorting(
            match &overload.target {
                Some(Type::List(item, _)) => item,
                _ => &Type::Dyn(None),
            },
            size,
        ),
        _ => return None,
    })
}

fn of_function(name: &str, overload: &Signature, arg: &Operand<'_>) -> Option<(u64, Option<Size>)> {
    let size = arg.size();
    Some(match (name, overload.args.first()) {
        ("url" | "jsonpatch.escapeKey", _) => (traversal(size.most), Some(size)),
        ("cidr" | "ip" | "isIP" | "isCIDR" | "quantity" | "isQuantity" | "semver" | "isSemver", _) => {
            (traversal(size.most), None)
        }
        ("ip.isCanonical", _) => (times(size.most, 2.0 * TRAVERSAL), None),
        ("bytes", Some(Type::String(_))) => {
            (traversal(size.most), Some(Size { most: size.most.wrapping_mul(4), ..size }))
        }
        ("string", Some(Type::Bytes(_))) => {
            (traversal(size.most), Some(Size { least: size.least / 4, ..size }))
        }
        ("strings.quote", _) => {
            let quoted = |size: u64, factor: u64| size.wrapping_mul(factor).wrapping_add(2);
            let size = Size { least: quoted(size.least, 1), most: quoted(size.most, 2) };
            (traversal(arg.most()), Some(size))
        }
        ("lists.range", _) => {
            let count = arg.literal_int().map_or(u64::MAX, |count| count.max(0).cast_unsigned());
            of_list(1.0, Size::fixed(count))
        }
        _ => return None,
    })
}

fn of_operator(
    name: &str,
    overload: &Signature,
    left: &Operand<'_>,
    right: &Operand<'_>,
) -> Option<(u64, Option<Size>)> {
    let smaller = left.most().min(right.most());
    Some(match (name, overload.args.first()) {
        ("semver" | "isSemver", _) => (traversal(left.most()), None),
        ("sets.contains" | "sets.intersects", _) => {
            (left.most().saturating_mul(right.most()).saturating_add(1), None)
        }
        ("sets.equivalent", _) => {
            (times(left.most().saturating_mul(right.most()), 2.0).saturating_add(1), None)
        }
        ("@in", _) if matches!(overload.args.get(1), Some(Type::List(..))) => (right.most(), None),
        ("_+_", Some(Type::String(_) | Type::Bytes(_))) => {
            let size = left.size().plus(right.size());
            (traversal(size.most), Some(size))
        }
        ("_+_", Some(Type::List(..))) => (1, Some(left.size().plus(right.size()))),
        ("_==_", _) if left.type_.is_opaque() && right.type_.is_opaque() => {
            (of_comparing(left.type_, right.size()), None)
        }
        ("_==_" | "_!=_", _) | ("_<_" | "_<=_" | "_>_" | "_>=_", Some(Type::String(_) | Type::Bytes(_))) => {
            (traversal(smaller), None)
        }
        _ => return None,
    })
}

/// What comparing two values of a type of Kubernetes costs.
fn of_comparing(type_: &Type, size: Size) -> u64 {
    match type_ {
        Type::Opaque("kubernetes.NamedFormat") => traversal(64),
        Type::Opaque("kubernetes.URL") => traversal(size.most),
        _ => 1,
    }
}

/// What it costs to read an address that is a text.
fn parsing(overload: &Signature, address: &Operand<'_>) -> u64 {
    match overload.args.first() {
        Some(Type::String(_)) => traversal(address.most()),
        _ => 0,
    }
}

/// What matching costs. An empty text counts as one character, because the expression is read for it as well.
fn matching(text: u64, regex: u64) -> u64 {
    traversal(text.saturating_add(1)).saturating_mul(times(regex, REGEX))
}

/// A list that a call makes.
fn of_list(factor: f64, size: Size) -> (u64, Option<Size>) {
    (times(size.most, factor).saturating_add(LIST_OF_CALL), Some(size))
}

/// Sorting by keys of a type.
pub(super) fn sorting(key: &Type, size: Size) -> (u64, Option<Size>) {
    let comparing = match key {
        Type::String(_) | Type::Bytes(_) => 2.0 + TRAVERSAL,
        _ => 2.0,
    };
    of_list(comparing, size.times(size))
}

/// How large a text is in which all of one kind of parts are replaced.
fn replaced(text: Size, from: Size, to: Size) -> Size {
    // An empty part is found around every character.
    let most = if from.least == 0 {
        text.most.saturating_add(1).saturating_mul(to.most).saturating_add(text.most)
    } else if to.most <= from.least {
        text.most
    } else {
        text.most.div_ceil(from.least).saturating_mul(to.most)
    };
    let least = if from.most == 0 {
        text.least.saturating_add(1).saturating_mul(to.least).saturating_add(text.least)
    } else if from.most <= to.least {
        text.least
    } else {
        text.least.div_ceil(from.most).saturating_mul(to.least)
    };
    Size { least, most }
}
