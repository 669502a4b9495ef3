//! What webhooks and policies are about: rules, selectors, conditions.

use crate::builtins::fields::{at, has, list, text};
use crate::builtins::names;
use crate::field_error::FieldError;
use crate::schema::cel::{Expression, Scope, Wanted};
use crate::selector::label;
use serde_json::Value;
use std::collections::BTreeSet;

const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const MOST_CONDITIONS: usize = 64;

/// `MatchResources` of a policy or binding.
pub(super) fn match_resources(matching: &Value, path: &str, errors: &mut Vec<FieldError>) {
    one_of(matching, path, "matchPolicy", &["Equivalent", "Exact"], errors);
    for key in ["namespaceSelector", "objectSelector"] {
        let path = format!("{path}.{key}");
        if has(matching, key) {
            errors.extend(label::validate(&matching[key], &path));
        } else {
            errors.push(FieldError::required(path, ""));
        }
    }
    for key in ["resourceRules", "excludeResourceRules"] {
        for (index, rule) in list(matching, &format!("/{key}")).iter().enumerate() {
            named_rule(rule, &format!("{path}.{key}[{index}]"), errors);
        }
    }
}

fn named_rule(rule: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (index, name) in list(rule, "/resourceNames").iter().filter_map(Value::as_str).enumerate() {
        let path = format!("{path}.resourceNames[{index}]");
        let bad = names::path_segment(name).into_iter();
        errors.extend(bad.map(|detail| FieldError::invalid(path.as_str(), name, detail)));
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(path, name));
        }
    }
    rule_with_operations(rule, path, errors);
}

/// `RuleWithOperations`.
pub(super) fn rule_with_operations(rule: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let texts = |key: &str| -> Vec<&str> {
        list(rule, &format!("/{key}")).iter().filter_map(Value::as_str).collect()
    };
    let operations = texts("operations");
    wildcard(&operations, path, "operations", "operations", errors);
    for (index, operation) in operations.iter().enumerate() {
        if !OPERATIONS.contains(operation) {
            let path = format!("{path}.operations[{index}]");
            errors.push(FieldError::not_supported(path, *operation, OPERATIONS));
        }
    }
    wildcard(&texts("apiGroups"), path, "apiGroups", "API groups", errors);
    let versions = texts("apiVersions");
    wildcard(&versions, path, "apiVersions", "API versions", errors);
    for (index, _) in versions.iter().enumerate().filter(|(_, version)| version.is_empty()) {
        errors.push(FieldError::required(format!("{path}.apiVersions[{index}]"), ""));
    }
    resources(&texts("resources"), &format!("{path}.resources"), errors);
    let scope = text(rule, "/scope");
    if has(rule, "scope") && !["*", "Cluster", "Namespaced"].contains(&scope) {
        let known = ["*", "Cluster", "Namespaced"];
        errors.push(FieldError::not_supported(format!("{path}.scope"), scope, known));
    }
}

fn wildcard(values: &[&str], path: &str, key: &str, what: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.{key}");
    if values.is_empty() {
        errors.push(FieldError::required(path, ""));
    } else if values.len() > 1 && values.contains(&"*") {
        let detail = format!("if '*' is present, must not specify other {what}");
        errors.push(FieldError::invalid(path, Value::from(values.to_vec()), detail));
    }
}

fn resources(resources: &[&str], path: &str, errors: &mut Vec<FieldError>) {
    if resources.is_empty() {
        errors.push(FieldError::required(path, ""));
    }
    let (mut whole, mut everywhere) = (BTreeSet::new(), BTreeSet::new());
    let mut plain = false;
    for (index, both) in resources.iter().enumerate() {
        let path = format!("{path}[{index}]");
        if both.is_empty() {
            errors.push(FieldError::required(path, ""));
            continue;
        }
        let Some((resource, part)) = both.split_once('/') else {
            plain = *both != "*";
            continue;
        };
        if whole.contains(resource) {
            let detail = format!("if '{resource}/*' is present, must not specify {both}");
            errors.push(FieldError::invalid(path.as_str(), *both, detail));
        }
        if everywhere.contains(part) {
            let detail = format!("if '*/{part}' is present, must not specify {both}");
            errors.push(FieldError::invalid(path, *both, detail));
        }
        if part == "*" {
            whole.insert(resource);
        }
        if resource == "*" {
            everywhere.insert(part);
        }
    }
    let mut refuse = |detail: &str| {
        errors.push(FieldError::invalid(path, Value::from(resources.to_vec()), detail));
    };
    if resources.len() > 1 && resources.contains(&"*/*") {
        refuse("if '*/*' is present, must not specify other resources");
    }
    if resources.contains(&"*") && plain {
        refuse("if '*' is present, must not specify other resources without subresources");
    }
}

/// `matchConditions`, which are compiled.
pub(super) fn conditions(configuration: &Value, path: &str, scope: &Scope, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.matchConditions");
    let conditions = list(configuration, "/matchConditions");
    if conditions.len() > MOST_CONDITIONS {
        errors.push(FieldError::too_many(path.as_str(), conditions.len(), MOST_CONDITIONS));
    }
    let mut seen = BTreeSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let source = text(condition, "/expression").trim();
        expression(source, &format!("{path}.expression"), "", scope, Wanted::Bool, errors);
        let name = text(condition, "/name");
        let path = format!("{path}.name");
        if name.is_empty() {
            errors.push(FieldError::required(path.as_str(), ""));
            continue;
        }
        let bad = names::qualified_name(name).into_iter();
        errors.extend(bad.map(|detail| FieldError::invalid(path.as_str(), name, detail)));
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(path, name));
        }
    }
}

/// Compiles an expression, which must be there; `missing` is said when it is not.
pub(super) fn expression(
    source: &str,
    path: &str,
    missing: &str,
    scope: &Scope,
    wanted: Wanted,
    errors: &mut Vec<FieldError>,
) -> Option<Expression> {
    if source.trim().is_empty() {
        errors.push(FieldError::required(path, missing));
        return None;
    }
    match Expression::compile(source, scope, wanted) {
        Ok(expression) => Some(expression),
        Err(detail) if detail.starts_with("program instantiation failed") => {
            errors.push(FieldError::internal(path, detail));
            None
        }
        Err(detail) => {
            errors.push(FieldError::invalid(path, source, detail));
            None
        }
    }
}

/// A member that must be one of a few texts.
pub(super) fn one_of(object: &Value, path: &str, key: &str, known: &[&str], errors: &mut Vec<FieldError>) {
    let path = format!("{path}.{key}");
    match at(object, &format!("/{key}")).as_str() {
        None | Some("") => errors.push(FieldError::required(path, "")),
        Some(value) if !known.contains(&value) => {
            errors.push(FieldError::not_supported(path, value, known));
        }
        Some(_) => {}
    }
}
