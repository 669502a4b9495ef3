//! YAML bodies: they mean the JSON that they can be converted to (sigs.k8s.io/yaml), with the words of YAML 1.1:
//! `yes`, `on` and `n` are booleans, as values and as keys.

use super::json;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{DuplicateKeyPolicy, Options};
use std::fmt;

/// The first document, and what strict field validation says about repeated keys.
///
/// # Errors
/// A text in the manner of Go's YAML parser.
pub(crate) fn parse(bytes: &[u8]) -> Result<(Value, Vec<String>), String> {
    // Most clients send JSON under the name of YAML, and what is JSON means the same in both.
    if let Ok((document, false)) = json::parse(bytes) {
        return Ok((document, Vec::new()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "yaml: invalid leading UTF-8 octet".to_owned())?;
    let text = first_document(text);
    if text.trim().is_empty() {
        return Ok((Value::Null, Vec::new()));
    }
    let strict: Result<Yaml, _> =
        serde_saphyr::from_str_with_options(text, options(DuplicateKeyPolicy::Error));
    let Err(error) = strict else {
        return strict.map(|Yaml(document)| (document, Vec::new())).map_err(|error| error.to_string());
    };
    let (line, column) = error.location().map_or((1, 1), |location| (location.line(), location.column()));
    match serde_saphyr::from_str_with_options(text, options(DuplicateKeyPolicy::LastWins)) {
        Ok(Yaml(document)) => Ok((document, vec![repeated(text, line, column)])),
        Err(_) => Err(format!("yaml: line {line}: did not find expected node content")),
    }
}

/// What comes before the second document; the others are not read.
fn first_document(text: &str) -> &str {
    let is_marker = |line: &str| {
        let after = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
        after.is_some_and(|after| after.is_empty() || after.starts_with(char::is_whitespace))
    };
    let (mut begun, mut length) = (false, 0);
    for line in text.split_inclusive('\n') {
        if begun && is_marker(line) {
            return &text[..length];
        }
        begun |= !line.trim().is_empty() && !line.starts_with(['#', '%']);
        length += line.len();
    }
    text
}

/// Repeated keys as Go's YAML parser reports them all at once.
pub(crate) fn unmarshal_errors(repeated: &[String]) -> String {
    format!("yaml: unmarshal errors:\n  {}", repeated.join("\n  "))
}

fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! { duplicate_keys: duplicate_keys, with_snippet: false, legacy_octal_numbers: true }
}

fn repeated(text: &str, line: u64, column: u64) -> String {
    let (down, right) = (line.saturating_sub(1) as usize, column.saturating_sub(1) as usize);
    let line_text = text.lines().nth(down).unwrap_or_default();
    let start = line_text.char_indices().nth(right).map_or(0, |(start, _)| start);
    let key = line_text[start..].split(':').next().unwrap_or_default().trim();
    let key = key.trim_matches(|quote| quote == '"' || quote == '\'');
    format!("line {line}: key {} already set in map", crate::go_text::quote(key))
}

struct Yaml(Value);

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Document).map(Self)
    }
}

struct Document;

impl<'de> Visitor<'de> for Document {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Yaml(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(Yaml(key)) = members.next_key()? {
            let Yaml(value) = members.next_value()?;
            // JSON has only texts for keys.
            let key = match key {
                Value::String(text) => text,
                other => other.to_string(),
            };
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_mean_json() {
        let check = |text: &str, expected: Value| {
            assert_eq!(parse(text.as_bytes()), Ok((expected, Vec::new())), "{text}");
        };
        check("a: 1\nb: [x, 'y', yes]\n", json!({"a": 1, "b": ["x", "y", true]}));
        check("k: v # comment\nn: \"1\"\n", json!({"k": "v", "false": "1"}));
        check(
            "o: 010\nx: 0o10\nt: '010'\nd: 10\nz: 0\n",
            json!({"o": 8, "x": 8, "t": "010", "d": 10, "z": 0}),
        );
        check("", Value::Null);
        check("# first\n---\na: 1\n---\nb: 2\n", json!({"a": 1}));
        check("a: |\n  ---\n--- # second\n: [x\n", json!({"a": "---\n"}));
        check("---\n...\na: 1\n", Value::Null);
    }

    #[test]
    fn repeated_keys_are_named_with_their_line() {
        let (document, repeated) = parse(b"a: 1\nb: 2\na: 3\n").expect("YAML");
        assert_eq!(document, json!({"a": 3, "b": 2}));
        assert_eq!(repeated, ["line 3: key \"a\" already set in map"]);
        let (_, repeated) = parse(b"{x: 1, data: {a: 1, \"a\": 2}}").expect("YAML");
        assert_eq!(repeated, ["line 1: key \"a\" already set in map"]);
        let (_, repeated) = parse(b"- x: 1\n  y: 2\n  x: 3\n").expect("YAML");
        assert_eq!(repeated, ["line 3: key \"x\" already set in map"]);
        assert_eq!(parse(b"x: ["), Err("yaml: line 1: did not find expected node content".to_owned()));
    }
}
