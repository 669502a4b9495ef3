//! PriorityLevelConfigurations (pkg/apis/flowcontrol/validation/validation.go).

use crate::builtins::fields::{at, has, list, number, set, text};
use crate::builtins::rules::{Rules, keep_status_without_metadata};
use crate::field_error::FieldError;
use crate::object;
use crate::system_objects::bootstrap;
use serde_json::Value;
use std::collections::BTreeSet;

const MOST_QUEUES: i64 = 10_000_000;
/// What the hash of a flow has to choose its queues by.
const HASH_BITS: i64 = 60;

pub(super) struct PriorityLevel;

impl Rules for PriorityLevel {
    fn counts_generation(&self) -> bool {
        true
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        keep_status_without_metadata(new, old, subresource);
    }

    fn validate_create(&self, level: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let kind = text(level, "/spec/type");
        if (object::name(level) == "exempt") != (kind == "Exempt") {
            let detail = "must be 'Exempt' if and only if `name` is 'exempt'";
            errors.push(FieldError::invalid("spec.type", kind, detail));
        }
        let spec = at(level, "/spec");
        match kind {
            "Exempt" => {
                if has(spec, "limited") {
                    let detail = "must be nil if the type is not Limited";
                    errors.push(FieldError::forbidden("spec.limited", detail));
                }
                shares(at(spec, "/exempt"), "spec.exempt", &mut errors);
            }
            "Limited" => {
                if has(spec, "exempt") {
                    errors.push(FieldError::forbidden("spec.exempt", "must be nil if the type is Limited"));
                }
                if has(spec, "limited") {
                    limited(at(spec, "/limited"), &mut errors);
                } else {
                    errors
                        .push(FieldError::required("spec.limited", "must not be empty when type is Limited"));
                }
            }
            "" => errors.push(FieldError::required("spec.type", "")),
            _ => errors.push(FieldError::not_supported("spec.type", kind, ["Exempt", "Limited"])),
        }
        // How much goes past all limits may be said.
        let but_exempt = |level: &mut Value| {
            if object::name(level) == "exempt" {
                set(&mut level["spec"], "exempt", None);
            }
        };
        errors.extend(differs_from_fixed(level, but_exempt));
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        match subresource {
            Some(_) => condition_types(new),
            None => self.validate_create(new),
        }
    }
}

/// Says so when an object that every cluster needs has another spec than it must have, but for what `open` takes away.
pub(super) fn differs_from_fixed(object: &Value, open: impl Fn(&mut Value)) -> Option<FieldError> {
    let name = object::name(object);
    if !["exempt", "catch-all"].contains(&name) {
        return None;
    }
    let mut fixed = bootstrap::object(object::kind(object), name)?;
    let mut found = object.clone();
    open(&mut fixed);
    open(&mut found);
    let spec = at(object, "/spec");
    if found["spec"] == fixed["spec"] {
        return None;
    }
    let but = if fixed["spec"]["type"] == "Exempt" { " except the 'spec.exempt' field" } else { "" };
    let detail = format!("spec of '{name}'{but} must equal the fixed value");
    Some(FieldError::invalid("spec", spec.clone(), detail))
}

/// Checks the conditions of a status.
pub(super) fn condition_types(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (position, condition) in list(object, "/status/conditions").iter().enumerate() {
        let (kind, field) = (text(condition, "/type"), format!("status.conditions[{position}].type"));
        if !seen.insert(kind) {
            errors.push(FieldError::duplicate(&field, kind));
        }
        if kind.is_empty() {
            errors.push(FieldError::required(field, ""));
        }
    }
    errors
}

fn shares(level: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(shares) = number(level, "/nominalConcurrencyShares").filter(|shares| *shares < 0) {
        let field = format!("{path}.nominalConcurrencyShares");
        errors.push(FieldError::invalid(field, shares, "must be a non-negative integer"));
    }
    if let Some(percent) = number(level, "/lendablePercent").filter(|percent| !(0..=100).contains(percent)) {
        let field = format!("{path}.lendablePercent");
        errors.push(FieldError::invalid(field, percent, "must be between 0 and 100, inclusive"));
    }
}

fn limited(level: &Value, errors: &mut Vec<FieldError>) {
    const RESPONSE: &str = "spec.limited.limitResponse";
    shares(level, "spec.limited", errors);
    let response = at(level, "/limitResponse");
    match (text(response, "/type"), has(response, "queuing")) {
        ("Reject", true) => {
            let detail = "must be nil if limited.limitResponse.type is not Limited";
            errors.push(FieldError::forbidden(format!("{RESPONSE}.queuing"), detail));
        }
        ("Queue", false) => {
            let detail = "must not be empty if limited.limitResponse.type is Limited";
            errors.push(FieldError::required(format!("{RESPONSE}.queuing"), detail));
        }
        ("Queue", true) => queuing(at(response, "/queuing"), &format!("{RESPONSE}.queuing"), errors),
        ("Reject", false) => {}
        ("", _) => errors.push(FieldError::required(format!("{RESPONSE}.type"), "")),
        (kind, _) => {
            errors.push(FieldError::not_supported(format!("{RESPONSE}.type"), kind, ["Queue", "Reject"]));
        }
    }
    if let Some(percent) = number(level, "/borrowingLimitPercent").filter(|percent| *percent < 0) {
        let detail = "if specified, must be a non-negative integer";
        errors.push(FieldError::invalid("spec.limited.borrowingLimitPercent", percent, detail));
    }
}

fn queuing(queuing: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut refuse = |key: &str, value: i64, detail: &str| {
        errors.push(FieldError::invalid(format!("{path}.{key}"), value, detail))
    };
    let [length, queues, hand] =
        ["/queueLengthLimit", "/queues", "/handSize"].map(|key| number(queuing, key).unwrap_or_default());
    if length <= 0 {
        refuse("queueLengthLimit", length, "must be positive");
    }
    if queues <= 0 {
        refuse("queues", queues, "must be positive");
    } else if queues > MOST_QUEUES {
        refuse("queues", queues, &format!("must not be greater than {MOST_QUEUES}"));
    }
    if hand <= 0 {
        refuse("handSize", hand, "must be positive");
    } else if hand > queues {
        refuse("handSize", hand, &format!("should not be greater than queues ({queues})"));
    } else if !fits_hash(queues, hand) {
        let detail = format!(
            "required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {HASH_BITS}"
        );
        refuse("handSize", hand, &detail);
    }
}

/// Whether there are no more than 2^60 ways to choose so many queues, one after another.
fn fits_hash(queues: i64, hand: i64) -> bool {
    let ways = i128::from(queues).checked_pow(u32::try_from(hand).unwrap_or(u32::MAX));
    queues == 1 || ways.is_some_and(|ways| ways <= 1 << HASH_BITS)
}
