//! Devices that ResourceClaims may be given, by class (pkg/quota/v1/evaluator/core/resource_claims.go).

use super::usage::Amounts;
use crate::builtins::quantity::Quantity;
use crate::controllers::fields::{items, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// What follows the name of a device class in that of an amount.
pub(super) const BY_CLASS: &str = ".deviceclass.resource.k8s.io/devices";
/// As many devices as one claim can be given: what a request for all of them may come to.
const MOST_DEVICES: u64 = 32;

/// The most that the requests of a claim may come to.
pub(super) fn of(claim: &Value) -> Amounts {
    let mut devices = BTreeMap::<&str, u64>::new();
    for request in items(claim, "/spec/devices/requests") {
        let mut most = BTreeMap::<&str, u64>::new();
        let wanted = request.get("exactly").into_iter().chain(items(request, "/firstAvailable"));
        for wanted in wanted {
            let class = most.entry(text(wanted, "/deviceClassName")).or_default();
            *class = (*class).max(count(wanted));
        }
        for (class, count) in most {
            let class = devices.entry(class).or_default();
            *class = class.saturating_add(count);
        }
    }
    let amount = |(class, count): (&str, u64)| {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        (format!("{class}{BY_CLASS}"), Quantity::count(count))
    };
    devices.into_iter().map(amount).collect()
}

fn count(wanted: &Value) -> u64 {
    match text(wanted, "/allocationMode") {
        "ExactCount" => wanted["count"].as_u64().unwrap_or_default(),
        "All" => MOST_DEVICES,
        _ => 0,
    }
}
