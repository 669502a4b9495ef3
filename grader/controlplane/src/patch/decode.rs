//! Reading JSON with the error texts of Go's encoding/json, which Kubernetes passes on to clients.

use crate::lone_surrogates;
use serde_json::Value;
use std::borrow::Cow;

/// The deepest nesting that Go's decoder accepts.
const MAX_DEPTH: usize = 10_000;

/// Reads one JSON document.
///
/// # Errors
/// The text that Go's encoding/json has for the first syntax error.
pub fn decode(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes)
        .or_else(|error| match lone_surrogates::replaced(bytes) {
            Cow::Owned(document) => serde_json::from_slice(&document),
            Cow::Borrowed(_) => Err(error),
        })
        .map_err(|error| syntax_error(bytes).unwrap_or_else(|| format!("invalid JSON document: {error}")))
}

/// Go's text for the first syntax error, none if Go accepts the document.
fn syntax_error(bytes: &[u8]) -> Option<String> {
    Scanner { bytes, at: 0, open: Vec::new() }.document().err()
}

#[derive(Clone, Copy, PartialEq)]
enum Open {
    Object,
    Array,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    open: Vec<Open>,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), String> {
        self.value("looking for beginning of value")?;
        loop {
            // Here a value has just ended.
            self.space();
            let Some(&open) = self.open.last() else {
                return match self.bytes.get(self.at) {
                    None => Ok(()),
                    Some(_) => self.unexpected("after top-level value"),
                };
            };
            match (open, self.peek()?) {
                (Open::Object, b',') => {
                    self.at += 1;
                    self.key()?;
                    self.value("looking for beginning of value")?;
                }
                (Open::Array, b',') => {
                    self.at += 1;
                    self.value("looking for beginning of value")?;
                }
                (Open::Object, b'}') | (Open::Array, b']') => {
                    self.at += 1;
                    self.open.pop();
                }
                (Open::Object, _) => return self.unexpected("after object key:value pair"),
                (Open::Array, _) => return self.unexpected("after array element"),
            }
        }
    }

    /// Reads a scalar, or opens containers down to the first scalar or the first empty container.
    fn value(&mut self, context: &str) -> Result<(), String> {
        loop {
            self.space();
            match self.peek()? {
                b'{' => {
                    self.open(Open::Object)?;
                    self.space();
                    if self.peek()? == b'}' {
                        return Ok(());
                    }
                    self.key()?;
                }
                b'[' => {
                    self.open(Open::Array)?;
                    self.space();
                    if self.peek()? == b']' {
                        return Ok(());
                    }
                }
                b'"' => return self.string(),
                b't' => return self.literal("true"),
                b'f' => return self.literal("false"),
                b'n' => return self.literal("null"),
                b'-' | b'0'..=b'9' => return self.number(),
                _ => return self.unexpected(context),
            }
        }
    }

    fn open(&mut self, container: Open) -> Result<(), String> {
        if self.open.len() == MAX_DEPTH {
            return self.unexpected("exceeded max depth");
        }
        self.at += 1;
        self.open.push(container);
        Ok(())
    }

    fn key(&mut self) -> Result<(), String> {
        self.space();
        if self.peek()? != b'"' {
            return self.unexpected("looking for beginning of object key string");
        }
        self.string()?;
        self.space();
        if self.peek()? != b':' {
            return self.unexpected("after object key");
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    match self.peek()? {
                        b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => self.at += 1,
                        b'u' => {
                            self.at += 1;
                            for _ in 0..4 {
                                if !self.peek()?.is_ascii_hexdigit() {
                                    return self.unexpected("in \\u hexadecimal character escape");
                                }
                                self.at += 1;
                            }
                        }
                        _ => return self.unexpected("in string escape code"),
                    }
                }
                0..0x20 => return self.unexpected("in string literal"),
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for expected in word.bytes() {
            if self.peek()? != expected {
                return self.unexpected(&format!("in literal {word} (expecting '{}')", expected as char));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek()?, b'+' | b'-') {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    /// At least one digit.
    fn digits(&mut self, context: &str) -> Result<(), String> {
        if !self.peek()?.is_ascii_digit() {
            return self.unexpected(context);
        }
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, String> {
        self.bytes.get(self.at).copied().ok_or_else(|| "unexpected end of JSON input".to_owned())
    }

    fn unexpected(&self, context: &str) -> Result<(), String> {
        let quoted = match self.peek()? {
            b'\'' => r"'\''".to_owned(),
            b'"' => "'\"'".to_owned(),
            // Go takes the byte for a code point, and escapes what is not printable.
            byte => match byte {
                b'\\' => r"'\\'".to_owned(),
                0x07 => r"'\a'".to_owned(),
                0x08 => r"'\b'".to_owned(),
                0x0b => r"'\v'".to_owned(),
                0x0c => r"'\f'".to_owned(),
                b'\n' => r"'\n'".to_owned(),
                b'\r' => r"'\r'".to_owned(),
                b'\t' => r"'\t'".to_owned(),
                0..0x20 | 0x7f => format!("'\\x{byte:02x}'"),
                0x80..=0xa0 | 0xad => format!("'\\u00{byte:02x}'"),
                _ => format!("'{}'", char::from(byte)),
            },
        };
        Err(format!("invalid character {quoted} {context}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn syntax_errors_speak_as_in_go() {
        for (input, expected) in [
            ("", "unexpected end of JSON input"),
            ("{", "unexpected end of JSON input"),
            ("data:", "invalid character 'd' looking for beginning of value"),
            ("{a", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("[1 2]", "invalid character '2' after array element"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("nul", "unexpected end of JSON input"),
            ("nulx", "invalid character 'x' in literal null (expecting 'l')"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("1ex", "invalid character 'x' in exponent of numeric literal"),
            ("01", "invalid character '1' after top-level value"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u00g0\"", "invalid character 'g' in \\u hexadecimal character escape"),
            ("\"a\nb\"", "invalid character '\\n' in string literal"),
            ("'a'", "invalid character '\\'' looking for beginning of value"),
        ] {
            assert_eq!(decode(input.as_bytes()), Err(expected.to_owned()), "{input}");
        }
    }

    proptest! {
        #[test]
        fn both_parsers_agree_on_what_is_json(input in r#"[\[\]{}:,"a1 .e\-]{0,12}"#) {
            prop_assert_eq!(serde_json::from_str::<Value>(&input).is_ok(), syntax_error(input.as_bytes()).is_none());
        }
    }
}
