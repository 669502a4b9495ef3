//! Where pods may go: affinity, spread over topologies, scheduling gates
//! (validateAffinity and validateTopologySpreadConstraints in pkg/apis/core/validation/validation.go).

use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::names;
use crate::field_error::FieldError;
use crate::selector::label;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
pub(super) const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
/// So many pairs of constraints for the same are told: there can be far more of them than of constraints.
const MOST_DUPLICATES: usize = 1_000;

/// Checks what a PodSpec says about its place.
pub(super) fn validate(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    node_affinity(at(spec, "/affinity/nodeAffinity"), &format!("{path}.affinity.nodeAffinity"), errors);
    for kind in ["podAffinity", "podAntiAffinity"] {
        let affinity = at(spec, &format!("/affinity/{kind}"));
        pod_affinity(affinity, &format!("{path}.affinity.{kind}"), errors);
    }
    spreads(list(spec, "/topologySpreadConstraints"), &format!("{path}.topologySpreadConstraints"), errors);
    let mut seen = BTreeSet::new();
    for (i, gate) in list(spec, "/schedulingGates").iter().enumerate() {
        let (path, name) = (format!("{path}.schedulingGates[{i}]"), text(gate, "/name"));
        qualified(name, &path, errors);
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(path, name));
        }
    }
}

/// Checks how pods are spread; each later constraint for the same is told of each.
fn spreads(constraints: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    let pair = |constraint: &'_ Value| {
        format!("{{{}, {}}}", text(constraint, "/topologyKey"), text(constraint, "/whenUnsatisfiable"))
    };
    let mut later: BTreeMap<String, usize> = BTreeMap::new();
    for constraint in constraints {
        *later.entry(pair(constraint)).or_default() += 1;
    }
    let mut room = MOST_DUPLICATES;
    for (i, constraint) in constraints.iter().enumerate() {
        let path = format!("{path}[{i}]");
        spread(constraint, &path, errors);
        let pair = pair(constraint);
        let Some(later) = later.get_mut(&pair) else { continue };
        *later -= 1;
        let told = room.min(*later);
        room -= told;
        let field = format!("{path}.{{topologyKey, whenUnsatisfiable}}");
        errors.extend((0..told).map(|_| FieldError::duplicate(field.as_str(), pair.as_str())));
    }
}

/// Checks a node selector: it has terms, and each can select something.
pub(super) fn node_selector(selector: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let terms = list(selector, "/nodeSelectorTerms");
    let path = format!("{path}.nodeSelectorTerms");
    if terms.is_empty() {
        let detail = "must have at least one node selector term";
        errors.push(FieldError::required(path.as_str(), detail));
    }
    for (i, term) in terms.iter().enumerate() {
        node_term(term, &format!("{path}[{i}]"), errors);
    }
}

fn node_affinity(affinity: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if has(affinity, REQUIRED) {
        node_selector(at(affinity, &format!("/{REQUIRED}")), &format!("{path}.{REQUIRED}"), errors);
    }
    for (i, preferred) in list(affinity, &format!("/{PREFERRED}")).iter().enumerate() {
        let path = format!("{path}.{PREFERRED}[{i}]");
        weight(preferred, &path, errors);
        node_term(at(preferred, "/preference"), &format!("{path}.preference"), errors);
    }
}

fn weight(preferred: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let weight = number(preferred, "/weight").unwrap_or_default();
    if !(1..=100).contains(&weight) {
        errors.push(FieldError::invalid(format!("{path}.weight"), weight, "must be in the range 1-100"));
    }
}

fn node_term(term: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (i, expression) in list(term, "/matchExpressions").iter().enumerate() {
        let path = format!("{path}.matchExpressions[{i}]");
        let values = list(expression, "/values");
        match text(expression, "/operator") {
            "Gt" | "Lt" if values.len() == 1 => {}
            "Gt" | "Lt" => {
                let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                errors.push(FieldError::required(format!("{path}.values"), detail));
            }
            operator => label::check_operator(operator, values, &path, errors),
        }
        qualified(text(expression, "/key"), &format!("{path}.key"), errors);
        for (j, value) in values.iter().filter_map(Value::as_str).enumerate() {
            let bad = names::label_value(value).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.values[{j}]"), value, e)));
        }
    }
    for (i, requirement) in list(term, "/matchFields").iter().enumerate() {
        let path = format!("{path}.matchFields[{i}]");
        let values = list(requirement, "/values");
        match text(requirement, "/operator") {
            "In" | "NotIn" if values.len() != 1 => {
                let detail =
                    "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                errors.push(FieldError::required(format!("{path}.values"), detail));
            }
            "In" | "NotIn" => {}
            operator => errors.push(label::unknown_operator(operator, &path)),
        }
        match text(requirement, "/key") {
            "metadata.name" => {
                for (j, value) in values.iter().filter_map(Value::as_str).enumerate() {
                    let bad = names::dns_subdomain(value).into_iter();
                    errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.values[{j}]"), value, e)));
                }
            }
            key => {
                errors.push(FieldError::invalid(
                    format!("{path}.key"),
                    key,
                    "not a valid field selector key",
                ));
            }
        }
    }
}

