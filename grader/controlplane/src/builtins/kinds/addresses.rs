//! ServiceCIDRs and the IPAddresses in them (pkg/apis/networking/validation/validation.go).

use crate::builtins::fields::{at, list, text};
use crate::builtins::names::{self, NameRule};
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use crate::object;
use serde_json::{Value, json};
use std::net::IpAddr;

const IMMUTABLE: &str = "field is immutable";

pub(super) struct Address;

impl Rules for Address {
    fn names(&self) -> NameRule {
        NameRule::Any
    }

    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, address: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let name = object::name(address);
        match name.parse::<IpAddr>() {
            Err(_) => {
                let detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
                errors.push(FieldError::invalid("metadata.name", name, detail));
            }
            Ok(ip) if ip.to_string() != name => {
                let detail = format!("must be in canonical form (\"{ip}\")");
                errors.push(FieldError::invalid("metadata.name", name, detail));
            }
            Ok(_) => {}
        }
        let parent = at(address, "/spec/parentRef");
        if !parent.is_object() {
            errors.push(FieldError::required("spec.parentRef", ""));
            return errors;
        }
        let mut check = |key: &str, required: bool, rule: fn(&str) -> Vec<String>| {
            let (path, value) = (format!("spec.parentRef.{key}"), text(parent, &format!("/{key}")));
            if value.is_empty() {
                errors.extend(required.then(|| FieldError::required(path, "")));
            } else {
                errors.extend(
                    rule(value).into_iter().map(|bad| FieldError::invalid(path.as_str(), value, bad)),
                );
            }
        };
        check("group", false, names::dns_subdomain);
        check("resource", true, names::path_segment);
        check("name", true, names::path_segment);
        check("namespace", false, names::path_segment);
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let parent = at(new, "/spec/parentRef");
        if parent == at(old, "/spec/parentRef") {
            return Vec::new();
        }
        vec![FieldError::invalid("spec.parentRef", parent.clone(), IMMUTABLE)]
    }
}

pub(super) struct Range;

impl Rules for Range {
    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, range: &Value) -> Vec<FieldError> {
        const PATH: &str = "spec.cidrs";
        let cidrs = list(range, "/spec/cidrs");
        match cidrs.len() {
            0 => return vec![FieldError::required(PATH, "at least one CIDR required")],
            1 | 2 => {}
            _ => {
                let value = json!({"CIDRs": cidrs});
                return vec![FieldError::invalid(PATH, value, "may only hold up to 2 values")];
            }
        }
        let mut errors = Vec::new();
        let mut families = Vec::new();
        for (i, cidr) in cidrs.iter().enumerate() {
            let cidr = cidr.as_str().unwrap_or_default();
            match parse(cidr) {
                Err(detail) => errors.push(FieldError::invalid(format!("{PATH}[{i}]"), cidr, detail)),
                Ok(address) => families.push(address.is_ipv4()),
            }
        }
        if families == [true, true] || families == [false, false] {
            let detail =
                "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
            errors.push(FieldError::invalid(PATH, cidrs.to_vec(), detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() {
            return Vec::new();
        }
        let (now, before) = (list(new, "/spec/cidrs"), list(old, "/spec/cidrs"));
        if now.len() != before.len() && (before.len(), now.len()) != (1, 2) {
            return vec![FieldError::invalid("spec.cidrs", now.to_vec(), IMMUTABLE)];
        }
        let changed = now.iter().zip(before).enumerate().filter(|(_, (now, before))| now != before);
        let mut errors: Vec<FieldError> = changed
            .map(|(i, (now, _))| FieldError::invalid(format!("spec.cidrs[{i}]"), now.clone(), IMMUTABLE))
            .collect();
        if now.len() != before.len() {
            errors.extend(self.validate_create(new));
        }
        errors
    }
}

/// The address of a range in its canonical form.
fn parse(cidr: &str) -> Result<IpAddr, String> {
    let bad = || "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_owned();
    let (address, length) = cidr.split_once('/').ok_or_else(bad)?;
    let address: IpAddr = address.parse().map_err(|_| bad())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits: u32 = length.parse().ok().filter(|bits| *bits <= most).ok_or_else(bad)?;
    let network = match address {
        IpAddr::V4(v4) => {
            IpAddr::from((u32::from(v4) & u32::MAX.checked_shl(32 - bits).unwrap_or(0)).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            IpAddr::from((u128::from(v6) & u128::MAX.checked_shl(128 - bits).unwrap_or(0)).to_be_bytes())
        }
    };
    let canonical = format!("{network}/{bits}");
    if canonical == cidr { Ok(address) } else { Err(format!("must be in canonical form (\"{canonical}\")")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_canonical() {
        let table = [
            ("10.0.0.0/8", Ok(())),
            ("0.0.0.0/0", Ok(())),
            ("2001:db8::/64", Ok(())),
            ("10.0.0.1/8", Err("must be in canonical form (\"10.0.0.0/8\")")),
            ("10.0.0.0/33", Err("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")),
            ("10.0.0.0", Err("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")),
        ];
        for (cidr, expected) in table {
            assert_eq!(parse(cidr).map(drop), expected.map_err(str::to_owned), "{cidr}");
        }
    }
}
