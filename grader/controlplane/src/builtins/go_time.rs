//! Times as `metav1.Time` and `metav1.MicroTime` read and write them, with the error texts of Go's `time.Parse`.

use jiff::Timestamp;

/// `metav1.Time` in JSON: RFC 3339, seconds, UTC.
pub(super) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
/// `metav1.MicroTime` in JSON: RFC 3339 with exactly six fraction digits, UTC.
pub(super) const RFC3339_MICRO: &str = "2006-01-02T15:04:05.000000Z07:00";

/// Reads a `metav1.Time` and writes it as the server does.
///
/// # Errors
/// Go's text, e.g. `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"`.
pub(super) fn time(text: &str) -> Result<String, String> {
    parse(text, RFC3339).map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Whether a text is a `metav1.Time` as the server writes it. Late days of a month are for [`time`] to judge.
pub(super) fn is_canonical(text: &str) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'Z'] =
        *text.as_bytes()
    else {
        return false;
    };
    let within = |tens: u8, ones: u8, from: u8, to: u8| {
        tens.is_ascii_digit()
            && ones.is_ascii_digit()
            && (from..=to).contains(&((tens - b'0') * 10 + (ones - b'0')))
    };
    [y1, y2, y3, y4].iter().all(u8::is_ascii_digit)
        && within(m1, m2, 1, 12)
        && within(d1, d2, 1, 28)
        && within(h1, h2, 0, 23)
        && within(n1, n2, 0, 59)
        && within(s1, s2, 0, 59)
}

/// Reads a `metav1.MicroTime` and writes it as the server does.
///
/// # Errors
/// Go's text.
pub(super) fn micro_time(text: &str) -> Result<String, String> {
    parse(text, RFC3339_MICRO).map(|at| at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
}

/// Walks text and layout together, as Go does, to name the first element that does not fit.
fn parse(text: &str, layout: &str) -> Result<Timestamp, String> {
    let fail = |rest: &str, element: &str| {
        Err(format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {element:?}"))
    };
    let mut rest = text;
    let mut numbers = [0u32; 6];
    let elements = [("2006", 4), ("01", 2), ("02", 2), ("15", 2), ("04", 2), ("05", 2)];
    let separators = ["", "-", "-", "T", ":", ":"];
    for (i, (element, digits)) in elements.into_iter().enumerate() {
        let Some(after) = rest.strip_prefix(separators[i]) else {
            return fail(rest, separators[i]);
        };
        rest = after;
        // Go takes an hour of one digit.
        let digits = if element == "15" && !starts_with_digits(rest, 2) { 1 } else { digits };
        if !starts_with_digits(rest, digits) {
            return fail(rest, element);
        }
        numbers[i] = rest[..digits].parse().unwrap_or(0);
        rest = &rest[digits..];
    }
    let micro = layout == RFC3339_MICRO;
    let mut nanoseconds = 0;
    if micro {
        let fraction = rest.strip_prefix('.').filter(|f| starts_with_digits(f, 6));
        let Some(fraction) = fraction else {
            return fail(rest, ".000000");
        };
        nanoseconds = fraction[..6].parse::<u32>().unwrap_or(0) * 1000;
        rest = &fraction[6..];
    } else if let Some(fraction) = rest.strip_prefix(['.', ',']).filter(|f| starts_with_digits(f, 1)) {
        // Go takes a fraction that the layout does not have.
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let offset = match rest.strip_prefix('Z') {
        Some(after) => {
            rest = after;
            0
        }
        None => match zone(rest) {
            Some(minutes) => {
                rest = &rest[6..];
                minutes
            }
            None => return fail(rest, "Z07:00"),
        },
    };
    if !rest.is_empty() {
        return Err(format!("parsing time {text:?}: extra text: {rest:?}"));
    }
    let [year, month, day, hour, minute, second] = numbers;
    let range = |what: &str| Err(format!("parsing time {text:?}: {what} out of range"));
    if !(1..=12).contains(&month) {
        return range("month");
    }
    if hour > 23 {
        return range("hour");
    }
    if minute > 59 {
        return range("minute");
    }
    if second > 59 {
        return range("second");
    }
    let utc = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanoseconds:09}Z");
    let Ok(at) = utc.parse::<Timestamp>() else {
        return range("day");
    };
    at.checked_sub(jiff::SignedDuration::from_mins(offset)).or_else(|_| range("day"))
}

fn starts_with_digits(text: &str, count: usize) -> bool {
    text.len() >= count && text.as_bytes()[..count].iter().all(u8::is_ascii_digit)
}

/// `+07:00` as minutes.
fn zone(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let sign = match bytes.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let shaped = bytes.len() >= 6
        && bytes[3] == b':'
        && bytes[1..3].iter().chain(&bytes[4..6]).all(u8::is_ascii_digit);
    if !shaped {
        return None;
    }
    let (hours, minutes): (i64, i64) = (text[1..3].parse().ok()?, text[4..6].parse().ok()?);
    (hours <= 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times() {
        for (input, expected) in [
            ("2020-01-02T03:04:05Z", Ok("2020-01-02T03:04:05Z")),
            ("2020-01-02T03:04:05.999Z", Ok("2020-01-02T03:04:05Z")),
            ("2020-01-02T03:04:05+02:00", Ok("2020-01-02T01:04:05Z")),
            (
                "nope",
                Err(r#"parsing time "nope" as "2006-01-02T15:04:05Z07:00": cannot parse "nope" as "2006""#),
            ),
            (
                "2020-01-02",
                Err(r#"parsing time "2020-01-02" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T""#),
            ),
            ("2020-13-02T03:04:05Z", Err(r#"parsing time "2020-13-02T03:04:05Z": month out of range"#)),
            ("2020-02-30T03:04:05Z", Err(r#"parsing time "2020-02-30T03:04:05Z": day out of range"#)),
        ] {
            assert_eq!(time(input), expected.map(str::to_owned).map_err(str::to_owned));
        }
    }

    #[test]
    fn micro_times_need_exactly_six_digits() {
        assert_eq!(micro_time("2020-01-02T00:00:00.123456Z"), Ok("2020-01-02T00:00:00.123456Z".into()));
        for (input, rest, element) in [
            ("2020-01-02T00:00:00Z", "Z", ".000000"),
            ("2020-01-02T00:00:00.1Z", ".1Z", ".000000"),
            ("2020-01-02T00:00:00.123456789Z", "789Z", "Z07:00"),
        ] {
            let expected = format!(
                r#"parsing time "{input}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "{rest}" as "{element}""#
            );
            assert_eq!(micro_time(input), Err(expected));
        }
    }

    proptest! {
        #[test]
        fn what_is_canonical_is_written_as_it_is(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z"
        ) {
            if is_canonical(&text) {
                prop_assert_eq!(time(&text), Ok(text));
            }
        }

        #[test]
        fn never_panics(text in "\\PC*", shaped in "[0-9T:.,Z+é-]{0,35}") {
            let _ = (time(&text), micro_time(&text), time(&shaped), micro_time(&shaped));
        }
    }
}
