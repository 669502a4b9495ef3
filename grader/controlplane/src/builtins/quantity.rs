//! `resource.Quantity`: amounts such as `500m` or `1Gi` (apimachinery/pkg/api/resource/quantity.go).
//!
//! Amounts are kept in billionths; what does not fit in 128 bits (beyond 10^29) becomes the largest amount.

use std::cmp::Ordering;
use std::fmt;

/// An amount together with the notation it was written in.
#[derive(Clone, Debug)]
pub struct Quantity {
    nano: i128,
    format: Format,
    /// The text as written, where Kubernetes keeps it.
    text: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    DecimalExponent,
    BinarySi,
    DecimalSi,
}

const NANO: i128 = 1_000_000_000;
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const WRONG_FORMAT: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const WRONG_NUMBER: &str = "unable to parse numeric part of quantity";
const WRONG_SUFFIX: &str = "unable to parse quantity's suffix";

impl Quantity {
    /// Reads a quantity.
    ///
    /// # Errors
    /// One of the three texts of Kubernetes.
    pub fn parse(text: &str) -> Result<Quantity, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err(WRONG_FORMAT);
        }
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let whole_end = unsigned.find(|c: char| !c.is_ascii_digit()).unwrap_or(unsigned.len());
        let whole = unsigned[..whole_end].trim_start_matches('0');
        let after = &unsigned[whole_end..];
        let (fraction, suffix) = match after.strip_prefix('.') {
            None => ("", after),
            Some(after) => after.split_at(after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len())),
        };
        if !is_suffix_shaped(suffix) {
            return Err(WRONG_FORMAT);
        }
        let (format, base, exponent) = interpret(suffix).ok_or(WRONG_SUFFIX)?;
        if whole_end == 0 && fraction.is_empty() && after.starts_with('.') {
            return Err(WRONG_NUMBER);
        }
        let mut nano = match base {
            2 => scale(whole, fraction, 9).0.saturating_mul(1 << exponent),
            _ => scale(whole, fraction, exponent.saturating_add(9)).0,
        };
        let mut format = format;
        if format == Format::BinarySi {
            let (exact, lost) = scale(whole, fraction, 9);
            nano = exact.saturating_mul(1 << exponent).saturating_add(i128::from(lost));
            nano = nano.min(i128::from(i64::MAX) * NANO);
            if nano > 0 && nano < NANO {
                format = Format::DecimalSi;
            }
        } else if scale(whole, fraction, exponent.saturating_add(9)).1 {
            // Too small an amount rounds up: who asks for something gets something.
            nano = nano.saturating_add(1);
        }
        let digits = format!("{}{fraction}", if whole.is_empty() { "0" } else { whole });
        let shown = exponent.saturating_sub(i32::try_from(fraction.len()).unwrap_or(i32::MAX));
        let kept = format != Format::BinarySi
            && shown >= -9
            && shown % 3 == 0
            && digits.len() <= 18
            && !digits.ends_with("000")
            && !digits.starts_with('0');
        let sign = if text.starts_with('-') { -1 } else { 1 };
        Ok(Quantity { nano: nano * sign, format, text: kept.then(|| text.to_owned()) })
    }

    /// A number of things.
    pub fn count(number: usize) -> Quantity {
        let number = i128::try_from(number).unwrap_or(i128::MAX);
        Quantity { nano: number.saturating_mul(NANO), format: Format::DecimalSi, text: None }
    }

    /// The sum, in the notation of this amount, or of the other one when this is zero.
    pub fn plus(&self, other: &Quantity) -> Quantity {
        let format = if self.is_zero() { other.format } else { self.format };
        Quantity { nano: self.nano.saturating_add(other.nano), format, text: None }
    }

    /// What is left of this amount without the other one, at least zero.
    pub fn minus(&self, other: &Quantity) -> Quantity {
        let left = self.nano.saturating_sub(other.nano).max(0);
        Quantity { nano: left, format: self.format, text: None }
    }

    /// Whether the amount is below zero.
    pub fn is_negative(&self) -> bool {
        self.nano < 0
    }

    /// Whether the amount is zero.
    pub fn is_zero(&self) -> bool {
        self.nano == 0
    }

    /// Whether the amount is a whole number.
    pub fn is_whole(&self) -> bool {
        self.nano % NANO == 0
    }

    /// The amount in thousandths, rounded up.
    pub fn milli_value(&self) -> i128 {
        let thousandth = NANO / 1000;
        self.nano.div_euclid(thousandth) + i128::from(self.nano.rem_euclid(thousandth) != 0)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.nano.partial_cmp(&other.nano)
    }
}

