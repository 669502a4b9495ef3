//! Reading JSON, with an eye on keys that are there twice.

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fmt;

/// Parses a document; the last of two equal keys wins. The answer says whether there were any.
pub(crate) fn parse(bytes: &[u8]) -> serde_json::Result<(Value, bool)> {
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

/// The paths of the keys that are there twice (`spec.ports[0].name`), in the order of the second ones.
pub(crate) fn repeated_keys(bytes: &[u8]) -> Vec<String> {
    let mut repeated: Vec<String> = Vec::new();
    for key in keys(bytes).into_iter().filter(|key| key.again) {
        if !repeated.contains(&key.path) {
            repeated.push(key.path);
        }
    }
    repeated
}

/// A key as it stands in a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// e.g. `spec.ports[0].name`
    pub(crate) path: String,
    /// Its object has the key already.
    pub(crate) again: bool,
}

/// All keys in the order of the document.
pub(crate) fn keys(bytes: &[u8]) -> Vec<Key> {
    let mut found = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // A document that cannot be parsed has been refused before.
    let _ = Paths { path: "", found: &mut found }.deserialize(&mut reader);
    found
}

struct Paths<'a> {
    path: &'a str,
    found: &'a mut Vec<Key>,
}

impl<'de> DeserializeSeed<'de> for Paths<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Paths<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for index in 0.. {
            let path = format!("{}[{index}]", self.path);
            if items.next_element_seed(Paths { path: &path, found: self.found })?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut keys = std::collections::BTreeSet::new();
        while let Some(key) = members.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            let again = !keys.insert(key);
            self.found.push(Key { path: path.clone(), again });
            members.next_value_seed(Paths { path: &path, found: self.found })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_are_found_with_their_paths() {
        let text = br#"{"a": {"b": 1, "b": 2}, "l": [{"c": 1}, {"c": 1, "c": {"d": 1, "d": 2}}], "a": 3}"#;
        let (value, repeated) = parse(text).expect("JSON");
        assert!(repeated);
        assert_eq!(value["a"], 3);
        assert_eq!(repeated_keys(text), ["a.b", "l[1].c", "l[1].c.d", "a"]);
        assert!(!parse(br#"{"a": 1, "b": {"a": 1}}"#).expect("JSON").1);
    }
}
