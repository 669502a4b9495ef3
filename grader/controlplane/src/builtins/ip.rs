//! IP addresses and ranges of them, as fields have them (apimachinery/pkg/util/validation/ip.go).
//!
//! Other programs read some texts differently, as octal numbers for instance: those are refused, but still understood
//! for what else has to be checked of them.

use std::fmt;
use std::net::IpAddr;

const NO_ADDRESS: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const NO_RANGE: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// The address that was given, with bits beyond the prefix if it had some.
    pub(crate) address: IpAddr,
    /// How many bits the addresses share.
    length: u8,
}

/// What is wrong with the text of an address.
pub(crate) fn address(text: &str) -> Option<&'static str> {
    match text.parse() {
        Ok(address) if is_mapped(address) => Some("must not be an IPv4-mapped IPv6 address"),
        Ok(_) => None,
        Err(_) if read_address(text).is_some() => Some("must not have leading 0s"),
        Err(_) => Some(NO_ADDRESS),
    }
}

/// Whether a text is an address, whatever else may be wrong with it.
pub(crate) fn is_address(text: &str) -> bool {
    read_address(text).is_some()
}

/// What is odd about an address in this field that others would write in another way.
pub(crate) fn address_warning(text: &str, path: &str) -> Option<String> {
    let address = text.parse::<IpAddr>().ok().filter(IpAddr::is_ipv6)?;
    not_usual("address", text, &address.to_string(), path)
}

/// The same of a range.
pub(crate) fn range_warning(text: &str, path: &str) -> Option<String> {
    let range = Range::read(text).filter(|range| range.address.is_ipv6())?;
    not_usual("CIDR value", text, &range.to_string(), path)
}

/// What is wrong with the text of an address that there must be no other text for.
pub(crate) fn canonical_address(text: &str) -> Option<String> {
    address(text).map(str::to_owned).or_else(|| not_canonical(text, &read_address(text)?.to_string()))
}

/// What is wrong with the text of a range.
pub(crate) fn range(text: &str) -> Option<&'static str> {
    let Some(range) = Range::read(text) else { return Some(NO_RANGE) };
    let (address, length) = text.split_once('/')?;
    if address.parse::<IpAddr>().is_err() || (length.len() > 1 && length.starts_with('0')) {
        Some("must not have leading 0s in IP or prefix length")
    } else if is_mapped(range.address) {
        Some("must not have an IPv4-mapped IPv6 address")
    } else {
        (range.first() != range.bits()).then_some("must not have bits set beyond the prefix length")
    }
}

/// What is wrong with the text of a range that there must be no other text for.
pub(crate) fn canonical_range(text: &str) -> Option<String> {
    range(text).map(str::to_owned).or_else(|| not_canonical(text, &Range::read(text)?.to_string()))
}

/// Why nobody can reach an address from elsewhere (ValidateEndpointIP in pkg/apis/core/validation/validation.go).
pub(crate) fn unreachable(address: IpAddr) -> Vec<String> {
    let address = address.to_canonical();
    let (is_local, is_local_multicast) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(v6) => (v6.is_unicast_link_local(), v6.segments()[0] & 0xff0f == 0xff02),
    };
    let checks = [
        (address.is_unspecified(), format!("may not be unspecified ({address})")),
        (address.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned()),
        (is_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned()),
        (
            is_local_multicast,
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned(),
        ),
    ];
    checks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, text)| text).collect()
}

impl Range {
    /// Reads a range, whatever else may be wrong with its text; `None` when it is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let address = read_address(address)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let digits = length.bytes().all(|byte| byte.is_ascii_digit());
        let length = length.parse().ok().filter(|length| digits && *length <= most)?;
        Some(Self { address, length })
    }

    /// Whether this range is a part of the other one, and not all of it.
    pub(crate) fn is_strictly_within(self, outer: Self) -> bool {
        let same_family = self.address.is_ipv4() == outer.address.is_ipv4();
        let cut = Self { length: outer.length, ..self };
        same_family && self.length > outer.length && cut.first() == outer.first()
    }

    /// The bits of the address, from the left.
    fn bits(self) -> u128 {
        match self.address {
            IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
            IpAddr::V6(v6) => v6.to_bits(),
        }
    }

    /// The bits of the first address of the range.
    fn first(self) -> u128 {
        self.bits() & u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or_default()
    }
}

