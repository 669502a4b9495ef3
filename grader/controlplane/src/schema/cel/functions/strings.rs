//! Functions of texts (cel-go/ext/strings.go, apiserver/pkg/cel/library/regex.go). Positions count characters.

use super::super::super::pattern::Pattern;
use super::super::ast::{Call, Kind};
use super::super::evaluate::{Evaluated, Fault};
use super::super::meter::Meter;
use super::super::value::Value;
use super::text;

pub(super) fn call<'a>(
    call: &Call,
    target: &Option<Value<'a>>,
    args: &[Value<'a>],
    meter: &Meter,
) -> Option<Evaluated<'a>> {
    if let ("matches", None, [Value::String(subject), Value::String(_)]) =
        (call.function.as_str(), target, args)
    {
        return Some(with_pattern(call, args, 1, meter, |pattern| Value::Bool(pattern.matches(subject))));
    }
    if let ("strings.quote", None, [Value::String(subject)]) = (call.function.as_str(), target, args) {
        return Some(Ok(Value::text(crate::go_text::quote(subject))));
    }
    let subject = text(target.as_ref()?)?;
    let first = args.first().and_then(text);
    let integer = |index: usize| match args.get(index) {
        Some(Value::Int(value)) => Some(*value),
        _ => None,
    };
    Some(match (call.function.as_str(), args.len()) {
        ("contains", 1) => Ok(Value::Bool(subject.contains(first?))),
        ("startsWith", 1) => Ok(Value::Bool(subject.starts_with(first?))),
        ("endsWith", 1) => Ok(Value::Bool(subject.ends_with(first?))),
        ("matches", 1) => with_pattern(call, args, 0, meter, |pattern| Value::Bool(pattern.matches(subject))),
        ("find", 1) => with_pattern(call, args, 0, meter, |pattern| Value::text(pattern.find(subject))),
        ("findAll", 1 | 2) => {
            let most = integer(1).and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
            with_pattern(call, args, 0, meter, |pattern| {
                Value::list(pattern.find_all(subject).take(most).map(Value::text).collect())
            })
        }
        ("lowerAscii", 0) => Ok(Value::text(subject.to_ascii_lowercase())),
        ("upperAscii", 0) => Ok(Value::text(subject.to_ascii_uppercase())),
        ("trim", 0) => Ok(Value::text(subject.trim())),
        ("replace", 2) => replace(subject, first?, text(&args[1])?, usize::MAX, meter),
        ("replace", 3) => {
            let most = usize::try_from(integer(2)?).unwrap_or(usize::MAX);
            replace(subject, first?, text(&args[1])?, most, meter)
        }
        ("split", 1 | 2) => Ok(split(subject, first?, integer(1))),
        ("charAt", 1) => {
            let index = integer(0)?;
            let length = subject.chars().count() as i64;
            match usize::try_from(index).ok().filter(|_| index <= length) {
                Some(index) => Ok(Value::text(subject.chars().skip(index).take(1).collect::<String>())),
                None => Err(out_of_range(index)),
            }
        }
        ("substring", 1 | 2) => {
            let length = subject.chars().count() as i64;
            let (from, to) = (integer(0)?, if args.len() == 2 { integer(1)? } else { length });
            if from < 0 || from > length {
                Err(out_of_range(from))
            } else if to < 0 || to > length {
                Err(out_of_range(to))
            } else if from > to {
                Err(Fault::Error(format!("invalid substring range. start: {from}, end: {to}")))
            } else {
                Ok(Value::text(
                    subject.chars().skip(from as usize).take((to - from) as usize).collect::<String>(),
                ))
            }
        }
        ("indexOf", 1 | 2) => index_of(subject, first?, if args.len() == 2 { integer(1)? } else { 0 }),
        ("lastIndexOf", 1 | 2) => {
            let length = subject.chars().count() as i64;
            last_index_of(subject, first?, if args.len() == 2 { integer(1)? } else { length })
        }
        _ => return None,
    })
}