fn pod_affinity(affinity: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (i, term) in list(affinity, &format!("/{REQUIRED}")).iter().enumerate() {
        pod_term(term, &format!("{path}.{REQUIRED}[{i}]"), errors);
    }
    for (i, preferred) in list(affinity, &format!("/{PREFERRED}")).iter().enumerate() {
        let path = format!("{path}.{PREFERRED}[{i}]");
        weight(preferred, &path, errors);
        pod_term(at(preferred, "/podAffinityTerm"), &format!("{path}.podAffinityTerm"), errors);
    }
}

fn pod_term(term: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for key in ["labelSelector", "namespaceSelector"] {
        if has(term, key) {
            errors.extend(label::validate(at(term, &format!("/{key}")), &format!("{path}.{key}")));
        }
    }
    for namespace in list(term, "/namespaces").iter().filter_map(Value::as_str) {
        let bad = names::dns_label(namespace).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.namespace"), namespace, e)));
    }
    label_keys(term, "matchLabelKeys", path, errors);
    let others: BTreeSet<&str> = list(term, "/mismatchLabelKeys").iter().filter_map(Value::as_str).collect();
    for (i, label) in list(term, "/matchLabelKeys").iter().filter_map(Value::as_str).enumerate() {
        if others.contains(label) {
            let detail = "exists in both matchLabelKeys and mismatchLabelKeys";
            errors.push(FieldError::invalid(format!("{path}.matchLabelKeys[{i}]"), label, detail));
        }
    }
    label_keys(term, "mismatchLabelKeys", path, errors);
    let (key, path) = (text(term, "/topologyKey"), format!("{path}.topologyKey"));
    qualified(key, &path, errors);
    if key.is_empty() {
        errors.push(FieldError::required(path, "can not be empty"));
    }
}

fn label_keys(term: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    let keys = list(term, &format!("/{key}"));
    if !keys.is_empty() && !has(term, "labelSelector") {
        let detail = "must not be specified when labelSelector is not set";
        errors.push(FieldError::forbidden(format!("{path}.{key}"), detail));
    }
    for (i, label) in keys.iter().filter_map(Value::as_str).enumerate() {
        qualified(label, &format!("{path}.{key}[{i}]"), errors);
    }
}

fn spread(constraint: &Value, path: &str, errors: &mut Vec<FieldError>) {
    const UNSATISFIABLE: [&str; 2] = ["DoNotSchedule", "ScheduleAnyway"];
    let positive = "must be greater than zero";
    let skew = number(constraint, "/maxSkew").unwrap_or_default();
    if skew <= 0 {
        errors.push(FieldError::invalid(format!("{path}.maxSkew"), skew, positive));
    }
    if text(constraint, "/topologyKey").is_empty() {
        errors.push(FieldError::required(format!("{path}.topologyKey"), "can not be empty"));
    }
    let unsatisfiable = text(constraint, "/whenUnsatisfiable");
    if !UNSATISFIABLE.contains(&unsatisfiable) {
        let path = format!("{path}.whenUnsatisfiable");
        errors.push(FieldError::not_supported(path, unsatisfiable, UNSATISFIABLE));
    }
    if let Some(domains) = number(constraint, "/minDomains") {
        let path = format!("{path}.minDomains");
        if domains <= 0 {
            errors.push(FieldError::invalid(path.as_str(), domains, positive));
        }
        if unsatisfiable != "DoNotSchedule" {
            let detail =
                format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {unsatisfiable}");
            errors.push(FieldError::invalid(path, domains, detail));
        }
    }
    for key in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
        let policy = text(constraint, &format!("/{key}"));
        if !matches!(policy, "" | "Honor" | "Ignore") {
            errors.push(FieldError::not_supported(format!("{path}.{key}"), policy, ["Honor", "Ignore"]));
        }
    }
    if has(constraint, "labelSelector") {
        errors.extend(label::validate(at(constraint, "/labelSelector"), &format!("{path}.labelSelector")));
    }
    label_keys(constraint, "matchLabelKeys", path, errors);
}

fn qualified(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    errors.extend(FieldError::invalid_for_each(path, name, names::qualified_name(name)));
}
