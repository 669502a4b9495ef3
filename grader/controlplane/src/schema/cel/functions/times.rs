//! Timestamps and durations.

use super::super::evaluate::{Evaluated, Fault};
use super::super::value::Value;
use super::text;
use crate::builtins::schedule::time_zone;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

const SECOND: i64 = 1_000_000_000;

pub(super) fn arithmetic<'a>(name: &str, left: &Value<'a>, right: &Value<'a>) -> Evaluated<'a> {
    let overflow = || Fault::Error("integer overflow".to_owned());
    let moved = |time: &Timestamp, by: i64| match time.checked_add(SignedDuration::from_nanos(by)) {
        Ok(time) => Ok(Value::Timestamp(time)),
        Err(_) => Err(Fault::Error("timestamp overflow".to_owned())),
    };
    match (name, left, right) {
        ("_+_", Value::Duration(left), Value::Duration(right)) => {
            left.checked_add(*right).map(Value::Duration).ok_or_else(overflow)
        }
        ("_-_", Value::Duration(left), Value::Duration(right)) => {
            left.checked_sub(*right).map(Value::Duration).ok_or_else(overflow)
        }
        ("_+_", Value::Timestamp(time), Value::Duration(by))
        | ("_+_", Value::Duration(by), Value::Timestamp(time)) => moved(time, *by),
        ("_-_", Value::Timestamp(time), Value::Duration(by)) => {
            moved(time, by.checked_neg().ok_or_else(overflow)?)
        }
        ("_-_", Value::Timestamp(left), Value::Timestamp(right)) => {
            let between = left.duration_since(*right).as_nanos();
            i64::try_from(between).map(Value::Duration).map_err(|_| overflow())
        }
        _ => Err(Fault::no_such_overload()),
    }
}

pub(super) fn call<'a>(name: &str, target: &Option<Value<'a>>, args: &[Value<'a>]) -> Option<Evaluated<'a>> {
    match (target.as_ref()?, args) {
        (Value::Duration(nanoseconds), []) => {
            let unit = match name {
                "getHours" => 3600 * SECOND,
                "getMinutes" => 60 * SECOND,
                "getSeconds" => SECOND,
                "getMilliseconds" => SECOND / 1000,
                _ => return None,
            };
            Some(Ok(Value::Int(nanoseconds / unit)))
        }
        (Value::Timestamp(time), [] | [_]) => {
            let zone = match args.first() {
                None => TimeZone::UTC,
                Some(zone) => {
                    let name = text(zone)?;
                    let Some(zone) = zone_of(name) else {
                        return Some(Err(Fault::Error(format!("unknown time zone {name}"))));
                    };
                    zone
                }
            };
            part(name, &time.to_zoned(zone)).map(|value| Ok(Value::Int(value)))
        }
        _ => None,
    }
}

fn part(name: &str, time: &Zoned) -> Option<i64> {
    Some(match name {
        "getFullYear" => time.year().into(),
        "getMonth" => i64::from(time.month()) - 1,
        "getDayOfYear" => i64::from(time.day_of_year()) - 1,
        "getDayOfMonth" => i64::from(time.day()) - 1,
        "getDate" => time.day().into(),
        "getDayOfWeek" => time.weekday().to_sunday_zero_offset().into(),
        "getHours" => time.hour().into(),
        "getMinutes" => time.minute().into(),
        "getSeconds" => time.second().into(),
        "getMilliseconds" => time.millisecond().into(),
        _ => return None,
    })
}

/// The zone of a name such as `Europe/Berlin`, or of an offset such as `+01:00`.
fn zone_of(name: &str) -> Option<TimeZone> {
    let (negative, digits) = match name.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, name.strip_prefix('+').unwrap_or(name)),
    };
    let Some((hours, minutes)) = digits.split_once(':') else { return time_zone(name) };
    let seconds =
        hours.parse::<i32>().ok().filter(|hours| *hours < 24)? * 3600 + minutes.parse::<i32>().ok()? * 60;
    let offset = Offset::from_seconds(if negative { -seconds } else { seconds }).ok()?;
    Some(TimeZone::fixed(offset))
}

/// A duration as `string()` shows it: in seconds.
pub(super) fn seconds(nanoseconds: i64) -> String {
    let (sign, nanoseconds) = (if nanoseconds < 0 { "-" } else { "" }, nanoseconds.unsigned_abs());
    let (whole, fraction) = (nanoseconds / SECOND as u64, nanoseconds % SECOND as u64);
    match fraction {
        0 => format!("{sign}{whole}s"),
        _ => format!("{sign}{whole}.{}s", format!("{fraction:09}").trim_end_matches('0')),
    }
}
