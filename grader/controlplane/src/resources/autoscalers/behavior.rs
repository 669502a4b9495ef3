//! How fast an autoscaler may scale, as an annotation of `v1` has it.

use super::members::{compact, ordered};
use crate::go_text;
use serde_json::{Map, Value};

/// The members of scaling rules, in `v2` and in the annotation: Kubernetes writes its internal type there, which has
/// Go's names and leaves nothing out.
const RULES: [(&str, &str); 4] = [
    ("stabilizationWindowSeconds", "StabilizationWindowSeconds"),
    ("selectPolicy", "SelectPolicy"),
    ("policies", "Policies"),
    ("tolerance", "Tolerance"),
];
const POLICY: [(&str, &str); 3] = [("type", "Type"), ("value", "Value"), ("periodSeconds", "PeriodSeconds")];
const DIRECTIONS: [(&str, &str); 2] = [("scaleUp", "ScaleUp"), ("scaleDown", "ScaleDown")];

pub(super) fn behavior_text(behavior: &Value) -> String {
    let policy =
        |policy: &Value| ordered(&POLICY.map(|(key, name)| (name, Some(go_text::json(&policy[key])))));
    let rules = |rules: &Value| {
        if rules.is_null() {
            return "null".to_owned();
        }
        ordered(&RULES.map(|(key, name)| {
            let text = match rules[key].as_array() {
                Some(policies) => format!("[{}]", policies.iter().map(policy).collect::<Vec<_>>().join(",")),
                None => go_text::json(&rules[key]),
            };
            (name, Some(text))
        }))
    };
    ordered(&DIRECTIONS.map(|(key, name)| (name, Some(rules(&behavior[key])))))
}

pub(super) fn behavior_to_v2(behavior: &Value) -> Option<Value> {
    let renamed = |value: &Value, names: &[(&str, &str)]| -> Value {
        let found =
            names.iter().filter_map(|(key, name)| Some(((*key).to_owned(), value.get(*name)?.clone())));
        found.collect::<Map<String, Value>>().into()
    };
    let mut converted = renamed(behavior.as_object().map(|_| behavior)?, &DIRECTIONS);
    for (key, _) in DIRECTIONS {
        let Some(rules) = converted.get(key).filter(|rules| rules.is_object()) else { continue };
        let mut rules = renamed(rules, &RULES);
        if let Some(policies) = rules["policies"].as_array() {
            rules["policies"] = policies.iter().map(|policy| renamed(policy, &POLICY)).collect();
        }
        converted[key] = compact(rules);
    }
    let converted = compact(converted);
    converted.as_object().is_some_and(|members| !members.is_empty()).then_some(converted)
}
