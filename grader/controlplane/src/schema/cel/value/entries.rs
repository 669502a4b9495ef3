//! The entries of maps that an expression has made, and the keys by which they are found.

use super::super::evaluate::Fault;
use super::{Text, Value};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Entries in the order in which they were made.
#[derive(Debug, Default)]
pub(in super::super) struct Entries<'a> {
    entries: Vec<(Value<'a>, Value<'a>)>,
    positions: BTreeMap<Key<'a>, usize>,
}

/// What tells values apart that may be keys. Equal numbers are one key, of whatever type they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Key<'a> {
    Bool(bool),
    Whole(i128),
    /// The bits of a number that is not whole.
    Fraction(u64),
    Text(Text<'a>),
}

impl<'a> Key<'a> {
    /// The key that a value is; `None` for values of other types, and for what equals nothing.
    pub(in super::super) fn of(value: &Value<'a>) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Key::Bool(*value),
            Value::Int(value) => Key::Whole((*value).into()),
            Value::Uint(value) => Key::Whole((*value).into()),
            Value::Double(value) if value.is_nan() => return None,
            // What is larger than any integer stays what it is: converting it stops at the largest.
            Value::Double(value) if value.fract() == 0.0 => Key::Whole(*value as i128),
            Value::Double(value) => Key::Fraction(value.to_bits()),
            Value::String(text) => Key::Text(text.clone()),
            _ => return None,
        })
    }
}

impl<'a> Entries<'a> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// An entry by its position.
    pub(super) fn at(&self, index: usize) -> Option<&(Value<'a>, Value<'a>)> {
        self.entries.get(index)
    }

    /// The value at a key.
    pub(super) fn get(&self, key: &Value<'_>) -> Option<&Value<'a>> {
        let position = *self.positions.get(&Key::of(key)?)?;
        self.entries.get(position).map(|(_, value)| value)
    }

    /// Sets the value at a key.
    ///
    /// # Errors
    /// The value is of a type that cannot be a key.
    pub(in super::super) fn set(&mut self, key: Value<'a>, value: Value<'a>) -> Result<(), Fault> {
        match self.positions.entry(Key::of(&key).ok_or_else(|| unsupported(&key))?) {
            Entry::Occupied(position) => {
                if let Some((_, earlier)) = self.entries.get_mut(*position.get()) {
                    *earlier = value;
                }
            }
            Entry::Vacant(vacant) => {
                vacant.insert(self.entries.len());
                self.entries.push((key, value));
            }
        }
        Ok(())
    }

    /// Whether there is something at a key.
    pub(in super::super) fn contains(&self, key: &Value<'_>) -> bool {
        self.get(key).is_some()
    }
}

fn unsupported(key: &Value<'_>) -> Fault {
    Fault::Error(format!("unsupported key type: {}", key.type_name()))
}
