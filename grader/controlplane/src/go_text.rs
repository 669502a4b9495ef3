//! Values in the words of Go, whose formatting verbs shine through Kubernetes' messages.

use serde_json::{Number, Value};
use std::fmt::Write;

/// A string as `strconv.Quote` (`%q`) writes it.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            _ if is_printable(character) => quoted.push(character),
            c if (c as u32) < 0x20 || c == '\u{7f}' => write_hex(&mut quoted, 'x', 2, c),
            c if (c as u32) < 0x1_0000 => write_hex(&mut quoted, 'u', 4, c),
            c => write_hex(&mut quoted, 'U', 8, c),
        }
    }
    quoted.push('"');
    quoted
}

/// A value as `json.Marshal` writes it: no spaces, keys sorted, `<`, `>` and `&` escaped.
pub fn json(value: &Value) -> String {
    let mut text = String::new();
    write_json(&mut text, value);
    text
}

/// A number as `%v` prints it.
pub fn number(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => float(value),
        _ => number.to_string(),
    }
}

/// A float as `%v` prints it: the shortest digits, with an exponent below -4 and from 6 on.
pub fn float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return if value.is_nan() {
            "NaN".into()
        } else {
            format!("{}Inf", if value < 0.0 { '-' } else { '+' })
        };
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{value}"),
    }
}

/// A float as `json.Marshal` writes it: whole numbers without a fraction, an exponent only for the very small and the very large.
pub fn json_float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let scientific = format!("{value:e}");
        return match scientific.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
            _ => scientific,
        };
    }
    format!("{value}")
}

/// A decoded JSON value as `%v` prints it: `map[a:1 b:[x y]]`, strings bare, null as `<nil>`.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(value) => number(value),
        Value::String(text) => text.clone(),
        Value::Array(items) => plain_list(items),
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(key, value)| format!("{key}:{}", plain(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

/// A slice of decoded JSON values as `%v` prints it.
pub fn plain_list(items: &[Value]) -> String {
    format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(" "))
}

/// A decoded JSON value as `%#v` prints it.
pub fn syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(text) => quote(text),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(syntax).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(key, value)| format!("{}:{}", quote(key), syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        scalar => plain(scalar),
    }
}

/// The type of a decoded JSON value as `%T` prints it.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// What encoding/json calls a value that does not fit its target ("cannot unmarshal number into ...").
pub fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn write_json(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64() {
            Some(value) if number.is_f64() => text.push_str(&json_float(value)),
            _ => text.push_str(&number.to_string()),
        },
        Value::String(value) => write_json_string(text, value),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_json(text, item);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            text.push('{');
            for (index, (key, value)) in fields.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_json_string(text, key);
                text.push(':');
                write_json(text, value);
            }
            text.push('}');
        }
    }
}

fn write_json_string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => write_hex(text, 'u', 4, character),
            c if (c as u32) < 0x20 => write_hex(text, 'u', 4, c),
            c => text.push(c),
        }
    }
    text.push('"');
}

fn write_hex(text: &mut String, prefix: char, width: usize, character: char) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\\{prefix}{:0width$x}", character as u32);
}

/// Whether `strconv.IsPrint` holds: letters, marks, numbers, punctuation, symbols and the ASCII space.
fn is_printable(character: char) -> bool {
    match character {
        ' '..='~' => true,
        c if c.is_ascii() => false,
        // Rust escapes what is not printable, and combining marks, which Go prints.
        c => c.escape_debug().count() == 1 || is_combining_mark(c),
    }
}

/// The common blocks of combining marks.
fn is_combining_mark(character: char) -> bool {
    matches!(character as u32, 0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x64b..=0x65f | 0x900..=0x903
        | 0x93a..=0x94f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20f0 | 0x3099..=0x309a | 0xfe00..=0xfe0f
        | 0xfe20..=0xfe2f | 0xe0100..=0xe01ef)
}

/// What is wrong with a text that is no base64. Go names the first byte that does not belong there; a text that ends
/// too early is reported at its end, in whole groups of four.
pub(crate) fn illegal_base64(text: &str, error: &base64::DecodeError) -> String {
    let at = match error {
        base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => *at,
        base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
            let unpadded = text.trim_end_matches('=').len();
            if unpadded < text.len() { text.len() } else { text.len() / 4 * 4 }
        }
    };
    format!("illegal base64 data at input byte {at}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strings_are_quoted_as_go_quotes_them() {
        let text =
            "ä\u{2028}<&>\"\\\n\u{1}\u{7f}\u{7}\u{8}\u{c}\r\t\u{b} 😀 \u{301} \u{200b}\u{a0}\u{10ffff}\u{ad}";
        assert_eq!(
            quote(text),
            r#""ä\u2028<&>\"\\\n\x01\x7f\a\b\f\r\t\v 😀 "#.to_string()
                + "\u{301}"
                + r#" \u200b\u00a0\U0010ffff\u00ad""#
        );
    }

    #[test]
    fn numbers_are_printed_as_go_prints_them() {
        let table = [
            (1_000_000.0, "1e+06", "1000000"),
            (123_456_789.5, "1.234567895e+08", "123456789.5"),
            (100_000.5, "100000.5", "100000.5"),
            (1e21, "1e+21", "1e+21"),
            (1.5e-5, "1.5e-05", "0.000015"),
            (0.0001, "0.0001", "0.0001"),
            (1.5e-7, "1.5e-07", "1.5e-7"),
            (-2.0, "-2", "-2"),
        ];
        for (value, printed, marshalled) in table {
            assert_eq!(float(value), printed);
            assert_eq!(json(&json!(value)), marshalled);
        }
    }

    #[test]
    fn json_is_marshalled_as_go_marshals_it() {
        let value = json!({"b": ["ä\u{2028}<&>\"\\\n\u{1}\u{7f}"], "a": null, "c": {"d": true}});
        assert_eq!(
            json(&value),
            "{\"a\":null,\"b\":[\"ä\\u2028\\u003c\\u0026\\u003e\\\"\\\\\\n\\u0001\u{7f}\"],\"c\":{\"d\":true}}"
        );
    }
}
