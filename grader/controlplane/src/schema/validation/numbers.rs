//! Numbers: as JSON has them, within bounds, and compared with those of an enum.

use super::super::{Schema, Type};
use super::Format;
use super::values::{Check, Outcome};
use crate::field_error::{FieldError, FieldPath};
use crate::go_text;
use serde_json::{Number, Value};

/// The least float above all 64-bit integers.
const BEYOND_INT64: f64 = 9_223_372_036_854_775_808.0;

/// How a value appears to type checks.
#[derive(Clone, Copy)]
pub(super) enum Number64 {
    Integer(i64),
    Float(f64),
}

impl Number64 {
    pub(super) fn of(number: &Number) -> Self {
        match number.as_i64() {
            Some(integer) => Self::Integer(integer),
            // What no 64-bit integer can hold has been read as a float by Kubernetes.
            None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
        }
    }

    pub(super) fn as_f64(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Float(float) => float,
        }
    }
}

impl Check<'_> {
    pub(super) fn check_number(
        self,
        schema: &Schema,
        number: Number64,
        path: FieldPath<'_>,
        outcome: &mut Outcome,
    ) {
        let validation = &schema.validation;
        self.check_range(schema, number, "Checked", path, outcome);
        if let Some(factor) = validation.multiple_of {
            let fits = self.check_range(schema, Number64::Float(factor), "MultipleOf", path, outcome);
            let (is_multiple, shown) = match number {
                Number64::Integer(integer) if fits => {
                    let factor = factor as i64;
                    (factor > 0 && integer % factor == 0, factor.to_string())
                }
                _ => {
                    let quotient =
                        if factor < 1.0 { 1.0 / factor * number.as_f64() } else { number.as_f64() / factor };
                    (is_whole(quotient), go_text::float(factor))
                }
            };
            if !is_multiple {
                outcome.add(self.invalid(
                    path,
                    shown_value(number),
                    format!("should be a multiple of {shown}"),
                ));
            }
        }
        let bounds = [
            (validation.minimum, validation.exclusive_minimum, "Minimum boundary", "greater", -1.0),
            (validation.maximum, validation.exclusive_maximum, "Maximum boundary", "less", 1.0),
        ];
        for (bound, exclusive, prefix, comparison, direction) in bounds {
            let Some(bound) = bound else { continue };
            let fits = self.check_range(schema, Number64::Float(bound), prefix, path, outcome);
            let (beyond, at, shown) = match number {
                Number64::Integer(integer) if fits => {
                    let bound = bound as i64;
                    let beyond = if direction > 0.0 { integer > bound } else { integer < bound };
                    (beyond, integer == bound, bound.to_string())
                }
                _ => (
                    (number.as_f64() - bound) * direction > 0.0,
                    number.as_f64() == bound,
                    go_text::float(bound),
                ),
            };
            if beyond || (exclusive && at) {
                let or_equal = if exclusive { "" } else { " or equal to" };
                let than = if exclusive {
                    format!("{comparison} than")
                } else {
                    format!("{comparison} than{or_equal}")
                };
                outcome.add(self.invalid(path, shown_value(number), format!("should be {than} {shown}")));
            }
        }
        outcome.matched += 1;
    }

    /// Whether a number is one of the schema's type and format; adds the error otherwise.
    fn check_range(
        self,
        schema: &Schema,
        number: Number64,
        prefix: &str,
        path: FieldPath<'_>,
        outcome: &mut Outcome,
    ) -> bool {
        let type_ = schema.type_.filter(|_| !schema.int_or_string);
        let as_integer = match number {
            Number64::Integer(integer) => Some(integer),
            Number64::Float(float) => {
                (float.fract() == 0.0 && float.abs() < BEYOND_INT64).then_some(float as i64)
            }
        };
        let format = schema.validation.format.as_ref();
        let fits = match (type_, format) {
            (Some(Type::Integer), Some(Format::Int32)) => {
                as_integer.is_some_and(|integer| i32::try_from(integer).is_ok())
            }
            (Some(Type::Integer), _) => as_integer.is_some(),
            (_, Some(Format::Float)) => number.as_f64().abs() <= f64::from(f32::MAX),
            _ => true,
        };
        if !fits {
            let type_ = type_.map(Type::name).unwrap_or_default();
            let format = match format {
                Some(format) => format!("with format {format:?}"),
                None => "(default format)".to_owned(),
            };
            let detail = format!("{prefix} value must be of type {type_} {format} in {path}");
            outcome.add(FieldError::invalid(self.nowhere(), "", detail));
        }
        fits
    }
}

fn shown_value(number: Number64) -> Value {
    match number {
        Number64::Integer(integer) => integer.into(),
        Number64::Float(float) => float.into(),
    }
}

/// Whether a float stands for an integer: exactly, or but for the last digits.
pub(super) fn is_whole(float: f64) -> bool {
    if float.abs() > 9_007_199_254_740_991.0 || float.is_nan() {
        return false;
    }
    let nearest = float.trunc();
    float == nearest || ((float - nearest) / (float.abs() + nearest.abs())).abs() < 1e-9
}

/// Whether a value equals one of an enum; numbers are compared as the type of the enum's.
pub(super) fn is_supported(value: &Value, supported: &Value) -> bool {
    match (value, supported) {
        (Value::Null, _) => false,
        (Value::Number(value), Value::Number(supported)) => {
            match (Number64::of(value), Number64::of(supported)) {
                (value, Number64::Float(supported)) => value.as_f64() == supported,
                (Number64::Integer(value), Number64::Integer(supported)) => value == supported,
                (Number64::Float(value), Number64::Integer(supported)) => value as i64 == supported,
            }
        }
        _ => value == supported,
    }
}
