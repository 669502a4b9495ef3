//! SelfSubjectRulesReview: what may I do in a namespace? (pkg/registry/authorization/selfsubjectrulesreview/rest.go)

use crate::access::AccessControl;
use crate::access::rbac::PolicyRule;
use crate::error::ApiError;
use crate::field_error::aggregate_texts;
use crate::verbs::write::Write;
use serde_json::{Value, json};

pub(super) fn self_subject(
    control: &AccessControl,
    write: &Write<'_>,
    review: &Value,
) -> Result<Value, ApiError> {
    let namespace = review.pointer("/spec/namespace").and_then(Value::as_str).unwrap_or_default();
    if namespace.is_empty() {
        return Err(ApiError::bad_request("no namespace on request"));
    }
    let (rules, problems) = match control.index() {
        Some(index) => index.rules_for(&write.user, namespace),
        None => (PolicyRule::everything().to_vec(), Vec::new()),
    };
    let about_resources = rules.iter().filter(|rule| !rule.resources.is_empty());
    let about_paths = rules.iter().filter(|rule| !rule.non_resource_urls.is_empty());
    let mut status = json!({
        "resourceRules": about_resources
            .map(|rule| rule.to_value(&["verbs", "apiGroups", "resources", "resourceNames"]))
            .collect::<Value>(),
        "nonResourceRules": about_paths.map(|rule| rule.to_value(&["verbs", "nonResourceURLs"])).collect::<Value>(),
        "incomplete": false,
    });
    if !problems.is_empty() {
        status["evaluationError"] = aggregate_texts(&problems).into();
    }
    Ok(json!({
        "kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1",
        "metadata": {}, "spec": {}, "status": status,
    }))
}
