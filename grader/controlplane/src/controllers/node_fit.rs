//! Which nodes suit a pod: selectors, affinity, taints (k8s.io/component-helpers/scheduling/corev1).

use super::fields;
use crate::object;
use crate::store::Change;
use serde_json::Value;

/// Where a PodSpec has the terms of its required node affinity.
pub(super) const REQUIRED_TERMS: &str =
    "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

/// The one node that the affinity of a spec asks for by name, as pods of DaemonSets do.
pub(super) fn only_node(spec: &Value) -> Option<&str> {
    let terms = fields::items(spec, REQUIRED_TERMS).iter();
    let mut names = terms.flat_map(|term| fields::items(term, "/matchFields"));
    let name = names.find(|field| field["key"] == "metadata.name")?;
    name.pointer("/values/0")?.as_str()
}

/// Whether a pod of this spec may be on the node, by `nodeSelector` and required node affinity.
pub(super) fn selects(spec: &Value, node: &Value) -> bool {
    let label =
        |key: &str| fields::map(node, "/metadata/labels").and_then(|labels| labels.get(key)?.as_str());
    let mut selected = fields::map(spec, "/nodeSelector").into_iter().flatten();
    if !selected.all(|(key, value)| label(key) == value.as_str()) {
        return false;
    }
    let Some(terms) = spec.pointer(REQUIRED_TERMS).and_then(Value::as_array) else {
        return true;
    };
    terms.iter().any(|term| {
        let expressions = fields::items(term, "/matchExpressions");
        let names = fields::items(term, "/matchFields");
        // A term that asks for nothing is never met.
        !(expressions.is_empty() && names.is_empty())
            && expressions.iter().all(|wanted| meets(wanted, label(fields::text(wanted, "/key"))))
            && names.iter().all(|wanted| meets(wanted, Some(object::name(node))))
    })
}

/// Whether the node has a taint of one of these effects that nothing tolerates.
pub(super) fn repels(node: &Value, tolerations: &[Value], effects: &[&str]) -> bool {
    let taints = fields::items(node, "/spec/taints").iter();
    let mut taints = taints.filter(|taint| effects.contains(&fields::text(taint, "/effect")));
    taints.any(|taint| !tolerations.iter().any(|toleration| tolerates(toleration, taint)))
}

/// Whether a change of a node may change which pods it suits.
pub(super) fn matters(change: &Change) -> bool {
    let facts = |node: &Value| (node["metadata"]["labels"].clone(), node["spec"].clone());
    change.old.as_deref().map(facts) != change.new.as_deref().map(facts)
}

/// Whether a toleration lets a pod be where this taint is.
pub(super) fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let text = |key: &str| toleration[key].as_str().unwrap_or_default();
    let effect = text("effect");
    if !effect.is_empty() && taint["effect"] != effect {
        return false;
    }
    let key = text("key");
    if !key.is_empty() && taint["key"] != key {
        return false;
    }
    match text("operator") {
        "" | "Equal" => text("value") == taint["value"].as_str().unwrap_or_default(),
        "Exists" => true,
        _ => false,
    }
}

fn meets(requirement: &Value, value: Option<&str>) -> bool {
    let values = fields::items(requirement, "/values");
    let listed = || values.iter().any(|wanted| wanted.as_str() == value);
    let compared = |holds: fn(&i64, &i64) -> bool| {
        let number = value.and_then(|value| value.parse().ok());
        let bound = values.first().and_then(Value::as_str).and_then(|bound| bound.parse().ok());
        matches!((number, bound), (Some(number), Some(bound)) if holds(&number, &bound))
    };
    match fields::text(requirement, "/operator") {
        "In" => value.is_some() && listed(),
        "NotIn" => value.is_none() || !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compared(i64::gt),
        "Lt" => compared(i64::lt),
        _ => false,
    }
}
