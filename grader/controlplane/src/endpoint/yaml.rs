//! YAML bodies: they mean the JSON that they can be converted to (sigs.k8s.io/yaml), with the words of YAML 1.1:
//! `yes`, `on` and `n` are booleans, as values and as keys.

use super::json;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{DuplicateKeyPolicy, Options};
use std::fmt;

/// The document, and what strict field validation says about repeated keys.
///
/// # Errors
/// A text in the manner of Go's YAML parser.
pub(crate) fn parse(bytes: &[u8]) -> Result<(Value, Vec<String>), String> {
    // Most clients send JSON under the name of YAML, and what is JSON means the same in both.
    if let Ok((document, false)) = json::parse(bytes) {
        return Ok((document, Vec::new()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "yaml: invalid leading UTF-8 octet".to_owned())?;
    if text.trim().is_empty() {
        return Ok((Value::Null, Vec::new()));
    }
    let strict: Result<Yaml, _> =
        serde_saphyr::from_str_with_options(text, options(DuplicateKeyPolicy::Error));
    let Err(error) = strict else {
        return strict.map(|Yaml(document)| (document, Vec::new())).map_err(|error| error.to_string());
    };
    let line = error.location().map_or(1, |location| location.line());
    match serde_saphyr::from_str_with_options(text, options(DuplicateKeyPolicy::LastWins)) {
        Ok(Yaml(document)) => Ok((document, vec![repeated(text, line)])),
        Err(_) => Err(format!("yaml: line {line}: did not find expected node content")),
    }
}

/// Repeated keys as Go's YAML parser reports them all at once.
pub(crate) fn unmarshal_errors(repeated: &[String]) -> String {
    format!("yaml: unmarshal errors:\n  {}", repeated.join("\n  "))
}

fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! { duplicate_keys: duplicate_keys, with_snippet: false }
}

fn repeated(text: &str, line: u64) -> String {
    let key = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
    let key = key.split(':').next().unwrap_or_default().trim().trim_start_matches("- ");
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
        check("", Value::Null);
    }

    #[test]
    fn repeated_keys_are_named_with_their_line() {
        let (document, repeated) = parse(b"a: 1\nb: 2\na: 3\n").expect("YAML");
        assert_eq!(document, json!({"a": 3, "b": 2}));
        assert_eq!(repeated, ["line 3: key \"a\" already set in map"]);
        assert_eq!(parse(b"x: ["), Err("yaml: line 1: did not find expected node content".to_owned()));
    }
}
