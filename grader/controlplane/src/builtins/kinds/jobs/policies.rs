//! When a Job fails or succeeds before its pods are done: `podFailurePolicy` and `successPolicy`.

use super::index_list;
use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::kinds::pod_spec::not_negative;
use crate::builtins::names;
use crate::field_error::{FieldError, FieldErrorKind};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const MOST_RULES: usize = 20;
const MOST_PATTERNS: usize = 20;
const MOST_EXIT_CODES: usize = 255;
const LONGEST_INDEX_LIST: usize = 64 * 1024;
const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS: [&str; 2] = ["In", "NotIn"];
const STATUSES: [&str; 3] = ["False", "True", "Unknown"];

/// Checks `podFailurePolicy` of a Job's spec.
pub(super) fn on_failure(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let rules = list(spec, "/podFailurePolicy/rules");
    let path = format!("{path}.podFailurePolicy.rules");
    if rules.len() > MOST_RULES {
        errors.push(FieldError::too_many(&path, rules.len(), MOST_RULES));
    }
    let lists = ["/template/spec/containers", "/template/spec/initContainers"];
    let containers: BTreeSet<&str> = lists
        .into_iter()
        .flat_map(|containers| list(spec, containers))
        .map(|container| text(container, "/name"))
        .collect();
    let limits_by_index = has(spec, "backoffLimitPerIndex");
    for (number, rule) in rules.iter().enumerate() {
        failure_rule(rule, limits_by_index, &containers, &format!("{path}[{number}]"), errors);
    }
}

fn failure_rule(
    rule: &Value,
    limits_by_index: bool,
    containers: &BTreeSet<&str>,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    let action = text(rule, "/action");
    if action == "FailIndex" && !limits_by_index {
        let detail = "requires the backoffLimitPerIndex to be set";
        errors.push(FieldError::invalid(format!("{path}.action"), action, detail));
    } else {
        required_one_of(rule, path, "action", &ACTIONS, errors);
    }
    let (by_code, conditions) = (has(rule, "onExitCodes"), list(rule, "/onPodConditions"));
    if by_code {
        exit_codes(at(rule, "/onExitCodes"), containers, &format!("{path}.onExitCodes"), errors);
    }
    let patterns = format!("{path}.onPodConditions");
    if conditions.len() > MOST_PATTERNS {
        errors.push(FieldError::too_many(&patterns, conditions.len(), MOST_PATTERNS));
    }
    for (number, pattern) in conditions.iter().enumerate() {
        let path = format!("{patterns}[{number}]");
        let kind = text(pattern, "/type");
        let wrong = names::qualified_name(kind).into_iter();
        errors.extend(wrong.map(|detail| FieldError::invalid(format!("{path}.type"), kind, detail)));
        required_one_of(pattern, &path, "status", &STATUSES, errors);
    }
    let detail = match (by_code, conditions.is_empty()) {
        (true, false) => "specifying both OnExitCodes and OnPodConditions is not supported",
        (false, true) => "specifying one of OnExitCodes and OnPodConditions is required",
        _ => return,
    };
    errors.push(FieldError::new(FieldErrorKind::Invalid, path, None, detail));
}

fn required_one_of(object: &Value, path: &str, key: &str, known: &[&str], errors: &mut Vec<FieldError>) {
    let field = format!("{path}.{key}");
    match text(object, &format!("/{key}")) {
        "" => {
            let quoted: Vec<String> = known.iter().map(|value| format!("\"{value}\"")).collect();
            errors.push(FieldError::required(field, format!("valid values: [{}]", quoted.join(" "))));
        }
        value if !known.contains(&value) => errors.push(FieldError::not_supported(field, value, known)),
        _ => {}
    }
}

fn exit_codes(requirement: &Value, containers: &BTreeSet<&str>, path: &str, errors: &mut Vec<FieldError>) {
    required_one_of(requirement, path, "operator", &OPERATORS, errors);
    if let Some(container) =
        at(requirement, "/containerName").as_str().filter(|name| !containers.contains(name))
    {
        let detail = "must be one of the container or initContainer names in the pod template";
        errors.push(FieldError::invalid(format!("{path}.containerName"), container, detail));
    }
    let values_path = format!("{path}.values");
    let shown = at(requirement, "/values").clone();
    let values: Vec<i64> = list(requirement, "/values").iter().filter_map(Value::as_i64).collect();
    if values.is_empty() {
        errors.push(FieldError::invalid(&values_path, shown, "at least one value is required"));
        return;
    }
    if values.len() > MOST_EXIT_CODES {
        errors.push(FieldError::too_many(&values_path, values.len(), MOST_EXIT_CODES));
    }
    let mut seen = BTreeSet::new();
    for (number, value) in values.iter().enumerate() {
        let path = format!("{values_path}[{number}]");
        if *value == 0 && text(requirement, "/operator") == "In" {
            errors.push(FieldError::invalid(&path, 0, "must not be 0 for the In operator"));
        }
        if !seen.insert(value) {
            errors.push(FieldError::duplicate(path, *value));
        }
    }
    if !values.is_sorted() {
        errors.push(FieldError::invalid(values_path, shown, "must be ordered"));
    }
}

/// Checks `successPolicy` of the spec of an Indexed Job.
pub(super) fn on_success(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let rules = list(spec, "/successPolicy/rules");
    let path = format!("{path}.successPolicy.rules");
    if rules.is_empty() {
        let detail = "at least one rules must be specified when the successPolicy is specified";
        errors.push(FieldError::required(&path, detail));
    }
    if rules.len() > MOST_RULES {
        errors.push(FieldError::too_many(&path, rules.len(), MOST_RULES));
    }
    let completions = number(spec, "/completions").unwrap_or_default();
    for (number, rule) in rules.iter().enumerate() {
        success_rule(rule, completions, &format!("{path}[{number}]"), errors);
    }
}

/// A policy as messages show it: with the names that Go has for its members.
pub(super) fn shown(policy: &Value) -> Value {
    let shown = list(policy, "/rules").iter().map(|rule| {
        json!({
            "SucceededIndexes": at(rule, "/succeededIndexes"),
            "SucceededCount": at(rule, "/succeededCount"),
        })
    });
    json!({"Rules": shown.collect::<Vec<_>>()})
}

fn success_rule(rule: &Value, completions: i64, path: &str, errors: &mut Vec<FieldError>) {
    let (count, indexes) = (number(rule, "/succeededCount"), at(rule, "/succeededIndexes").as_str());
    if count.is_none() && indexes.is_none() {
        let detail = "at least one of succeededCount or succeededIndexes must be specified";
        errors.push(FieldError::required(path, detail));
    }
    let mut chosen = 0;
    if let Some(indexes) = indexes {
        let field = format!("{path}.succeededIndexes");
        if indexes.len() > LONGEST_INDEX_LIST {
            errors.push(FieldError::too_long(&field, LONGEST_INDEX_LIST));
        }
        match index_list::count(indexes, completions) {
            Ok(total) => chosen = total,
            Err(error) => {
                let detail = format!("error parsing succeededIndexes: {error}");
                errors.push(FieldError::invalid(field, indexes, detail));
            }
        }
    }
    let Some(count) = count else { return };
    not_negative(errors, rule, path, "succeededCount");
    let field = format!("{path}.succeededCount");
    let mut limit = |most: i64, what: &str| {
        if count > most {
            let detail = format!("must be less than or equal to {most} ({what})");
            errors.push(FieldError::invalid(&field, count, detail));
        }
    };
    limit(completions, "the number of specified completions");
    if indexes.is_some() {
        limit(chosen, "the number of indexes in the specified succeededIndexes field");
    }
}
