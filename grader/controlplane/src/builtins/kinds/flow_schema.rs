//! FlowSchemas (pkg/apis/flowcontrol/validation/validation.go).

use super::priority_level;
use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::names;
use crate::builtins::rules::{Rules, keep_status_without_metadata};
use crate::field_error::FieldError;
use crate::object;
use serde_json::{Value, json};

const LAST_PRECEDENCE: i64 = 10_000;
const VERBS: [&str; 9] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

pub(super) struct FlowSchema;

impl Rules for FlowSchema {
    fn counts_generation(&self) -> bool {
        true
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        keep_status_without_metadata(new, old, subresource);
    }

    fn validate_create(&self, schema: &Value) -> Vec<FieldError> {
        let spec = at(schema, "/spec");
        let mut errors = Vec::new();
        precedence(
            object::name(schema),
            number(spec, "/matchingPrecedence").unwrap_or_default(),
            &mut errors,
        );
        let method = text(spec, "/distinguisherMethod/type");
        let known = ["ByNamespace", "ByUser"];
        if has(spec, "distinguisherMethod") && !known.contains(&method) {
            let shown = json!({"Type": method});
            errors.push(FieldError::not_supported("spec.distinguisherMethod.type", shown, known));
        }
        let (level, field) =
            (text(spec, "/priorityLevelConfiguration/name"), "spec.priorityLevelConfiguration.name");
        if level.is_empty() {
            errors.push(FieldError::required(field, "must reference a priority level"));
        } else {
            errors.extend(FieldError::invalid_for_each(field, level, names::dns_subdomain(level)));
        }
        for (position, rule) in list(spec, "/rules").iter().enumerate() {
            validate_rule(rule, &format!("spec.rules[{position}]"), &mut errors);
        }
        errors.extend(priority_level::differs_from_fixed(schema, |_| {}));
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        match subresource {
            Some(_) => priority_level::condition_types(new),
            None => self.validate_create(new),
        }
    }
}

fn precedence(name: &str, precedence: i64, errors: &mut Vec<FieldError>) {
    let mut refuse =
        |detail: &str| errors.push(FieldError::invalid("spec.matchingPrecedence", precedence, detail));
    if precedence <= 0 {
        refuse("must be a positive value");
    }
    if precedence > LAST_PRECEDENCE {
        refuse(&format!("must not be greater than {LAST_PRECEDENCE}"));
    }
    if precedence == 1 && name != "exempt" {
        refuse("only the schema named 'exempt' may have matchingPrecedence 1");
    }
}

fn validate_rule(rule: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let subjects = list(rule, "/subjects");
    if subjects.is_empty() {
        let detail = "subjects must contain at least one value";
        errors.push(FieldError::required(format!("{path}.subjects"), detail));
    }
    for (position, subject) in subjects.iter().enumerate() {
        validate_subject(subject, &format!("{path}.subjects[{position}]"), errors);
    }
    let (resources, others) = (list(rule, "/resourceRules"), list(rule, "/nonResourceRules"));
    if resources.is_empty() && others.is_empty() {
        let detail = "at least one of resourceRules and nonResourceRules has to be non-empty";
        errors.push(FieldError::required(path, detail));
    }
    for (position, rule) in resources.iter().enumerate() {
        resource_rule(rule, &format!("{path}.resourceRules[{position}]"), errors);
    }
    for (position, rule) in others.iter().enumerate() {
        let path = format!("{path}.nonResourceRules[{position}]");
        verbs(rule, &path, errors);
        let empty = "nonResourceURLs must contain at least one value";
        if !is_everything(rule, "nonResourceURLs", "non-resource URLs", empty, &path, errors) {
            urls(list(rule, "/nonResourceURLs"), &format!("{path}.nonResourceURLs"), errors);
        }
    }
}

