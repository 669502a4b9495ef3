//! Numbers in formatted texts, which Go's message printer writes in its own way (cel-go/ext/formatting.go).

use super::super::evaluate::Fault;
use super::super::meter::Meter;
use super::super::value::Value;
use super::{shown, text};

/// The most digits behind the point that numbers can be written with.
const MOST_DIGITS: usize = 1000;

const SUPERSCRIPTS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

/// A format and its arguments with the doubles of `%e` and `%s` written out.
///
/// # Errors
/// A clause asks for more digits than anybody may.
fn written_out<'a>(
    format: &str,
    args: &[Value<'a>],
    meter: &Meter,
) -> Result<(String, Vec<Value<'a>>), Fault> {
    let mut written = String::new();
    let mut args = args.to_vec();
    let (mut index, mut rest) = (0, format);
    while let Some(at) = rest.find('%') {
        let (before, clause) = rest.split_at(at);
        let length = 1 + clause[1..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(0);
        let end = clause[length..].chars().next().map_or(clause.len(), |verb| length + verb.len_utf8());
        let verb = &clause[length..end];
        if let Some(digits) = clause[1..length].strip_prefix('.').filter(|digits| !digits.is_empty()) {
            let digits = digits.parse().ok().filter(|digits| *digits <= MOST_DIGITS);
            let digits =
                digits.ok_or_else(|| Fault::Error("invalid precision in format string".to_owned()))?;
            meter.step(digits);
            meter.check()?;
        }
        written.push_str(before);
        let number = match args.get(index) {
            Some(Value::Double(number)) => Some(*number),
            _ => None,
        };
        let replaced = match (verb, number) {
            ("e", Some(number)) if number.is_finite() => Some(scientific(number)),
            ("s", Some(number)) => Some(shown(&Value::Double(number))),
            _ => None,
        };
        match replaced {
            Some(replaced) => {
                written.push_str("%s");
                args[index] = Value::text(replaced);
            }
            None => written.push_str(&clause[..end]),
        }
        if verb != "%" {
            index += 1;
        }
        rest = &clause[end..];
    }
    written.push_str(rest);
    Ok((written, args))
}

/// Six digits whatever is asked for, and a power of ten of two digits at least.
fn scientific(number: f64) -> String {
    let plain = format!("{number:.6e}");
    let (mantissa, exponent) = plain.split_once('e').unwrap_or((&plain, "0"));
    let digits = format!("{:0>2}", exponent.trim_start_matches('-'));
    let raised = digits.chars().filter_map(|digit| SUPERSCRIPTS.get(digit.to_digit(10)? as usize));
    let sign = if exponent.starts_with('-') { "⁻" } else { "" };
    format!("{mantissa}×10{sign}{}", raised.collect::<String>())
}

/// The text and the list of a call of `format`; `None` for a call of something else.
///
/// # Errors
/// A clause asks for more digits than anybody may.
pub(super) fn of_call<'a>(
    target: Option<&Value<'a>>,
    args: &[Value<'a>],
    meter: &Meter,
) -> Result<Option<(String, Vec<Value<'a>>)>, Fault> {
    let (Some(format), [list]) = (target.and_then(text), args) else { return Ok(None) };
    list.items().map(|items| written_out(format, &items, meter)).transpose()
}
