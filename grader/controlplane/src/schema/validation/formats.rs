//! The values of `format` that Kubernetes checks (apiextensions-apiserver/pkg/apiserver/validation/formats.go and
//! kube-openapi/pkg/validation/strfmt). Every other format is ignored.

use super::super::Type;
use super::super::pattern::Pattern;
use super::uri;
use std::fmt;
use std::net::Ipv6Addr;
use std::sync::LazyLock;

/// A `format` that is checked; unknown ones never become one.
#[derive(Clone, Copy)]
pub enum Format {
    /// `int32` of an integer.
    Int32,
    /// `int64` of an integer.
    Int64,
    /// `float` of a number.
    Float,
    /// `double` of a number.
    Double,
    /// A format of strings.
    Text(TextFormat),
}

/// A format of strings.
#[derive(Clone, Copy)]
pub struct TextFormat {
    /// The name without dashes.
    name: &'static str,
    matches: fn(&str) -> bool,
}

impl Format {
    /// The format of this name, where it applies to this type. `type_` is none as well for an int-or-string.
    pub fn from_name(name: &str, type_: Option<Type>) -> Option<Self> {
        match (type_, name) {
            (Some(Type::Integer), "int32") => Some(Self::Int32),
            (Some(Type::Integer), "int64") => Some(Self::Int64),
            (Some(Type::Number), "float") => Some(Self::Float),
            (Some(Type::Number), "double") => Some(Self::Double),
            (None | Some(Type::String), _) => {
                let normalized = name.replace('-', "");
                TEXT_FORMATS.iter().find(|format| format.name == normalized).copied().map(Self::Text)
            }
            _ => None,
        }
    }

    /// Whether it is a format of strings that this text does not have.
    pub fn is_violated_by(&self, text: &str) -> bool {
        matches!(self, Self::Text(format) if !(format.matches)(text))
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float => "float",
            Self::Double => "double",
            Self::Text(format) => format.name,
        })
    }
}

const TEXT_FORMATS: &[TextFormat] = &[
    TextFormat { name: "bsonobjectid", matches: |text| text.len() == 24 && is_hex(text) },
    TextFormat { name: "uri", matches: uri::is_request_uri },
    TextFormat { name: "email", matches: is_email },
    TextFormat { name: "hostname", matches: is_hostname },
    TextFormat { name: "ipv4", matches: |text| text.contains('.') && is_ip(text) },
    TextFormat { name: "ipv6", matches: |text| text.parse::<Ipv6Addr>().is_ok() },
    TextFormat { name: "cidr", matches: is_cidr },
    TextFormat { name: "mac", matches: is_mac },
    TextFormat { name: "uuid", matches: |text| UUID.matches(text) },
    TextFormat { name: "uuid3", matches: |text| UUID3.matches(text) },
    TextFormat { name: "uuid4", matches: |text| UUID4.matches(text) },
    TextFormat { name: "uuid5", matches: |text| UUID5.matches(text) },
    TextFormat { name: "isbn", matches: |text| is_isbn10(text) || is_isbn13(text) },
    TextFormat { name: "isbn10", matches: is_isbn10 },
    TextFormat { name: "isbn13", matches: is_isbn13 },
    TextFormat { name: "creditcard", matches: is_credit_card },
    TextFormat { name: "ssn", matches: |text| text.len() == 11 && SSN.matches(text) },
    TextFormat { name: "hexcolor", matches: |text| HEX_COLOR.matches(text) },
    TextFormat { name: "rgbcolor", matches: |text| RGB_COLOR.matches(text) },
    TextFormat { name: "byte", matches: |text| BASE64.matches(text) },
    TextFormat { name: "password", matches: |_| true },
    TextFormat { name: "date", matches: is_date },
    TextFormat {
        name: "duration",
        matches: |text| parse_duration(text).is_some() || is_spoken_duration(text),
    },
    TextFormat { name: "datetime", matches: is_date_time },
    TextFormat { name: "k8sshortname", matches: |text| text.len() <= 63 && SHORT_NAME.matches(text) },
    TextFormat { name: "k8slongname", matches: |text| text.len() <= 253 && LONG_NAME.matches(text) },
];

/// Compiles a pattern of this file when it is first used.
macro_rules! patterns {
    ($($name:ident = $source:expr;)*) => {
        $(static $name: LazyLock<Pattern> =
            LazyLock::new(|| Pattern::new($source).expect("the patterns of this file compile"));)*
    };
}

