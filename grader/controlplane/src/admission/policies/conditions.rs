//! Match conditions: expressions that must all hold (apiserver/pkg/admission/plugin/webhook/matchconditions).

use super::variables;
use crate::access::AccessControl;
use crate::admission::{Attributes, review};
use crate::resources::Resource;
use crate::schema::cel::{Activation, Evaluation, Expression, Scope, Wanted};
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
    control: &AccessControl,
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
    let mut values = vec![
        ("object", &attributes.object),
        ("oldObject", &attributes.old),
        ("request", &request),
        ("namespaceObject", &Value::Null),
    ];
    values.extend(params.map(|params| ("params", params)));
    let scope = if params.is_some() { Scope::of_policy(true) } else { Scope::of_request() };
    let compile = |condition: &Value| {
        let source = condition["expression"].as_str().unwrap_or_default();
        Expression::compile(source, &scope, Wanted::Bool)
    };
    let compiled: Vec<Result<Expression, String>> = conditions.iter().map(compile).collect();
    let requester = Some(variables::requester(control, attributes));
    let activation = Activation { values, requester, variables: &[] };
    let mut evaluation = Evaluation::new(&activation, Evaluation::CONDITIONS_BUDGET);
    let mut all_hold = true;
    let mut failures = Vec::new();
    for expression in &compiled {
        match expression.as_ref().map(|expression| evaluation.value(expression)) {
            Ok(Ok(value)) => all_hold &= value == true,
            Ok(Err(failure)) if failure.ends_all() => return Met::Unknown(failure.to_string()),
            Ok(Err(failure)) => failures.push(failure.to_string()),
            Err(why) => failures.push(format!("compilation error: {why}")),
        }
    }
    match failures.len() {
        _ if !all_hold => Met::No,
        0 => Met::Yes,
        1 => Met::Unknown(failures.remove(0)),
        _ => Met::Unknown(format!("[{}]", failures.join(", "))),
    }
}
