//! The form, the types and the cost of `x-kubernetes-validations` at registration.

use super::keywords::Keywords;
use super::open_api::{Node, Place};
use crate::field_error::{FieldError, FieldErrorKind, FieldPath};
use crate::schema::Schema;
use crate::schema::cel::field_path::{self, Brackets};

/// The most that one expression may cost (`StaticEstimatedCostLimit`).
const EXPRESSION_COST_LIMIT: u64 = 10_000_000;
/// The most that the rules of one definition may cost together (`StaticEstimatedCRDCostLimit`).
const COST_LIMIT: u64 = 100_000_000;

/// What the rules of one definition cost together.
pub(super) struct Costs {
    is_unchanged: bool,
    total: u64,
    most_expensive: Vec<(u64, String)>,
}

impl Costs {
    /// `is_unchanged`: the schema was stored like this before, so that no single rule is too expensive now.
    pub(super) fn new(is_unchanged: bool) -> Self {
        Self { is_unchanged, total: 0, most_expensive: Vec::new() }
    }

    /// Counts an expression, and says whether it is too expensive by itself.
    fn add(&mut self, cost: u64, what: &str, field: String) -> Option<FieldError> {
        self.total = self.total.saturating_add(cost);
        if cost >= COST_LIMIT / 100 {
            self.most_expensive.push((cost, field.clone()));
            self.most_expensive.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
            self.most_expensive.truncate(4);
        }
        let too_expensive = !self.is_unchanged && cost > EXPRESSION_COST_LIMIT;
        too_expensive.then(|| FieldError::forbidden(field, exceeds(what, cost, EXPRESSION_COST_LIMIT)))
    }

    /// What is wrong with the rules together.
    pub(super) fn total(self, path: FieldPath<'_>) -> Vec<FieldError> {
        if self.total <= COST_LIMIT {
            return Vec::new();
        }
        let contributed =
            "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        let parts =
            self.most_expensive.into_iter().map(|(_, field)| FieldError::forbidden(field, contributed));
        parts.chain([FieldError::forbidden(path, exceeds(what, self.total, COST_LIMIT))]).collect()
    }
}

fn exceeds(what: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let factor = if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and \
         maxLength where arrays, maps, and strings are declared)"
    )
}

/// Checks what a rule says beside its expressions.
pub(super) fn form(schema: Keywords<'_>, path: FieldPath<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let rules_path = path.child("x-kubernetes-validations");
    for (index, rule) in schema.schemas("x-kubernetes-validations").enumerate() {
        let path = rules_path.index(index);
        let text = |key: &str| rule.text(key).unwrap_or_default();
        let (expression, message) = (text("rule").trim(), text("message").trim());
        if expression.is_empty() {
            errors.push(FieldError::required(path.child("rule"), "rule is not specified"));
        } else if !text("message").is_empty() && message.is_empty() {
            errors.push(FieldError::invalid(
                path.child("message"),
                text("message"),
                "must be non-empty if specified",
            ));
        } else if has_line_breaks(message) {
            errors.push(FieldError::invalid(
                path.child("message"),
                text("message"),
                "must not contain line breaks",
            ));
        } else if has_line_breaks(expression) && message.is_empty() {
            let detail = "message must be specified if rule contains line breaks";
            errors.push(FieldError::required(path.child("message"), detail));
        }
        if !text("messageExpression").is_empty() && text("messageExpression").trim().is_empty() {
            let detail = "messageExpression must be non-empty if specified";
            errors.push(FieldError::required(path.child("messageExpression"), detail));
        }
        let reasons =
            ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
        if let Some(reason) = rule.text("reason").filter(|reason| !reasons.contains(reason)) {
            errors.push(FieldError::not_supported(path.child("reason"), reason, reasons));
        }
        errors.extend(field_path_errors(schema, text("fieldPath"), path.child("fieldPath")));
    }
    errors
}

fn field_path_errors(schema: Keywords<'_>, field_path: &str, path: FieldPath<'_>) -> Vec<FieldError> {
    if field_path.is_empty() {
        return Vec::new();
    }
    let mut details = Vec::new();
    if field_path.trim().is_empty() {
        details.push("must be non-empty if specified");
    }
    if has_line_breaks(field_path) {
        details.push("must not contain line breaks");
    }
    // In a schema that cannot be read no path is wrong.
    let leads_nowhere = |schema: Schema| field_path::resolve(field_path, &schema, Brackets::Allowed).is_err();
    if Schema::from_json(schema.0).is_ok_and(leads_nowhere) {
        details.push("must be a valid path");
    }
    details.into_iter().map(|detail| FieldError::invalid(path, field_path, detail)).collect()
}

fn has_line_breaks(text: &str) -> bool {
    text.contains(['\n', '\r'])
}

/// Compiles the rules of one schema: syntax, types, what they cost, and whether they may use `oldSelf`.
pub(super) fn compile(
    node: Node<'_>,
    path: FieldPath<'_>,
    place: Place<'_>,
    costs: &mut Costs,
) -> Vec<FieldError> {
    let Some(schema) = node.schema else { return Vec::new() };
    let mut errors = Vec::new();
    let rules_path = path.child("x-kubernetes-validations");
    for (index, rule) in schema.rules.iter().enumerate() {
        let path = rules_path.index(index);
        let (rule_path, message_path) = (path.child("rule"), path.child("messageExpression"));
        let Some(check) = rule.check(schema, place.is_root || schema.embedded_resource) else {
            let detail = "internal error: failed to construct type information for x-kubernetes-validations rules: \
                          unable to convert structural schema to CEL declarations";
            errors.push(FieldError::internal(rules_path, detail));
            break;
        };
        let occurrences = node.cardinality.unwrap_or(check.most_in_request);
        let cost = check.cost.saturating_mul(occurrences);
        errors.extend(costs.add(cost, "estimated rule cost", rule_path.to_string()));
        // The whole rule is shown, as Kubernetes' internal form prints it.
        let invalid = |path: FieldPath<'_>, detail: &str| {
            FieldError::new(FieldErrorKind::Invalid, path, None, format!("{}: {detail}", rule.internal()))
        };
        errors.extend(check.error.as_deref().map(|detail| invalid(rule_path, detail)));
        errors.extend(check.message_error.as_deref().map(|detail| invalid(message_path, detail)));
        if let Some(cost) = check.message_cost {
            errors.extend(costs.add(cost, "estimated messageExpression cost", message_path.to_string()));
        }
        if check.error.is_none() && rule.uses_old_self() {
            if let Some(uncorrelatable) = place.uncorrelatable {
                let detail = "oldSelf cannot be used on the uncorrelatable portion of the schema within";
                errors.push(FieldError::invalid(
                    rule_path,
                    rule.source(),
                    format!("{detail} {uncorrelatable}"),
                ));
            }
        } else if let Some(optional) = rule.optional_old_self() {
            let detail = "may not be set if oldSelf is not used in rule";
            errors.push(FieldError::invalid(path.child("optionalOldSelf"), optional, detail));
        }
    }
    errors
}
