//! What Go says of texts that are no versions and no addresses (blang/semver, net/netip).

use crate::go_text::quote;

/// Why a text is no semantic version; nothing for one that is.
pub(super) fn of_version(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("Version string empty".to_owned());
    }
    let mut parts = text.splitn(3, '.');
    let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return Some("No Major.Minor.Patch elements found".to_owned());
    };
    let (rest, build) = split(rest, '+');
    let (patch, prerelease) = split(rest, '-');
    for (number, what) in [(major, "Major"), (minor, "Minor"), (patch, "Patch")] {
        if !is_number(number) {
            let what = what.to_lowercase();
            return Some(format!("Invalid character(s) found in {what} number {}", quote(number)));
        }
        if has_leading_zero(number) {
            return Some(format!("{what} number must not contain leading zeroes {}", quote(number)));
        }
        if number.parse::<u64>().is_err() {
            let why = if number.is_empty() { "invalid syntax" } else { "value out of range" };
            return Some(format!("strconv.ParseUint: parsing {}: {why}", quote(number)));
        }
    }
    let of_prerelease = prerelease.into_iter().flat_map(|parts| parts.split('.')).find_map(prerelease_error);
    of_prerelease.or_else(|| build.into_iter().flat_map(|parts| parts.split('.')).find_map(build_error))
}

fn split(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_leading_zero(number: &str) -> bool {
    number.len() > 1 && number.starts_with('0')
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn prerelease_error(part: &str) -> Option<String> {
    if part.is_empty() {
        return Some("Prerelease is empty".to_owned());
    }
    if is_number(part) && has_leading_zero(part) {
        let why = "Numeric PreRelease version must not contain leading zeroes";
        return Some(format!("{why} {}", quote(part)));
    }
    (!is_alphanumeric(part)).then(|| format!("Invalid character(s) found in prerelease {}", quote(part)))
}

fn build_error(part: &str) -> Option<String> {
    if part.is_empty() {
        return Some("Build meta data is empty".to_owned());
    }
    (!is_alphanumeric(part)).then(|| format!("Invalid character(s) found in build meta data {}", quote(part)))
}

/// Why a text is no IP address.
pub(super) fn of_address(text: &str) -> String {
    let why = match text.find(['.', ':', '%']).map(|at| &text[at..]) {
        Some(rest) if rest.starts_with('.') => of_ipv4(text),
        _ => "unable to parse IP".to_owned(),
    };
    format!("ParseAddr({}): {why}", quote(text))
}

fn of_ipv4(text: &str) -> String {
    let (mut value, mut digits, mut fields) = (0_u32, 0, 0);
    for (at, character) in text.char_indices() {
        match character.to_digit(10) {
            Some(_) if digits == 1 && value == 0 => {
                return "IPv4 field has octet with leading zero".to_owned();
            }
            Some(digit) => {
                (value, digits) = (value * 10 + digit, digits + 1);
                if value > 255 {
                    return "IPv4 field has value >255".to_owned();
                }
            }
            None if character == '.' => {
                if digits == 0 || at + 1 == text.len() {
                    return format!("IPv4 field must have at least one digit (at {})", quote(&text[at..]));
                }
                if fields == 3 {
                    return "IPv4 address too long".to_owned();
                }
                (value, digits, fields) = (0, 0, fields + 1);
            }
            None => return format!("unexpected character (at {})", quote(&text[at..])),
        }
    }
    "IPv4 address too short".to_owned()
}

/// Whether a text would be an address with a prefix if its length had no leading zeroes.
pub(super) fn has_padded_bits(text: &str) -> bool {
    text.rsplit_once('/').is_some_and(|(_, bits)| is_number(bits) && has_leading_zero(bits))
}

/// Why a text is no address with a prefix.
pub(super) fn of_prefix(text: &str) -> String {
    let of = |why: &str| format!("netip.ParsePrefix({}): {why}", quote(text));
    let Some((address, bits)) = text.rsplit_once('/') else { return of("no '/'") };
    let is_plain = is_number(bits) && !bits.is_empty() && !has_leading_zero(bits);
    if address.parse::<std::net::IpAddr>().is_err() {
        of(&of_address(address))
    } else if !is_plain {
        of(&format!("bad bits after slash: {}", quote(bits)))
    } else {
        of("prefix length out of range")
    }
}
