//! What can be seen of literals before anything is evaluated (cel-go/cel/validator.go, cel-go/ext/formatting_v2.go,
//! cel-go/interpreter/planner.go).

use super::super::ast::{Call, Expr, Kind, Literal};
use super::super::evaluate::{Fault, evaluate};
use super::super::lexer::Mistake;
use super::super::types::Type;
use crate::schema::pattern::syntax_error;

/// The mistake in a literal argument of a call: not a duration, a time, a pattern or a format.
pub(super) fn mistake_in(expr: &Expr, call: &Call) -> Option<Mistake> {
    let (argument, what) = match (call.function.as_str(), call.target.is_some(), call.args.as_slice()) {
        ("duration", false, [Expr { kind: Kind::Literal(Literal::Int(_)), at }]) => {
            return Some(Mistake { at: *at, text: "invalid duration argument".to_owned() });
        }
        ("duration" | "timestamp", false, [argument]) => (argument, call.function.as_str()),
        ("matches", true, [argument]) => (argument, "matches"),
        _ => return None,
    };
    let Kind::Literal(Literal::String(text)) = &argument.kind else { return None };
    let is_wrong = match what {
        "matches" => syntax_error(text).is_some(),
        _ => evaluate(expr, Vec::new()).0.is_err(),
    };
    is_wrong.then(|| Mistake { at: argument.at, text: format!("invalid {what} argument") })
}

/// Why no program can be made of an expression that has the right types: a conversion of a literal that fails, or a
/// pattern that is none.
pub(in super::super) fn unusable(expr: &Expr) -> Option<String> {
    const CONVERSIONS: [&str; 6] = ["bool", "bytes", "double", "int", "string", "uint"];
    if let Kind::Call(call) = &expr.kind {
        let pattern = match (call.function.as_str(), call.target.is_some(), call.args.as_slice()) {
            ("matches", false, [_, pattern]) | ("find" | "findAll", true, [pattern, ..]) => Some(pattern),
            _ => None,
        };
        if let Some(Expr { kind: Kind::Literal(Literal::String(text)), .. }) = pattern
            && let Some(error) = syntax_error(text)
        {
            return Some(error);
        }
        if CONVERSIONS.contains(&call.function.as_str())
            && let [Expr { kind: Kind::Literal(_), .. }] = call.args.as_slice()
            && let (Err(Fault::Error(error)), _) = evaluate(expr, Vec::new())
        {
            return Some(error);
        }
    }
    expr.parts().into_iter().find_map(unusable)
}

/// The mistake in a format with its arguments, when both are written out.
pub(super) fn mistake_in_format(call: &Call, at: usize, types: &[(usize, Type)]) -> Option<Mistake> {
    let target = call.target.as_ref().map(|target| &target.kind);
    let ("format", Some(Kind::Literal(Literal::String(format)))) = (call.function.as_str(), target) else {
        return None;
    };
    let whole = |text: String| Some(Mistake { at, text });
    let mut rest = format.as_str();
    let mut used = 0;
    while let Some((_, after)) = rest.split_once('%') {
        rest = match after.chars().next() {
            None => return whole("unexpected end of string".to_owned()),
            Some('%') => {
                rest = &after[1..];
                continue;
            }
            Some(_) => after,
        };
        let Some((argument_at, type_)) = types.get(used) else {
            return whole(format!("index {used} out of range"));
        };
        let clause = match clause(&mut rest) {
            Ok(clause) => clause,
            Err(error) => return whole(format!("could not parse formatting clause: {error}")),
        };
        if let Some(wanted) = unfit(clause, type_) {
            let shown = match type_ {
                Type::Optional(_) => "optional_type".to_owned(),
                type_ => type_.to_string(),
            };
            let text = format!("error during formatting: {wanted}, was given {shown}");
            return Some(Mistake { at: *argument_at, text });
        }
        used += 1;
    }
    if used < types.len() {
        let given = types.len();
        return whole(format!("too many arguments supplied to string.format (expected {used}, got {given})"));
    }
    None
}

/// Takes the precision, if any, and the letter off the text.
fn clause(rest: &mut &str) -> Result<char, String> {
    if let Some(after) = rest.strip_prefix('.') {
        let digits = after.len() - after.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        if digits == after.len() {
            return Err("error while parsing precision: could not find end of precision specifier".to_owned());
        }
        if digits == 0 {
            return Err("error while parsing precision: error while converting precision to integer: \
                        strconv.Atoi: parsing \"\": invalid syntax"
                .to_owned());
        }
        *rest = &after[digits..];
    }
    let mut characters = rest.chars();
    let letter = characters.next().unwrap_or_default();
    *rest = characters.as_str();
    match letter {
        's' | 'd' | 'f' | 'e' | 'b' | 'x' | 'X' | 'o' => Ok(letter),
        other => Err(format!("unrecognized formatting clause \"{other}\"")),
    }
}

/// What a clause can be used on, when a value of this type is something else.
fn unfit(clause: char, type_: &Type) -> Option<&'static str> {
    let is_integer = matches!(type_, Type::Int | Type::Uint);
    let is_text = matches!(type_, Type::String(_));
    if type_.is_dyn() {
        return None;
    }
    let (fits, wanted) = match clause {
        'd' => (is_integer, "decimal clause can only be used on integers"),
        'f' => (is_text || matches!(type_, Type::Double), "fixed-point clause can only be used on doubles"),
        'e' => (is_text || matches!(type_, Type::Double), "scientific clause can only be used on doubles"),
        'b' => {
            (is_integer || matches!(type_, Type::Bool), "only integers and bools can be formatted as binary")
        }
        'x' | 'X' => (
            is_integer || is_text || matches!(type_, Type::Bytes(_)),
            "only integers, byte buffers, and strings can be formatted as hex",
        ),
        'o' => (is_integer, "octal clause can only be used on integers"),
        _ => (
            !matches!(type_, Type::Object(_) | Type::Opaque(_) | Type::Optional(_)),
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, \
             and timestamps",
        ),
    };
    (!fits).then_some(wanted)
}
