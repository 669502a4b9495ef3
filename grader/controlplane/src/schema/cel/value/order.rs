//! Which values have an order, and what it is.

use super::Value;
use std::cmp::Ordering;

impl Value<'_> {
    pub(in super::super) fn is_number(&self) -> bool {
        matches!(self, Value::Int(_) | Value::Uint(_) | Value::Double(_))
    }

    /// Whether it is of a type that has an order.
    pub(in super::super) fn is_comparable(&self) -> bool {
        matches!(
            self,
            Value::Bool(_)
                | Value::Int(_)
                | Value::Uint(_)
                | Value::Double(_)
                | Value::String(_)
                | Value::Bytes(_)
                | Value::Timestamp(_)
                | Value::Duration(_)
        )
    }

    /// Whether it is what dividing nothing by nothing gives.
    pub(in super::super) fn is_nan(&self) -> bool {
        matches!(self, Value::Double(value) if value.is_nan())
    }

    /// The order of two values; `None` when they have none.
    pub(in super::super) fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        Some(match (self, other) {
            (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
            (Value::String(one), Value::String(other)) => (**one).cmp(&**other),
            (Value::Bytes(one), Value::Bytes(other)) => one.cmp(other),
            (Value::Timestamp(one), Value::Timestamp(other)) => one.cmp(other),
            (Value::Duration(one), Value::Duration(other)) => one.cmp(other),
            (Value::Double(one), Value::Double(other)) => return one.partial_cmp(other),
            (Value::Double(one), Value::Int(other)) => return one.partial_cmp(&(*other as f64)),
            (Value::Int(one), Value::Double(other)) => return (*one as f64).partial_cmp(other),
            (Value::Double(one), Value::Uint(other)) => return one.partial_cmp(&(*other as f64)),
            (Value::Uint(one), Value::Double(other)) => return (*one as f64).partial_cmp(other),
            (one, other) => one.whole()?.cmp(&other.whole()?),
        })
    }

    fn whole(&self) -> Option<i128> {
        match self {
            Value::Int(value) => Some((*value).into()),
            Value::Uint(value) => Some((*value).into()),
            _ => None,
        }
    }
}