fn validate_subject(subject: &Value, path: &str, errors: &mut Vec<FieldError>) {
    const KINDS: [(&str, &str); 3] =
        [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")];
    let kind = text(subject, "/kind");
    let Some((_, own)) = KINDS.into_iter().find(|(known, _)| *known == kind) else {
        let known = ["Group", "ServiceAccount", "User"];
        errors.push(FieldError::not_supported(format!("{path}.kind"), kind, known));
        return;
    };
    for (kind, key) in KINDS.into_iter().filter(|(_, key)| *key != own && has(subject, key)) {
        let detail = format!("{key} is forbidden when subject kind is not '{kind}'");
        errors.push(FieldError::forbidden(format!("{path}.{key}"), detail));
    }
    let path = format!("{path}.{own}");
    let who = at(subject, &format!("/{own}"));
    if !who.is_object() {
        errors.push(FieldError::required(path, format!("{own} is required when subject kind is '{kind}'")));
        return;
    }
    let (name, namespace) = (text(who, "/name"), text(who, "/namespace"));
    if name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    } else if kind == "ServiceAccount" && name != "*" {
        let wrong = names::dns_subdomain(name);
        errors.extend(FieldError::invalid_for_each(&format!("{path}.name"), name, wrong));
    }
    if kind == "ServiceAccount" {
        let field = format!("{path}.namespace");
        if namespace.is_empty() {
            errors.push(FieldError::required(field, "must specify namespace for service account"));
        } else {
            errors.extend(FieldError::invalid_for_each(&field, namespace, names::dns_label(namespace)));
        }
    }
}

/// Whether a list has the wildcard, or nothing, and is not to be looked at any further.
fn is_everything(
    rule: &Value,
    key: &str,
    what: &str,
    if_empty: &str,
    path: &str,
    errors: &mut Vec<FieldError>,
) -> bool {
    let items = list(rule, &format!("/{key}"));
    let field = format!("{path}.{key}");
    if items.is_empty() {
        errors.push(FieldError::required(field, if_empty));
        return true;
    }
    let has_wildcard = items.iter().any(|item| item == "*");
    if has_wildcard && items.len() > 1 {
        let detail = format!("if '*' is present, must not specify other {what}");
        errors.push(FieldError::invalid(field, items.to_vec(), detail));
    }
    has_wildcard
}

fn verbs(rule: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let if_empty = "verbs must contain at least one value";
    if is_everything(rule, "verbs", "verbs", if_empty, path, errors) {
        return;
    }
    let verbs = list(rule, "/verbs");
    if verbs.iter().filter_map(Value::as_str).any(|verb| !VERBS.contains(&verb)) {
        errors.push(FieldError::not_supported(format!("{path}.verbs"), verbs.to_vec(), VERBS));
    }
}

fn resource_rule(rule: &Value, path: &str, errors: &mut Vec<FieldError>) {
    verbs(rule, path, errors);
    for (key, what, if_empty) in [
        ("apiGroups", "api groups", "resource rules must supply at least one api group"),
        ("resources", "resources", "resource rules must supply at least one resource"),
    ] {
        is_everything(rule, key, what, if_empty, path, errors);
    }
    let namespaces = list(rule, "/namespaces");
    if namespaces.is_empty() && at(rule, "/clusterScope") == true {
        return;
    }
    let if_empty = "resource rules that are not cluster scoped must supply at least one namespace";
    if is_everything(rule, "namespaces", "namespaces", if_empty, path, errors) {
        return;
    }
    for (position, namespace) in namespaces.iter().filter_map(Value::as_str).enumerate() {
        let field = format!("{path}.namespaces[{position}]");
        let intro = "each member of this list must be '*' or a DNS-1123 label; ";
        let wrong = names::dns_label(namespace).into_iter().map(|text| format!("{intro}{text}")).collect();
        errors.extend(FieldError::invalid_for_each(&field, namespace, wrong));
    }
}

fn urls(urls: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    for (position, url) in urls.iter().filter_map(Value::as_str).enumerate() {
        let detail = match url {
            "" => "must not be empty",
            "/" => continue,
            _ if !url.starts_with('/') => "must start with slash",
            _ if url.contains(' ') => "must not contain white-space",
            _ if url.contains("//") => "must not contain double slash",
            _ if url.strip_suffix("/*").unwrap_or(url).contains('*') => {
                "wildcard can only do suffix matching"
            }
            _ => continue,
        };
        errors.push(FieldError::invalid(format!("{path}[{position}]"), url, detail));
    }
}
