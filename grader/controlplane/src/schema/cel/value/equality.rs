//! Which values are equal.

use super::super::super::ListType;
use super::super::deep;
use super::super::meter::Meter;
use super::{Identified, Value};
use std::cmp::Ordering;

impl<'a> Value<'a> {
    /// Whether two values are equal, where all parts that are compared count. When the meter runs out, what has not been
    /// compared is not equal.
    pub(in super::super) fn equals(&self, other: &Value<'a>, meter: &Meter) -> bool {
        meter.step_over(self.bytes())
            && meter.step(self.parts().min(other.parts()))
            && self.matches(other, meter)
    }

    /// The same for values whose own sizes count already: only what is in them does.
    pub(in super::super) fn matches(&self, other: &Value<'a>, meter: &Meter) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(one), Value::Bool(other)) => one == other,
            (Value::String(one), Value::String(other)) => one == other,
            (Value::Bytes(one), Value::Bytes(other)) => one == other,
            (Value::Timestamp(one), Value::Timestamp(other)) => one == other,
            (Value::Duration(one), Value::Duration(other)) => one == other,
            (Value::Type(one), Value::Type(other)) => one == other,
            (Value::Optional(one), Value::Optional(other)) => match (one, other) {
                (Some(one), Some(other)) => deep(|| one.equals(other, meter)),
                (one, other) => one.is_none() && other.is_none(),
            },
            (Value::Foreign(one), Value::Foreign(other)) => one == other,
            (Value::List(_) | Value::JsonList(..), Value::List(_) | Value::JsonList(..)) => {
                self.len() == other.len() && deep(|| self.lists_equal(other, meter))
            }
            (
                Value::Map(_) | Value::JsonMap(..) | Value::Object(..),
                Value::Map(_) | Value::JsonMap(..) | Value::Object(..),
            ) => deep(|| self.maps_equal(other, meter)),
            _ => self.is_number() && self.compare(other) == Some(Ordering::Equal),
        }
    }

    /// The order of a set or list map does not count.
    fn lists_equal(&self, other: &Value<'a>, meter: &Meter) -> bool {
        let Some(list_type) = self.uniting().or_else(|| other.uniting()) else {
            return self.each().zip(other.each()).all(|(one, other)| one.equals(&other, meter));
        };
        let mut others = Identified::new(list_type);
        other.each().for_each(|item| others.set(item, meter));
        self.each().all(|item| others.get(&item, meter).is_some_and(|other| item.equals(other, meter)))
    }

    fn maps_equal(&self, other: &Value<'a>, meter: &Meter) -> bool {
        let count = |map: &Value<'a>| match map {
            // Not all fields of an object can be seen.
            Value::Object(..) => map.entries().map(Iterator::count),
            map => map.len(),
        };
        let mut entries = self.entries().into_iter().flatten();
        count(self) == count(other)
            && entries.all(|(key, one)| other.entry(&key).is_some_and(|other| one.equals(&other, meter)))
    }

    /// How the items of a list are told apart that takes each once.
    pub(in super::super) fn uniting(&self) -> Option<&'a ListType> {
        match self {
            Value::JsonList(_, schema) => schema
                .as_ref()?
                .list_type
                .as_ref()
                .filter(|type_| matches!(type_, ListType::Set | ListType::Map(_))),
            _ => None,
        }
    }

    /// How many values a list or map is, itself among them. Comparing others counts where they stand.
    fn parts(&self) -> usize {
        match self {
            Value::String(_) | Value::Bytes(_) => 0,
            value => value.len().map_or(0, |len| len.saturating_add(1)),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }
}