/// What looking for a pattern costs (`matches` in cel-go/interpreter/runtimecost.go, `find` and `findAll` in
/// apiserver/pkg/cel/library/cost.go).
pub(super) fn cost(name: &str, target: Option<&Value<'_>>, args: &[Value<'_>]) -> Option<u64> {
    let (subject, pattern) = match (name, target, args) {
        ("matches", None, [subject, pattern]) => (subject, pattern),
        ("matches" | "find" | "findAll", Some(subject), [pattern, ..]) => (subject, pattern),
        _ => return None,
    };
    let (subject, pattern) = (text(subject)?.len() as u64, text(pattern)?.len() as u64);
    Some((subject + 1).div_ceil(10).saturating_mul(pattern.div_ceil(4)))
}

/// Uses the pattern among the arguments, which is compiled once when it is a literal.
fn with_pattern<'a>(
    call: &Call,
    args: &[Value<'a>],
    index: usize,
    meter: &Meter,
    then: impl FnOnce(&Pattern) -> Value<'a>,
) -> Evaluated<'a> {
    let Some(source) = args.get(index).and_then(text) else { return Err(Fault::no_such_overload()) };
    match call.args.get(index).map(|arg| &arg.kind) {
        Some(Kind::Literal(_)) => match call.pattern.get_or_init(|| Pattern::new(source)) {
            Ok(pattern) => Ok(then(pattern)),
            Err(error) => Err(Fault::Error(error.clone())),
        },
        _ => Ok(then(&*meter.pattern(source)?)),
    }
}

fn split<'a>(subject: &str, separator: &str, most: Option<i64>) -> Value<'a> {
    let parts: Vec<&str> = match most.map(usize::try_from) {
        Some(Ok(0)) => Vec::new(),
        Some(Ok(most)) if !separator.is_empty() => subject.splitn(most, separator).collect(),
        _ if separator.is_empty() => {
            // Between all characters, not before the first or after the last.
            let mut parts: Vec<&str> = subject.split("").skip(1).collect();
            parts.pop();
            parts
        }
        _ => subject.split(separator).collect(),
    };
    Value::list(parts.into_iter().map(Value::text).collect())
}

fn out_of_range(index: i64) -> Fault {
    Fault::Error(format!("index out of range: {index}"))
}

fn index_of<'a>(subject: &str, searched: &str, from: i64) -> Evaluated<'a> {
    let length = subject.chars().count() as i64;
    if from < 0 {
        return Err(out_of_range(from));
    }
    if from > length {
        return Ok(Value::Int(if searched.is_empty() { from } else { -1 }));
    }
    let start = byte_position(subject, from as usize);
    let found = subject[start..].find(searched);
    Ok(Value::Int(found.map_or(-1, |index| subject[..start + index].chars().count() as i64)))
}

fn last_index_of<'a>(subject: &str, searched: &str, from: i64) -> Evaluated<'a> {
    let length = subject.chars().count() as i64;
    if from < 0 {
        return Err(out_of_range(from));
    }
    if from > length {
        return Ok(Value::Int(-1));
    }
    let end = byte_position(subject, from as usize).saturating_add(searched.len()).min(subject.len());
    let end = (0..=end).rev().find(|end| subject.is_char_boundary(*end)).unwrap_or(0);
    let found = subject[..end].rfind(searched);
    Ok(Value::Int(found.map_or(-1, |index| subject[..index].chars().count() as i64)))
}

fn byte_position(subject: &str, character: usize) -> usize {
    subject.char_indices().nth(character).map_or(subject.len(), |(index, _)| index)
}

/// A text with a part replaced wherever it stands, at most so often. The cost does not count what the text becomes.
fn replace<'a>(subject: &str, from: &str, to: &str, most: usize, meter: &Meter) -> Evaluated<'a> {
    let growth = to.len().saturating_sub(from.len());
    let replaced = if growth == 0 { 0 } else { subject.matches(from).take(most).count() };
    made(replaced.saturating_mul(growth).saturating_add(subject.len()), meter)?;
    Ok(Value::text(subject.replacen(from, to, most)))
}

/// How many bytes of a text cost one when it is made.
const MADE_FOR_ONE: u64 = 10;

/// Counts a text of so many bytes that is made, before it takes memory.
pub(super) fn made(bytes: usize, meter: &Meter) -> Result<(), Fault> {
    meter.spend(bytes as u64 / MADE_FOR_ONE)
}
