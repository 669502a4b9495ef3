//! ValidatingAdmissionPolicies and MutatingAdmissionPolicies.

use super::super::conditions as status_conditions;
use super::matching::{conditions, expression, match_resources, one_of};
use crate::builtins::fields::{at, has, list, text};
use crate::builtins::names;
use crate::builtins::rules::{Rules, keep_all_but_status, keep_status};
use crate::field_error::FieldError;
use crate::object;
use crate::schema::cel::{Scope, Wanted};
use serde_json::Value;
use std::collections::BTreeSet;

const MOST_ANNOTATIONS: usize = 20;
const LONGEST_VALUE_EXPRESSION: usize = 5 * 1024;

pub(in crate::builtins::kinds) struct ValidatingPolicy;

impl Rules for ValidatingPolicy {
    fn checks_finalizers(&self) -> bool {
        false
    }

    fn requires_resource_version(&self) -> bool {
        true
    }

    fn counts_generation(&self) -> bool {
        true
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        match subresource {
            Some("status") => keep_all_but_status(new, old),
            _ => keep_status(new, old),
        }
    }

    fn validate_create(&self, policy: &Value) -> Vec<FieldError> {
        let spec = at(policy, "/spec");
        let mut errors = Vec::new();
        let scope = common(spec, &mut errors);
        let validations = list(spec, "/validations");
        let annotations = list(spec, "/auditAnnotations");
        if validations.is_empty() && annotations.is_empty() {
            let detail = "validations or auditAnnotations must contain at least one item";
            errors.push(FieldError::required("spec.validations", detail));
            errors.push(FieldError::required("spec.auditAnnotations", detail));
        }
        for (index, validation) in validations.iter().enumerate() {
            validate_validation(validation, &format!("spec.validations[{index}]"), &scope, &mut errors);
        }
        if annotations.len() > MOST_ANNOTATIONS {
            let detail = format!("must not have more than {MOST_ANNOTATIONS} auditAnnotations");
            errors.push(FieldError::invalid("spec.auditAnnotations", annotations.to_vec(), detail));
        }
        let mut seen = BTreeSet::new();
        for (index, annotation) in annotations.iter().enumerate() {
            let path = format!("spec.auditAnnotations[{index}]");
            let key = text(annotation, "/key");
            audit_annotation(object::name(policy), annotation, &path, &scope, &mut errors);
            if !seen.insert(key) {
                errors.push(FieldError::duplicate(format!("{path}.key"), key));
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        match subresource {
            Some(_) => status_conditions::validate(list(new, "/status/conditions"), "status.conditions"),
            None => self.validate_create(new),
        }
    }
}

pub(in crate::builtins::kinds) struct MutatingPolicy;

impl Rules for MutatingPolicy {
    fn checks_finalizers(&self) -> bool {
        false
    }

    fn requires_resource_version(&self) -> bool {
        true
    }

    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, policy: &Value) -> Vec<FieldError> {
        let spec = at(policy, "/spec");
        let mut errors = Vec::new();
        let scope = common(spec, &mut errors).with_mutations();
        refuse_deletions(at(spec, "/matchConstraints"), "spec.matchConstraints", &mut errors);
        let mutations = list(spec, "/mutations");
        if mutations.is_empty() {
            let detail = "mutations must contain at least one item";
            errors.push(FieldError::required("spec.mutations", detail));
        }
        for (index, mutation) in mutations.iter().enumerate() {
            validate_mutation(mutation, &format!("spec.mutations[{index}]"), &scope, &mut errors);
        }
        one_of(spec, "spec", "reinvocationPolicy", &["IfNeeded", "Never"], &mut errors);
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        self.validate_create(new)
    }
}

/// Deletions have nothing to change.
pub(super) fn refuse_deletions(matching: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for rule in list(matching, "/resourceRules") {
        for operation in list(rule, "/operations").iter().filter_map(Value::as_str) {
            let known = ["*", "CONNECT", "CREATE", "UPDATE"];
            if !known.contains(&operation) {
                let path = format!("{path}.resourceRules.operations");
                errors.push(FieldError::not_supported(path, operation, known));
            }
        }
    }
}

/// Kubernetes takes any number. Each may be built from those before it, so that types and values grow with their number.
const MOST_VARIABLES: usize = 100;

/// What both kinds have. The answer is what further expressions may use.
fn common(spec: &Value, errors: &mut Vec<FieldError>) -> Scope {
    one_of(spec, "spec", "failurePolicy", &["Fail", "Ignore"], errors);
    let has_params = has(spec, "paramKind");
    if has_params {
        param_kind(at(spec, "/paramKind"), "spec.paramKind", errors);
    }
    let constraints = at(spec, "/matchConstraints");
    if constraints.is_null() {
        errors.push(FieldError::required("spec.matchConstraints", ""));
    } else {
        match_resources(constraints, "spec.matchConstraints", errors);
        if list(constraints, "/resourceRules").is_empty() {
            errors.push(FieldError::required("spec.matchConstraints.resourceRules", ""));
        }
    }
    let mut scope = Scope::of_policy(has_params);
    let of_conditions = if has_params { scope.clone() } else { Scope::of_request() };
    conditions(spec, "spec", &of_conditions, errors);
    let variables = list(spec, "/variables");
    if variables.len() > MOST_VARIABLES {
        errors.push(FieldError::too_many("spec.variables", variables.len(), MOST_VARIABLES));
    }
    for (index, variable) in variables.iter().take(MOST_VARIABLES).enumerate() {
        let path = format!("spec.variables[{index}]");
        let name = text(variable, "/name");
        if name.trim().is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), "name is not specified"));
        } else if !is_identifier(name) {
            let detail = "must be a valid CEL identifier";
            errors.push(FieldError::invalid(format!("{path}.name"), name, detail));
        }
        let source = text(variable, "/expression");
        let missing = "expression is not specified";
        let path = format!("{path}.expression");
        let compiled = expression(source, &path, missing, &scope, Wanted::Any, errors);
        scope.define(name, compiled.as_ref());
    }
    scope
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn param_kind(kind: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let version_path = format!("{path}.apiVersion");
    let api_version = text(kind, "/apiVersion");
    let parts: Vec<&str> = api_version.split('/').collect();
    match parts.as_slice() {
        [""] => errors.push(FieldError::required(version_path, "")),
        [_, _, _, ..] => {
            let detail = format!("unexpected GroupVersion string: {api_version}");
            errors.push(FieldError::invalid(version_path, api_version, detail));
        }
        parts => {
            let (group, version) = match parts {
                [group, version] => (*group, *version),
                parts => ("", parts.first().copied().unwrap_or_default()),
            };
            let bad = if group.is_empty() { Vec::new() } else { names::dns_subdomain(group) };
            if !bad.is_empty() {
                errors.push(FieldError::invalid(version_path.as_str(), group, bad.join(",")));
            }
            let bad = names::dns_1035_label(version);
            if version.is_empty() {
                errors.push(FieldError::invalid(version_path, api_version, "version must be specified"));
            } else if !bad.is_empty() {
                errors.push(FieldError::invalid(version_path, version, bad.join(",")));
            }
        }
    }
    let (path, kind) = (format!("{path}.kind"), text(kind, "/kind"));
    if kind.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    let bad = names::dns_1035_label(&kind.to_lowercase());
    if !bad.is_empty() {
        let detail = format!("may have mixed case, but should otherwise match: {}", bad.join(","));
        errors.push(FieldError::invalid(path, kind, detail));
    }
}

