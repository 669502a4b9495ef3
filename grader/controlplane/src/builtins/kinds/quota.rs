//! ResourceQuotas (ValidateResourceQuota in pkg/apis/core/validation/validation.go).

use super::resources;
use crate::builtins::fields::{at, list, members, text};
use crate::builtins::rules::Rules;
use crate::field_error::{FieldError, FieldErrorKind};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
];
/// Scopes that pods are in or not; these have no values.
const PLAIN_SCOPES: [&str; 5] =
    ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];
const OPPOSITES: [[&str; 2]; 2] = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];
/// What pods are counted by.
const OF_PODS: [&str; 7] =
    ["pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];

/// So many errors of a sort are told that show all scopes.
const MOST_TOLD: usize = 100;

pub(super) struct ResourceQuota;

impl Rules for ResourceQuota {
    fn validate_create(&self, quota: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        amounts(quota, "spec.hard", &mut errors);
        scopes(at(quota, "/spec"), &mut errors);
        selector(at(quota, "/spec"), &mut errors);
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() {
            let mut errors = Vec::new();
            for path in ["status.hard", "status.used"] {
                amounts(new, path, &mut errors);
            }
            return errors;
        }
        let mut errors = self.validate_create(new);
        let scopes = |quota: &Value| -> BTreeSet<String> {
            list(quota, "/spec/scopes").iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        if scopes(new) != scopes(old) {
            let shown = at(new, "/spec/scopes").clone();
            errors.push(FieldError::invalid("spec.scopes", shown, "field is immutable"));
        }
        errors
    }
}

fn amounts(quota: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let pointer = format!("/{}", path.replace('.', "/"));
    for (name, amount) in members(quota, &pointer).into_iter().flatten() {
        let path = format!("{path}[{name}]");
        resources::quota_name(name, &path, errors);
        resources::amount(name, amount, &path, errors);
    }
}

/// Whether what is limited can be counted in a scope; what only the object counts know, can.
fn applies(scope: &str, name: &str) -> bool {
    if !resources::is_of_quotas(name) {
        return true;
    }
    match scope {
        "Terminating"
        | "NotTerminating"
        | "NotBestEffort"
        | "PriorityClass"
        | "CrossNamespacePodAffinity" => OF_PODS.contains(&name),
        "BestEffort" => name == "pods",
        "VolumeAttributesClass" => ["persistentvolumeclaims", "requests.storage"].contains(&name),
        _ => true,
    }
}

/// Of how much that is limited a scope says nothing, for each scope that there is.
struct Misapplied([(&'static str, usize); SCOPES.len()]);

impl Misapplied {
    fn of(spec: &Value) -> Self {
        let names = || members(spec, "/hard").into_iter().flatten().map(|(name, _)| name);
        Self(SCOPES.map(|scope| (scope, names().filter(|name| !applies(scope, name)).count())))
    }

    /// How many errors a scope is, of those that show everything and of which there is still room for some.
    fn take(&self, scope: &str, room: &mut usize) -> usize {
        let count = self.0.iter().find(|(known, _)| *known == scope).map_or(0, |(_, count)| *count);
        let told = count.min(*room);
        *room -= told;
        told
    }
}

fn scopes(spec: &Value, errors: &mut Vec<FieldError>) {
    let shown = at(spec, "/scopes");
    let scopes: Vec<&str> = list(spec, "/scopes").iter().filter_map(Value::as_str).collect();
    let mut refuse = |detail: &str| errors.push(FieldError::invalid("spec.scopes", shown.clone(), detail));
    let (misapplied, mut room) = (Misapplied::of(spec), MOST_TOLD);
    for scope in &scopes {
        if SCOPES.contains(scope) {
            let wrong = misapplied.take(scope, &mut room);
            (0..wrong).for_each(|_| refuse("unsupported scope applied to resource"));
        } else if room > 0 {
            room -= 1;
            refuse("unsupported scope");
        }
    }
    for _ in OPPOSITES.iter().filter(|pair| pair.iter().all(|scope| scopes.contains(scope))) {
        refuse("conflicting scopes");
    }
}

fn selector(spec: &Value, errors: &mut Vec<FieldError>) {
    const PATH: &str = "spec.scopeSelector.matchExpressions";
    let requirements = list(spec, "/scopeSelector/matchExpressions");
    let (misapplied, mut room) = (Misapplied::of(spec), MOST_TOLD);
    for requirement in requirements {
        let (scope, operator) = (text(requirement, "/scopeName"), text(requirement, "/operator"));
        let values = list(requirement, "/values");
        if !SCOPES.contains(&scope) {
            errors.push(FieldError::invalid(format!("{PATH}.scopeName"), scope, "unsupported scope"));
        }
        for _ in 0..misapplied.take(scope, &mut room) {
            let detail = "unsupported scope applied to resource";
            errors.push(FieldError::invalid(PATH, shown(requirements), detail));
        }
        if PLAIN_SCOPES.contains(&scope) && operator != "Exists" {
            let detail = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
                          ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, \
                          ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            errors.push(FieldError::invalid(format!("{PATH}.operator"), operator, detail));
        }
        match operator {
            "In" | "NotIn" if values.is_empty() => {
                let detail =
                    "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                errors.push(FieldError::required(format!("{PATH}.values"), detail));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let detail =
                    "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                errors.push(FieldError::invalid(format!("{PATH}.values"), values.to_vec(), detail));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => {
                let detail = "not a valid selector operator";
                errors.push(FieldError::invalid(format!("{PATH}.operator"), operator, detail));
            }
        }
    }
    let is_there = |scope: &&str| requirements.iter().any(|requirement| requirement["scopeName"] == **scope);
    for _ in OPPOSITES.iter().filter(|pair| pair.iter().all(&is_there)) {
        let scopes = at(spec, "/scopes").clone();
        errors.push(FieldError::new(FieldErrorKind::Invalid, PATH, Some(scopes), "conflicting scopes"));
    }
}

/// A selector as messages show it: with the names that Go has for its members.
fn shown(requirements: &[Value]) -> Value {
    let shown = requirements.iter().map(|requirement| {
        json!({
            "ScopeName": at(requirement, "/scopeName"), "Operator": at(requirement, "/operator"),
            "Values": at(requirement, "/values"),
        })
    });
    json!({"MatchExpressions": shown.collect::<Vec<_>>()})
}
