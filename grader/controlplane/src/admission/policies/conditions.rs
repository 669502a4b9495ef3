//! Match conditions: expressions that must all hold (apiserver/pkg/admission/plugin/webhook/matchconditions).

use super::variables;
use crate::admission::{Attributes, review};
use crate::resources::Resource;
use crate::schema::cel::{Expression, Failure, Scope, Wanted};
use serde_json::Value;

/// What the conditions say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::admission) enum Met {
    Yes,
    No,
    /// None is false, but some cannot be evaluated; the text says why.
    Unknown(String),
}

/// Whether the match conditions of a webhook or policy hold; `params` is that of a policy, and `attributes` are in the
/// version of `target`.
pub(in crate::admission) fn met(
    configuration: &Value,
    attributes: &Attributes<'_>,
    target: &Resource,
    params: Option<&Value>,
) -> Met {
    let conditions = configuration["matchConditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if conditions.is_empty() {
        return Met::Yes;
    }
    let request = review::request(attributes, target);
    let mut known =
        vec![("object", &attributes.object), ("oldObject", &attributes.old), ("request", &request)];
    known.extend(params.map(|params| ("params", params)));
    let scope = if params.is_some() { Scope::of_policy(true) } else { Scope::of_request() };
    let mut failures = Vec::new();
    for condition in conditions {
        let source = condition["expression"].as_str().unwrap_or_default();
        let value = Expression::compile(source, &scope, Wanted::Bool)
            .and_then(|expression| expression.evaluate(&known).0.map_err(|failure| shown(source, failure)));
        match value {
            Ok(Value::Bool(true)) => {}
            Ok(_) => return Met::No,
            Err(why) => failures.push(why),
        }
    }
    match failures.len() {
        0 => Met::Yes,
        1 => Met::Unknown(failures.remove(0)),
        _ => Met::Unknown(format!("[{}]", failures.join(", "))),
    }
}

/// A failure as Kubernetes says it.
pub(super) fn shown(source: &str, failure: Failure) -> String {
    match failure {
        Failure::Error(text) => format!("expression '{source}' resulted in error: {text}"),
        Failure::TooExpensive => {
            format!("expression '{source}' resulted in error: {}", variables::TOO_EXPENSIVE)
        }
    }
}
