//! What limits others: disruption budgets and quotas.

use super::printed::{Printed, quantity};
use crate::builtins::fields::members;
use serde_json::{Value, json};

pub(super) fn pod_disruption_budget(budget: &Printed<'_>) -> Value {
    let amount = |pointer| match budget.at(pointer) {
        Value::Null => "N/A".to_owned(),
        Value::String(text) => text.clone(),
        number => number.to_string(),
    };
    json!([
        budget.name(),
        amount("/spec/minAvailable"),
        amount("/spec/maxUnavailable"),
        budget.number("/status/disruptionsAllowed"),
        budget.age(),
    ])
}

pub(super) fn resource_quota(quota: &Printed<'_>) -> Value {
    let used = quota.at("/status/used");
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in members(quota.object, "/status/hard").into_iter().flatten() {
        let column = if resource.starts_with("limits.") { &mut limits } else { &mut requests };
        column.push(format!("{resource}: {}/{}", quantity(&used[resource.as_str()]), quantity(hard)));
    }
    json!([quota.name(), requests.join(", "), limits.join(", "), quota.age()])
}
