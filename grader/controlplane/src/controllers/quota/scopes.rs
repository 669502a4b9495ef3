//! Which objects a quota is about.
//!
//! Pods have most scopes, and claims that of their volume attributes classes.

use super::usage;
use crate::controllers::fields;
use crate::controllers::known::{PERSISTENT_VOLUME_CLAIMS, PODS};
use crate::store::ResourceId;
use serde_json::Value;

/// Whether an object is in all scopes of a quota.
pub(super) fn include(quota: &Value, resource: &ResourceId, object: &Value) -> bool {
    let scopes = fields::items(quota, "/spec/scopes").iter().filter_map(Value::as_str);
    let mut scopes = scopes.map(|scope| (scope, "Exists", &[][..]));
    let mut selected =
        fields::items(quota, "/spec/scopeSelector/matchExpressions").iter().map(|expression| {
            let values = fields::items(expression, "/values");
            (fields::text(expression, "/scopeName"), fields::text(expression, "/operator"), values)
        });
    let is_in = |(scope, operator, values): (&str, &str, &[Value])| {
        if *resource == PERSISTENT_VOLUME_CLAIMS {
            scope == "VolumeAttributesClass" && any_named(&attributes_classes(object), operator, values)
        } else {
            *resource == PODS && has_scope(object, scope, operator, values)
        }
    };
    scopes.all(is_in) && selected.all(is_in)
}

fn has_scope(pod: &Value, scope: &str, operator: &str, values: &[Value]) -> bool {
    let terminating = fields::int(pod, "/spec/activeDeadlineSeconds").is_some();
    match scope {
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "BestEffort" => is_best_effort(pod),
        "NotBestEffort" => !is_best_effort(pod),
        "PriorityClass" => {
            let class = Some(fields::text(pod, "/spec/priorityClassName")).filter(|class| !class.is_empty());
            any_named(class.as_slice(), operator, values)
        }
        "CrossNamespacePodAffinity" => crosses_namespaces(pod),
        _ => false,
    }
}

/// Whether any of the classes that an object names, or that it names none, is selected.
fn any_named(classes: &[&str], operator: &str, values: &[Value]) -> bool {
    let listed = |class: &&str| values.iter().any(|value| value == *class);
    match operator {
        "Exists" => !classes.is_empty(),
        "DoesNotExist" => classes.is_empty(),
        "In" => classes.iter().any(listed),
        "NotIn" => classes.is_empty() || !classes.iter().all(listed),
        _ => false,
    }
}

/// The classes that a claim or volume has, wants, or is on its way to.
pub(in crate::controllers) fn attributes_classes(claim: &Value) -> Vec<&str> {
    let places = [
        "/spec/volumeAttributesClassName",
        "/status/currentVolumeAttributesClassName",
        "/status/modifyVolumeStatus/targetVolumeAttributesClassName",
    ];
    places.iter().map(|place| fields::text(claim, place)).filter(|class| !class.is_empty()).collect()
}

fn is_best_effort(pod: &Value) -> bool {
    let lists = ["/spec/containers", "/spec/initContainers"];
    let mut containers = lists.into_iter().flat_map(|list| fields::items(pod, list));
    containers.all(|container| usage::of_container(container).is_empty())
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