fn validate_validation(validation: &Value, path: &str, scope: &Scope, errors: &mut Vec<FieldError>) {
    let missing = "expression is not specified";
    let source = text(validation, "/expression");
    expression(source, &format!("{path}.expression"), missing, scope, Wanted::Bool, errors);
    let of_message = text(validation, "/messageExpression");
    let message_path = format!("{path}.messageExpression");
    if !of_message.is_empty() && of_message.trim().is_empty() {
        let detail = "must be non-empty if specified";
        errors.push(FieldError::invalid(message_path, of_message, detail));
    } else if !of_message.is_empty() {
        expression(of_message, &message_path, "", &scope.clone().without_authorizer(), Wanted::Text, errors);
    }
    let message = text(validation, "/message");
    if !message.is_empty() && message.trim().is_empty() {
        let detail = "must be non-empty if specified";
        errors.push(FieldError::invalid(format!("{path}.message"), message, detail));
    } else if message.trim().contains(['\n', '\r']) {
        let detail = "must not contain line breaks";
        errors.push(FieldError::invalid(format!("{path}.message"), message, detail));
    }
    let reason = text(validation, "/reason");
    let known = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
    if has(validation, "reason") && !known.contains(&reason) {
        errors.push(FieldError::not_supported(format!("{path}.reason"), reason, known));
    }
}

fn audit_annotation(
    policy: &str,
    annotation: &Value,
    path: &str,
    scope: &Scope,
    errors: &mut Vec<FieldError>,
) {
    let key = format!("{policy}/{}", text(annotation, "/key"));
    let bad = names::qualified_name(&key).into_iter();
    errors.extend(bad.map(|detail| FieldError::invalid(format!("{path}.key"), key.as_str(), detail)));
    let source = text(annotation, "/valueExpression").trim();
    let path = format!("{path}.valueExpression");
    if source.len() > LONGEST_VALUE_EXPRESSION {
        let detail = format!("must not exceed {LONGEST_VALUE_EXPRESSION} bytes in length");
        errors.push(FieldError::required(path, detail));
    } else {
        let missing = "valueExpression is not specified";
        expression(source, &path, missing, scope, Wanted::TextOrNull, errors);
    }
}

fn validate_mutation(mutation: &Value, path: &str, scope: &Scope, errors: &mut Vec<FieldError>) {
    let kind = text(mutation, "/patchType");
    let (own, other, wanted) = match kind {
        "JSONPatch" => ("jsonPatch", "applyConfiguration", Wanted::Patches),
        "ApplyConfiguration" => ("applyConfiguration", "jsonPatch", Wanted::Object),
        "" => return errors.push(FieldError::required(format!("{path}.patchType"), "")),
        _ => {
            let known = ["ApplyConfiguration", "JSONPatch"];
            return errors.push(FieldError::not_supported(format!("{path}.patchType"), kind, known));
        }
    };
    if has(mutation, own) {
        let source = text(mutation, &format!("/{own}/expression")).trim();
        expression(source, &format!("{path}.{own}.expression"), "", scope, wanted, errors);
    } else {
        let detail = format!("must be specified when patchType is {kind}");
        errors.push(FieldError::required(format!("{path}.{own}"), detail));
    }
    if has(mutation, other) {
        let detail = format!("must not be specified when patchType is {kind}");
        errors.push(FieldError::invalid(format!("{path}.{other}"), format!("{{{other}}}"), detail));
    }
}
