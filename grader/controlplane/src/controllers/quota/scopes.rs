//! Which objects a quota is about.

use super::usage;
use crate::controllers::fields;
use crate::controllers::known::PODS;
use crate::store::ResourceId;
use serde_json::Value;

/// Whether an object is in all scopes of a quota; only pods can be in any.
pub(super) fn include(quota: &Value, resource: &ResourceId, object: &Value) -> bool {
    let scopes = fields::items(quota, "/spec/scopes").iter().filter_map(Value::as_str);
    let mut scopes = scopes.map(|scope| (scope, "Exists", &[][..]));
    let selected = fields::items(quota, "/spec/scopeSelector/matchExpressions").iter().map(|expression| {
        let values = fields::items(expression, "/values");
        (fields::text(expression, "/scopeName"), fields::text(expression, "/operator"), values)
    });
    let is_in = |(scope, operator, values): (&str, &str, &[Value])| {
        *resource == PODS && has_scope(object, scope, operator, values)
    };
    scopes.all(is_in) && { selected }.all(is_in)
}

fn has_scope(pod: &Value, scope: &str, operator: &str, values: &[Value]) -> bool {
    let terminating = fields::int(pod, "/spec/activeDeadlineSeconds").is_some();
    match scope {
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "BestEffort" => is_best_effort(pod),
        "NotBestEffort" => !is_best_effort(pod),
        "PriorityClass" => {
            let class = fields::text(pod, "/spec/priorityClassName");
            let listed = values.iter().any(|value| value == class);
            match operator {
                "Exists" => !class.is_empty(),
                "DoesNotExist" => class.is_empty(),
                "In" => !class.is_empty() && listed,
                "NotIn" => class.is_empty() || !listed,
                _ => false,
            }
        }
        "CrossNamespacePodAffinity" => crosses_namespaces(pod),
        _ => false,
    }
}

fn is_best_effort(pod: &Value) -> bool {
    let containers = fields::items(pod, "/spec/containers").iter();
    let containers = containers.chain(fields::items(pod, "/spec/initContainers"));
    { containers }.all(|container| usage::of_container(container).is_empty())
}

fn crosses_namespaces(pod: &Value) -> bool {
    let affinity = &pod["spec"]["affinity"];
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    ["podAffinity", "podAntiAffinity"].iter().any(|kind| {
        let terms = affinity[kind][required].as_array().into_iter().flatten();
        let weighted = affinity[kind][preferred].as_array().into_iter().flatten();
        let weighted = weighted.map(|term| &term["podAffinityTerm"]);
        terms.chain(weighted).any(|term| {
            !term["namespaceSelector"].is_null() || !fields::items(term, "/namespaces").is_empty()
        })
    })
}
