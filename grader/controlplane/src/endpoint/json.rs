//! Reading JSON, with an eye on keys that are there twice.

use crate::lone_surrogates;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// Parses a document; the last of two equal keys wins. The answer says whether there were any.
pub(crate) fn parse(bytes: &[u8]) -> serde_json::Result<(Value, bool)> {
    read(bytes).or_else(|error| match lone_surrogates::replaced(bytes) {
        Cow::Owned(document) => read(&document),
        Cow::Borrowed(_) => Err(error),
    })
}

fn read(bytes: &[u8]) -> serde_json::Result<(Value, bool)> {
    let repeated = Cell::new(false);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Document { repeated: &repeated }.deserialize(&mut reader)?;
    reader.end()?;
    Ok((value, repeated.get()))
}

#[derive(Clone, Copy)]
struct Document<'a> {
    repeated: &'a Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
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

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            if map.insert(key, value).is_some() {
                self.repeated.set(true);
            }
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_of_equal_keys_wins() {
        let parsed = |text: &str| parse(text.as_bytes()).expect("JSON");
        assert_eq!(parsed(r#"{"a": {"b": 1}, "a": 3}"#), (json!({"a": 3}), true));
        assert_eq!(parsed(r#"{"a": 1, "b": {"a": 1}}"#), (json!({"a": 1, "b": {"a": 1}}), false));
    }

    #[test]
    fn numbers_come_out_as_they_went_in() {
        for text in ["0.1", "1.7976931348623157e308", "5e-324", "0.30000000000000004", "89255e-22"] {
            let (value, _) = parse(text.as_bytes()).expect("JSON");
            assert_eq!(value.as_f64(), text.parse().ok(), "{text}");
        }
    }
}
