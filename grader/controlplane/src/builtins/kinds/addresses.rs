//! ServiceCIDRs and the IPAddresses in them (pkg/apis/networking/validation/validation.go).

use crate::builtins::fields::{at, list, text};
use crate::builtins::ip::{self, Range};
use crate::builtins::names::{self, NameRule};
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use crate::object;
use serde_json::{Value, json};

const IMMUTABLE: &str = "field is immutable";

pub(super) struct Address;

impl Rules for Address {
    fn names(&self) -> NameRule {
        NameRule::Any
    }

    fn validate_create(&self, address: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let name = object::name(address);
        let wrong = ip::canonical_address(name);
        errors.extend(wrong.map(|detail| FieldError::invalid("metadata.name", name, detail)));
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
                errors.extend(FieldError::invalid_for_each(&path, value, rule(value)));
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

pub(super) struct ServiceCidr;

impl Rules for ServiceCidr {
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
            match ip::canonical_range(cidr) {
                Some(detail) => errors.push(FieldError::invalid(format!("{PATH}[{i}]"), cidr, detail)),
                None => families.extend(Range::read(cidr).map(|range| range.address.is_ipv4())),
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