patterns! {
    UUID = r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$";
    UUID3 = r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$";
    UUID4 = r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$";
    UUID5 = r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$";
    CREDIT_CARD = r"^(4\d{12}(\d{3})?|5[1-5]\d{14}|6(011|5\d\d)\d{12}|3[47]\d{13}|3(0[0-5]|[68]\d)\d{11}|(2131|1800|35\d{3})\d{11})$";
    SSN = r"^\d{3}[- ]?\d{2}[- ]?\d{4}$";
    HEX_COLOR = r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$";
    RGB_COLOR = r"^rgb\(\s*(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])(\s*,\s*(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){2}\s*\)$";
    BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$";
    HOSTNAME = r"^([a-zA-Z0-9\p{S}\p{L}](-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$";
    TIME_OF_DAY = r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(.\d+)?(z|([+-]\d{2}:\d{2}))$";
    SHORT_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
    LONG_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
    SPOKEN_DURATION = r"(?i)\d+\s*((ns|us|µs|ms|s|m|h|hr|d|w|wk)($|[^a-zµ])|nano|micro|milli|sec|min|hour|day|week)";
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_hostname(text: &str) -> bool {
    text.len() <= 255 && text.split('.').all(|label| label.len() <= 63) && HOSTNAME.matches(text)
}

/// `Name <local@domain>` or `local@domain` (Go's net/mail, without its rarest forms).
fn is_email(text: &str) -> bool {
    let text = text.trim();
    let address = match text.strip_suffix('>') {
        Some(rest) => match rest.rsplit_once('<') {
            Some((_, address)) => address,
            None => return false,
        },
        None => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let is_atom = |atom: &str| {
        let special = |c: char| {
            c.is_ascii_control()
                || matches!(
                    c,
                    ' ' | '(' | ')' | '<' | '>' | '[' | ']' | ':' | ';' | '@' | '\\' | ',' | '"' | '.'
                )
        };
        !atom.is_empty() && !atom.contains(special)
    };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let literal = domain.starts_with('[') && domain.ends_with(']') && is_ip(&domain[1..domain.len() - 1]);
    (quoted || local.split('.').all(is_atom)) && (literal || domain.split('.').all(is_atom))
}

/// An IPv4 address, leading zeros allowed, or an IPv6 address.
fn is_ip(text: &str) -> bool {
    is_sloppy_ipv4(text) || text.parse::<Ipv6Addr>().is_ok()
}

fn is_sloppy_ipv4(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_part = |part: &&str| {
        let digits = part.trim_start_matches('0');
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && digits.len() <= 3
            && digits.parse().unwrap_or(0) <= 255
    };
    parts.len() == 4 && parts.iter().all(is_part)
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let most = if is_sloppy_ipv4(address) { 32 } else { 128 };
    is_ip(address) && !length.starts_with('+') && length.parse::<u8>().is_ok_and(|length| length <= most)
}

/// 6, 8 or 20 bytes in pairs with `:` or `-`, or in fours with `.`.
fn is_mac(text: &str) -> bool {
    let (separator, width) = match text.find([':', '-', '.']) {
        Some(2) => (if text.as_bytes()[2] == b':' { ':' } else { '-' }, 2),
        Some(4) => ('.', 4),
        _ => return false,
    };
    let groups: Vec<&str> = text.split(separator).collect();
    let bytes = groups.len() * width / 2;
    matches!(bytes, 6 | 8 | 20) && groups.iter().all(|group| group.len() == width && is_hex(group))
}

fn without_spaces_and_dashes(text: &str) -> Vec<u8> {
    text.bytes().filter(|byte| !matches!(byte, b'-' | b' ' | b'\t' | b'\n' | b'\r' | 0x0c)).collect()
}

fn is_isbn10(text: &str) -> bool {
    let digits = without_spaces_and_dashes(text);
    let value = |index: usize| match digits[index] {
        b'X' if index == 9 => Some(10),
        digit if digit.is_ascii_digit() => Some(u32::from(digit - b'0')),
        _ => None,
    };
    digits.len() == 10
        && (0..10)
            .map(|index| Some(value(index)? * (index as u32 + 1)))
            .sum::<Option<u32>>()
            .is_some_and(|sum| sum % 11 == 0)
}

fn is_isbn13(text: &str) -> bool {
    let digits = without_spaces_and_dashes(text);
    if digits.len() != 13 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 =
        (0..12).map(|index| u32::from(digits[index] - b'0') * if index % 2 == 0 { 1 } else { 3 }).sum();
    u32::from(digits[12] - b'0') == (10 - sum % 10) % 10
}

fn is_credit_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let luhn =
        digits.bytes().rev().enumerate().map(|(index, digit)| match (u32::from(digit - b'0'), index % 2) {
            (digit, 0) => digit,
            (digit, _) if digit >= 5 => digit * 2 - 9,
            (digit, _) => digit * 2,
        });
    CREDIT_CARD.matches(&digits) && luhn.sum::<u32>() % 10 == 0
}

/// `2006-01-02`, a day that exists.
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10 && text.is_ascii() && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_date_time(text: &str) -> bool {
    let text = text.to_lowercase();
    text.split_once('t').is_some_and(|(date, time)| {
        is_date(date) && TIME_OF_DAY.matches(time.split('t').next().unwrap_or(""))
    })
}

/// Durations in words, such as `22 nanos` or `3 days` (those of Scala).
fn is_spoken_duration(text: &str) -> bool {
    SPOKEN_DURATION.matches(text)
}

/// A duration as Go's `time.ParseDuration` reads it, in nanoseconds: `1h30m`, `-1.5s`, `0`.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|end| *end > 0)?;
        let (number, unit_onwards) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let unit_end =
            unit_onwards.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(unit_onwards.len());
        let (unit, after) = unit_onwards.split_at(unit_end);
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()?.into() };
        let fraction = &fraction[..fraction.len().min(18)];
        let fraction_value: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
        total += whole * scale + fraction_value * scale / 10_i128.pow(fraction.len() as u32);
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        let table: &[(&str, &[&str], &[&str])] = &[
            (
                "uri",
                &["http://x", "/a", "mailto:a@b", "http://[::1]:80/x?y"],
                &["::", "x", "", "a b", "http://a b/"],
            ),
            ("email", &["a@b.c", "A <a@b>", "a.b+c@d"], &["nobody", "a@", "@b", "a b@c", "a..b@c"]),
            ("hostname", &["a", "a-b.example.com", "1a.example.com"], &["", "-a", "a_b", "a.b."]),
            ("ipv4", &["10.0.0.1", "010.0.0.1"], &["300.1.1.1", "1.2.3", "::1"]),
            ("ipv6", &["::1", "::ffff:1.2.3.4"], &["1.2.3.4", "::g"]),
            ("cidr", &["10.0.0.0/8", "::/0"], &["10.0.0.0", "10.0.0.0/33", "::/129", "/8"]),
            (
                "mac",
                &["01:23:45:67:89:ab", "0123.4567.89ab", "01-23-45-67-89-ab-cd-ef"],
                &["01:23", "01:23:45:67:89:ag", ""],
            ),
            ("uuid", &["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"], &["xyz"]),
            ("uuid4", &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"], &["a0eebc99-9c0b-3ef8-bb6d-6bb9bd380a11"]),
            ("isbn", &["0321751043", "978-0321751041"], &["0321751044", "978-0321751042", ""]),
            ("creditcard", &["4111 1111 1111 1111"], &["4111 1111 1111 1112"]),
            ("ssn", &["111-22-3333"], &["111223333", "a"]),
            ("hexcolor", &["#fff", "A0B1C2"], &["#ff", "ggg"]),
            ("rgbcolor", &["rgb(0, 255,100)"], &["rgb(0,256,1)", "rgb(1,2)"]),
            ("byte", &["YQ=="], &["!!", "YQ", ""]),
            ("date", &["2020-01-01", "2024-02-29"], &["2020-13-01", "2023-02-29", "2020-1-1", "20200101"]),
            (
                "date-time",
                &["2020-01-01T00:00:00Z", "2020-01-01t23:59:59.123+01:00"],
                &["2020-01-01", "2020-01-01T24:00:00Z", "2020-01-01T00:00:00"],
            ),
            (
                "duration",
                &["5m", "1h30m", "-1.5s", "0", "22 nanos", "3 days", "1 w"],
                &["5 parsecs", "", "m"],
            ),
            ("bsonobjectid", &["507f1f77bcf86cd799439011"], &["507f"]),
            ("k8s-short-name", &["a-b"], &["A", "a.b"]),
            ("k8s-long-name", &["a-b.c"], &["a_b"]),
            ("password", &["", "x"], &[]),
        ];
        for (name, good, bad) in table {
            let format = Format::from_name(name, Some(Type::String)).unwrap();
            for text in *good {
                assert!(!format.is_violated_by(text), "{name}: {text}");
            }
            for text in *bad {
                assert!(format.is_violated_by(text), "{name}: {text}");
            }
        }
    }

    #[test]
    fn formats_belong_to_types() {
        assert!(Format::from_name("frobnicate", Some(Type::String)).is_none());
        assert!(Format::from_name("date", Some(Type::Integer)).is_none());
        assert!(Format::from_name("int32", Some(Type::String)).is_none());
        assert!(Format::from_name("int32", Some(Type::Integer)).is_some());
        assert!(Format::from_name("date-time", None).is_some());
    }

    #[test]
    fn durations_are_those_of_go() {
        let table = [
            ("1h30m", Some(5_400_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("-2us", Some(-2_000)),
            (".5s", Some(500_000_000)),
            ("1", None),
            ("s", None),
            (".s", None),
            ("1x", None),
            ("9223372036854775807ns", Some(i64::MAX)),
            ("300000000000h", None),
        ];
        for (text, nanoseconds) in table {
            assert_eq!(parse_duration(text), nanoseconds, "{text}");
        }
    }
}