/// The canonical notation, e.g. `500m` for `0.5` and `1Gi` for `1024Mi`.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.text {
            return f.write_str(text);
        }
        if self.nano == 0 {
            return f.write_str("0");
        }
        let binary = self.format == Format::BinarySi
            && self.nano.unsigned_abs() >= 1024 * NANO.unsigned_abs()
            && self.is_whole();
        if binary {
            let mut number = self.nano / NANO;
            let mut power = 0;
            while number % 1024 == 0 && power < BINARY.len() {
                number /= 1024;
                power += 1;
            }
            let suffix = if power == 0 { "" } else { BINARY[power - 1].0 };
            return write!(f, "{number}{suffix}");
        }
        let mut number = self.nano;
        let mut exponent = -9;
        while number % 1000 == 0 && (exponent < 18 || self.format == Format::DecimalExponent) {
            number /= 1000;
            exponent += 3;
        }
        match self.format {
            Format::DecimalExponent if exponent == 0 => write!(f, "{number}"),
            Format::DecimalExponent => write!(f, "{number}e{exponent}"),
            _ => {
                let suffix = DECIMAL.iter().find(|(_, e)| *e == exponent).map_or("", |(suffix, _)| suffix);
                write!(f, "{number}{suffix}")
            }
        }
    }
}

/// `whole.fraction * 10^power`, cut to a whole number, and whether something was cut off.
fn scale(whole: &str, fraction: &str, power: i32) -> (i128, bool) {
    let digits = whole.bytes().chain(fraction.bytes()).map(|digit| i128::from(digit - b'0'));
    // How many of the digits are before the point once the power is applied.
    let before = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(i64::from(power));
    let mut value: i128 = 0;
    let mut lost = false;
    let mut position = 0;
    for digit in digits {
        if position < before {
            value = value.saturating_mul(10).saturating_add(digit);
        } else {
            lost |= digit != 0;
        }
        position += 1;
    }
    if value != 0 {
        // 10^39 does not fit any more.
        for _ in position..before.min(position + 39) {
            value = value.saturating_mul(10);
        }
    }
    (value, lost)
}

/// `[eEinumkKMGTP]*[-+]?[0-9]*`
fn is_suffix_shaped(suffix: &str) -> bool {
    let rest = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    rest.bytes().all(|b| b.is_ascii_digit())
}

/// Format, base and exponent of a suffix.
fn interpret(suffix: &str) -> Option<(Format, u8, i32)> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(s, _)| *s == suffix) {
        return Some((Format::DecimalSi, 10, *exponent));
    }
    if let Some((_, exponent)) = BINARY.iter().find(|(s, _)| *s == suffix) {
        return Some((Format::BinarySi, 2, i32::try_from(*exponent).ok()?));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?;
    Some((Format::DecimalExponent, 10, exponent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn canonical_forms() {
        for (input, expected) in [
            ("0", "0"),
            ("0Gi", "0"),
            ("0.5", "500m"),
            ("1000m", "1"),
            ("100m", "100m"),
            ("1500m", "1500m"),
            ("1.5", "1500m"),
            ("100000", "100k"),
            ("1234567", "1234567"),
            ("1Gi", "1Gi"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("512", "512"),
            ("1000Ki", "1000Ki"),
            ("1e3", "1e3"),
            ("12e1", "120"),
            ("1E", "1E"),
            ("-2000m", "-2"),
            ("0.0000000001", "1n"),
            ("0.5Ki", "512"),
            ("0.0001Ki", "102400u"),
            (" 5 ", "5"),
        ] {
            assert_eq!(Quantity::parse(input).map(|q| q.to_string()), Ok(expected.to_owned()), "{input}");
        }
    }

    #[test]
    fn errors() {
        for (input, expected) in [
            ("", WRONG_FORMAT),
            ("lots", WRONG_FORMAT),
            ("1Gi!", WRONG_FORMAT),
            ("1 Gi", WRONG_FORMAT),
            ("1Kii", WRONG_SUFFIX),
            ("1ee", WRONG_SUFFIX),
            (".", WRONG_NUMBER),
        ] {
            assert_eq!(Quantity::parse(input).map(|q| q.to_string()), Err(expected), "{input}");
        }
    }

    #[test]
    fn order() {
        let parse = |text| Quantity::parse(text).unwrap();
        assert!(parse("2") > parse("1999m"));
        assert_eq!(parse("1Ki"), parse("1024"));
        assert!(parse("1e30") > parse("1E"));
    }

    proptest! {
        #[test]
        fn never_panics_and_the_canonical_form_is_stable(text in "[+-]?[0-9]{0,25}[.]?[0-9]{0,12}[a-zA-Z]{0,3}[0-9]{0,3}") {
            if let Ok(quantity) = Quantity::parse(&text) {
                let canonical = quantity.to_string();
                let again = Quantity::parse(&canonical).unwrap();
                prop_assert_eq!(again.to_string(), canonical);
            }
        }
    }
}
