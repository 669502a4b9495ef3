//! What calls cost at most, by the sizes of what they are given (apiserver/pkg/cel/library/cost.go, cel-go/checker/cost.go).

use super::ast::{Call, Kind, Literal};
use super::types::Type;

const TRAVERSAL: f64 = 0.1;
const REGEX: f64 = 0.25;

/// A cost per character, as a fraction.
fn per_character(size: u64, factor: f64) -> u64 {
    if size == u64::MAX { size } else { (size as f64 * factor).ceil() as u64 }
}

/// How large the value of a call can be.
pub(super) enum Size {
    Known(u64),
    OfType,
}

/// What a call costs beside its arguments.
pub(super) fn call_cost(
    name: &str,
    target: Option<&Type>,
    args: &[Type],
    result: &Type,
    call: &Call,
) -> (u64, Size) {
    let size = |type_: Option<&Type>| type_.and_then(Type::size).unwrap_or(u64::MAX);
    let target_size = size(target);
    let arg_size = |index: usize| match call.args.get(index).map(|arg| &arg.kind) {
        Some(Kind::Literal(Literal::String(text))) => text.chars().count() as u64,
        _ => size(args.get(index)),
    };
    let traversal = |size: u64| per_character(size, TRAVERSAL);
    match name {
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => match target {
            Some(Type::List(item, _)) => {
                let each = match **item {
                    Type::String(size) | Type::Bytes(size) => {
                        1_u64.saturating_add(traversal(size.unwrap_or(u64::MAX)))
                    }
                    _ => 1,
                };
                let result = match result {
                    Type::Int | Type::Bool => Size::OfType,
                    _ => item.size().map_or(Size::OfType, Size::Known),
                };
                (target_size.saturating_mul(each), result)
            }
            _ => (traversal(target_size), Size::OfType),
        },
        "url" | "jsonpatch.escapeKey" => (traversal(arg_size(0)), Size::Known(arg_size(0))),
        "lowerAscii" | "upperAscii" | "substring" | "trim" => {
            (traversal(target_size), Size::Known(target_size))
        }
        "replace" => {
            let (from, to) = (arg_size(0), arg_size(1));
            let literal = matches!(call.args.first().map(|arg| &arg.kind), Some(Kind::Literal(_)));
            let least_from = if literal { from } else { 0 };
            let most = if least_from == 0 {
                target_size.saturating_add(1).saturating_mul(to).saturating_add(target_size)
            } else if to <= least_from {
                target_size
            } else {
                target_size.div_ceil(least_from).saturating_mul(to)
            };
            (per_character(target_size, 2.0 * TRAVERSAL), Size::Known(most))
        }
        "split" => (per_character(target_size, 2.0 * TRAVERSAL), Size::Known(target_size)),
        "join" => {
            let item = match target {
                Some(Type::List(item, _)) => item.size().unwrap_or(u64::MAX),
                _ => u64::MAX,
            };
            let separators =
                target_size.saturating_sub(1).saturating_mul(if args.is_empty() { 0 } else { arg_size(0) });
            let size = target_size.saturating_mul(item).saturating_add(separators);
            (traversal(size), Size::Known(size))
        }
        "find" | "findAll" | "matches" => {
            let (text, regex) =
                if target.is_some() { (target_size, arg_size(0)) } else { (arg_size(0), arg_size(1)) };
            let cost = traversal(text.saturating_add(1)).saturating_mul(per_character(regex, REGEX));
            (cost, if name == "matches" { Size::OfType } else { Size::Known(text) })
        }
        "validate" => {
            (traversal(arg_size(0).saturating_add(1)).saturating_mul(per_character(200, REGEX)), Size::OfType)
        }
        "cidr" | "isIP" | "isCIDR" | "quantity" | "isQuantity" | "semver" | "isSemver" => {
            (traversal(arg_size(0)), Size::OfType)
        }
        "ip" if target.is_none() => (traversal(arg_size(0)), Size::OfType),
        "ip.isCanonical" => (per_character(arg_size(0), 2.0 * TRAVERSAL), Size::OfType),
        "containsIP" | "containsCIDR" => (per_character(43, 3.0 * TRAVERSAL).saturating_add(1), Size::OfType),
        "sets.contains" | "sets.intersects" | "sets.equivalent" => {
            let factor = if name == "sets.equivalent" { 2 } else { 1 };
            let product = arg_size(0).saturating_mul(arg_size(1));
            (product.saturating_mul(factor).saturating_add(1), Size::OfType)
        }
        "format" => (traversal(target_size), Size::OfType),
        "bytes" if matches!(args.first(), Some(Type::String(_))) => {
            (traversal(arg_size(0)), Size::Known(arg_size(0).saturating_mul(4)))
        }
        "string" if matches!(args.first(), Some(Type::Bytes(_))) => {
            (traversal(arg_size(0)), Size::Known(arg_size(0)))
        }
        "string" if matches!(args.first(), Some(Type::String(_))) => (1, Size::Known(arg_size(0))),
        "strings.quote" => {
            (traversal(arg_size(0)), Size::Known(arg_size(0).saturating_mul(2).saturating_add(2)))
        }
        "startsWith" | "endsWith" => (traversal(arg_size(0)), Size::OfType),
        "contains" => (traversal(target_size).saturating_mul(traversal(arg_size(0))), Size::OfType),
        "@in" if matches!(args.get(1), Some(Type::List(..) | Type::Dyn(_))) => {
            (size(args.get(1)), Size::OfType)
        }
        "_+_" => match result {
            Type::String(_) | Type::Bytes(_) => {
                let size = arg_size(0).saturating_add(arg_size(1));
                (traversal(size), Size::Known(size))
            }
            Type::List(..) => (1, Size::Known(arg_size(0).saturating_add(arg_size(1)))),
            _ => (1, Size::OfType),
        },
        "_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_" => {
            let sized = |type_: &Type| matches!(type_, Type::String(_) | Type::Bytes(_) | Type::Dyn(_));
            if args.iter().any(sized) || name == "_==_" || name == "_!=_" {
                (traversal(arg_size(0).min(arg_size(1))), Size::OfType)
            } else {
                (1, Size::OfType)
            }
        }
        "optional.unwrap" => (arg_size(0), Size::Known(arg_size(0))),
        "unwrapOpt" => (target_size, Size::Known(target_size)),
        "slice" | "distinct" | "reverse" | "sort" | "flatten" => {
            let square = name == "distinct" || name == "sort";
            let cost = if square { target_size.saturating_mul(target_size) } else { target_size };
            (cost.saturating_add(11), Size::Known(target_size))
        }
        "dyn" => (1, args.first().and_then(Type::size).map_or(Size::OfType, Size::Known)),
        "value" | "orValue" | "or" | "hasValue" => (1, Size::OfType),
        _ => (1, Size::OfType),
    }
}
