//! Lists of completion indexes, `0-2,5`, as statuses and policies have them.

use crate::go_text;
use std::cmp::Ordering;

/// How many indexes a list has.
///
/// # Errors
/// The first thing that is wrong with it; all indexes must be below `completions`, in rising order.
pub(super) fn count(list: &str, completions: i64) -> Result<i64, String> {
    let mut last = None;
    let mut total = 0;
    for part in list.split(',').filter(|_| !list.is_empty()) {
        let (from, to) = range(part, completions)?;
        if let Some(last) = last.filter(|last| *last >= from) {
            return Err(not_rising(last, from));
        }
        total += to - from + 1;
        last = Some(to);
    }
    Ok(total)
}

/// The first index that both lists have; what is malformed in them is passed over.
pub(super) fn first_overlap(left: &str, right: &str, completions: i64) -> Option<i64> {
    let ranges = |list: &str| -> Vec<(i64, i64)> {
        list.split(',').filter_map(|part| range(part, completions).ok()).collect()
    };
    let (left, right) = (ranges(left), ranges(right));
    let (mut at_left, mut at_right) = (0, 0);
    while let (Some(l), Some(r)) = (left.get(at_left), right.get(at_right)) {
        if l.0 <= r.1 && r.0 <= l.1 {
            return Some(l.0.max(r.0));
        }
        match l.0.cmp(&r.0) {
            Ordering::Greater => at_right += 1,
            _ => at_left += 1,
        }
    }
    None
}

fn range(part: &str, completions: i64) -> Result<(i64, i64), String> {
    let limits: Vec<&str> = part.split('-').collect();
    let index = |text: &str| -> Result<i64, String> {
        let number: i64 = text
            .parse()
            .map_err(|_| format!("cannot convert string to integer for index: {}", go_text::quote(text)))?;
        if number >= completions {
            return Err(format!("too large index: {}", go_text::quote(text)));
        }
        Ok(number)
    };
    match limits[..] {
        [only] => index(only).map(|only| (only, only)),
        [from, to] => {
            let (from, to) = (index(from)?, index(to)?);
            if from >= to { Err(not_rising(from, to)) } else { Ok((from, to)) }
        }
        _ => Err(format!(
            "the fragment {} violates the requirement that an index interval can have at most two parts separated by '-'",
            go_text::quote(part)
        )),
    }
}

fn not_rising(previous: i64, current: i64) -> String {
    format!("non-increasing order, previous: {previous}, current: {current}")
}