/// An address as people read it: with zeros in front of its decimal numbers.
fn read_address(text: &str) -> Option<IpAddr> {
    let part = |part: &str| match part.trim_start_matches('0') {
        "" if !part.is_empty() => "0".to_owned(),
        rest => rest.to_owned(),
    };
    let plain = || text.split('.').map(part).collect::<Vec<_>>().join(".").parse::<std::net::Ipv4Addr>();
    text.parse().ok().or_else(|| plain().ok().map(IpAddr::V4))
}

fn is_mapped(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some())
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

fn not_usual(what: &str, text: &str, canonical: &str, path: &str) -> Option<String> {
    (text != canonical).then(|| {
        format!("{path}: IPv6 {what} \"{text}\" should be in RFC 5952 canonical format (\"{canonical}\")")
    })
}

fn not_canonical(text: &str, canonical: &str) -> Option<String> {
    (text != canonical).then(|| format!("must be in canonical form (\"{canonical}\")"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEADING_ZEROS: &str = "must not have leading 0s in IP or prefix length";

    #[test]
    fn addresses_have_one_meaning() {
        for (text, wrong) in [
            ("10.0.0.1", None),
            ("2001:DB8::1", None),
            ("010.0.0.1", Some("must not have leading 0s")),
            ("::ffff:10.0.0.1", Some("must not be an IPv4-mapped IPv6 address")),
            ("10.0.0", Some(NO_ADDRESS)),
            ("10.0..1", Some(NO_ADDRESS)),
            ("", Some(NO_ADDRESS)),
        ] {
            assert_eq!(address(text), wrong, "{text}");
        }
        assert_eq!(
            canonical_address("2001:DB8::1").as_deref(),
            Some("must be in canonical form (\"2001:db8::1\")")
        );
        assert_eq!(canonical_address("2001:db8::1"), None);
    }

    #[test]
    fn ranges_have_one_meaning() {
        for (text, wrong) in [
            ("10.0.0.0/8", None),
            ("0.0.0.0/0", None),
            ("::/0", None),
            ("2001:DB8::/64", None),
            ("10.0.0.0/08", Some(LEADING_ZEROS)),
            ("010.0.0.0/8", Some(LEADING_ZEROS)),
            ("10.0.0.1/8", Some("must not have bits set beyond the prefix length")),
            ("::ffff:10.0.0.0/8", Some("must not have an IPv4-mapped IPv6 address")),
            ("10.0.0.0/+8", Some(NO_RANGE)),
            ("10.0.0.0/33", Some(NO_RANGE)),
            ("10.0.0.0/", Some(NO_RANGE)),
            ("10.0.0.0", Some(NO_RANGE)),
        ] {
            assert_eq!(range(text), wrong, "{text}");
        }
        assert_eq!(
            canonical_range("2001:DB8::/64").as_deref(),
            Some("must be in canonical form (\"2001:db8::/64\")")
        );
    }

    #[test]
    fn ranges_lie_within_others() {
        let range = |text| Range::read(text).expect("a range");
        for (inner, outer, within) in [
            ("10.1.0.0/16", "10.0.0.0/8", true),
            ("10.0.0.0/8", "0.0.0.0/0", true),
            ("10.0.0.0/8", "10.0.0.0/8", false),
            ("11.0.0.0/16", "10.0.0.0/8", false),
            ("::/96", "0.0.0.0/0", false),
        ] {
            assert_eq!(range(inner).is_strictly_within(range(outer)), within, "{inner} {outer}");
        }
    }

    #[test]
    fn addresses_for_the_host_alone_are_known() {
        for address in [
            "0.0.0.0",
            "127.0.0.1",
            "169.254.0.1",
            "224.0.0.5",
            "fe80::1",
            "ff02::5",
            "ff12::1",
            "::ffff:127.0.0.1",
        ] {
            assert_eq!(unreachable(address.parse().expect("an address")).len(), 1, "{address}");
        }
        assert_eq!(unreachable("2001:db8::1".parse().expect("an address")), Vec::<String>::new());
    }
}
