//! `admissionregistration.k8s.io`.

use super::printed::Printed;
use crate::builtins::fields::{list, members, text};
use serde_json::{Value, json};

pub(super) fn webhooks(configuration: &Printed<'_>) -> Value {
    json!([configuration.name(), configuration.list("/webhooks").len(), configuration.age()])
}

pub(super) fn validating_policy(policy: &Printed<'_>) -> Value {
    policy_with(policy, "/spec/validations")
}

pub(super) fn mutating_policy(policy: &Printed<'_>) -> Value {
    policy_with(policy, "/spec/mutations")
}

fn policy_with(policy: &Printed<'_>, rules: &str) -> Value {
    let kind = policy.at("/spec/paramKind");
    let kind = match kind.is_null() {
        true => "<unset>".to_owned(),
        false => format!("{}/{}", text(kind, "/apiVersion"), text(kind, "/kind")),
    };
    json!([policy.name(), policy.list(rules).len(), kind, policy.age()])
}

pub(super) fn policy_binding(binding: &Printed<'_>) -> Value {
    let reference = binding.at("/spec/paramRef");
    let parameters =
        match (text(reference, "/namespace"), text(reference, "/name"), reference.get("selector")) {
            ("", "", Some(selector)) if !selector.is_null() => go_selector(selector),
            (_, "", _) => "<unset>".to_owned(),
            ("", name, _) => format!("*/{name}"),
            (namespace, name, _) => format!("{namespace}/{name}"),
        };
    json!([binding.name(), binding.text("/spec/policyName"), parameters, binding.age()])
}

/// A label selector as Go prints the struct.
fn go_selector(selector: &Value) -> String {
    let labels: String = members(selector, "/matchLabels")
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}: {},", value.as_str().unwrap_or_default()))
        .collect();
    let expression = |expression: &Value| {
        let values: Vec<&str> = list(expression, "/values").iter().filter_map(Value::as_str).collect();
        format!(
            "LabelSelectorRequirement{{Key:{},Operator:{},Values:[{}],}},",
            text(expression, "/key"),
            text(expression, "/operator"),
            values.join(" ")
        )
    };
    let expressions: String = list(selector, "/matchExpressions").iter().map(expression).collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}
