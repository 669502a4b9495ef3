//! ValidatingAdmissionPolicies (apiserver/pkg/admission/plugin/policy/validating).

use super::conditions::{self, Met};
use super::variables::Variables;
use super::{Bound, bound, may_fail, params};
use crate::admission::{Attributes, Operation, VALIDATING_BINDINGS, VALIDATING_POLICIES};
use crate::api_server::ApiServer;
use crate::error::{ApiError, Cause, Details};
use crate::object;
use crate::schema::cel::Wanted;
use crate::verbs::write::Write;
use http::StatusCode;
use serde_json::Value;

/// The longest text that a `messageExpression` may give, in bytes.
const LONGEST_MESSAGE: usize = 5 * 1024;

/// Lets policies refuse the write, or warn about it.
pub(in crate::admission) fn validate(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    operation: Operation<'_>,
) -> Result<(), ApiError> {
    let attributes = Attributes::new(write, operation);
    let mut denied: Option<Denial> = None;
    let mut warnings = Vec::new();
    for (bound, error) in bound(server, &VALIDATING_POLICIES, &VALIDATING_BINDINGS, &attributes) {
        let name = object::name(&bound.policy).to_owned();
        let mut deny = |binding: Option<&Value>, message: String, reason: String| {
            let by = match binding {
                Some(binding) => format!("'{name}' with binding '{}'", object::name(binding)),
                None => format!("'{name}'"),
            };
            let message = format!("ValidatingAdmissionPolicy {by} denied request: {message}");
            denied.get_or_insert(Denial { message, reason });
        };
        let may_fail = may_fail(&bound.policy);
        if let Some(error) = error {
            if !may_fail {
                deny(None, format!("failed to configure policy: {error}"), String::new());
            }
            continue;
        }
        let attributes = attributes.at(server, &bound.target)?;
        for binding in &bound.bindings {
            let params = match params::collect(server, &bound.policy, binding, attributes.namespace) {
                Ok(params) => params,
                Err(_) if may_fail => continue,
                Err(why) => {
                    deny(Some(binding), format!("failed to configure binding: {why}"), String::new());
                    continue;
                }
            };
            for param in params {
                for finding in evaluate(server, &bound, &attributes, param) {
                    if finding.is_error && may_fail {
                        continue;
                    }
                    for action in binding["spec"]["validationActions"].as_array().into_iter().flatten() {
                        match action.as_str() {
                            Some("Deny") => {
                                deny(Some(binding), finding.message.clone(), finding.reason.clone());
                            }
                            Some("Warn") => warnings.push(format!(
                                "Validation failed for ValidatingAdmissionPolicy '{name}' with binding '{}': {}",
                                object::name(binding),
                                finding.message
                            )),
                            _ => {}
                        }
                    }
                }
            }
        }
    }
    let refusal = denied.map(|denial| denial.error(&attributes));
    warnings.into_iter().for_each(|text| write.warn(text));
    refusal.map_or(Ok(()), Err)
}

struct Denial {
    message: String,
    reason: String,
}

impl Denial {
    fn error(self, attributes: &Attributes<'_>) -> ApiError {
        let (code, reason) = match self.reason.as_str() {
            "" => (StatusCode::UNPROCESSABLE_ENTITY, "Invalid"),
            "Forbidden" => (StatusCode::FORBIDDEN, "Forbidden"),
            "Unauthorized" => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            "RequestEntityTooLarge" => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge"),
            reason => (StatusCode::UNPROCESSABLE_ENTITY, reason),
        };
        let id = &attributes.resource.id;
        let forbidden = ApiError::forbidden(id, attributes.name, &self.message);
        let details = Details {
            name: attributes.name.to_owned(),
            group: id.group().to_owned(),
            kind: id.resource().to_owned(),
            causes: vec![Cause { message: self.message, ..Cause::default() }],
            ..Details::default()
        };
        ApiError::foreign(code, reason, forbidden.message(), Some(details))
    }
}

/// A validation that does not hold, or could not be evaluated.
struct Finding {
    message: String,
    reason: String,
    is_error: bool,
}

impl Finding {
    fn error(message: String) -> Self {
        Self { message, reason: String::new(), is_error: true }
    }
}

fn evaluate(
    server: &ApiServer,
    bound: &Bound,
    attributes: &Attributes<'_>,
    param: Option<Value>,
) -> Vec<Finding> {
    let Bound { policy, target, .. } = bound;
    match conditions::met(&policy["spec"], attributes, target, param.as_ref()) {
        Met::Yes => {}
        Met::No => return Vec::new(),
        Met::Unknown(why) => return vec![Finding::error(why)],
    }
    let variables = match Variables::new(server, policy, attributes, target, param) {
        Ok(variables) => variables,
        Err(why) => return vec![Finding::error(why)],
    };
    let mut findings = Vec::new();
    for validation in policy["spec"]["validations"].as_array().into_iter().flatten() {
        let text = |key: &str| validation[key].as_str().unwrap_or_default();
        match variables.value(text("expression"), Wanted::Bool) {
            Ok(Value::Bool(true)) => {}
            Ok(_) => findings.push(Finding {
                message: message(&variables, validation),
                reason: text("reason").to_owned(),
                is_error: false,
            }),
            Err(why) => findings.push(Finding::error(why)),
        }
    }
    for annotation in policy["spec"]["auditAnnotations"].as_array().into_iter().flatten() {
        let source = annotation["valueExpression"].as_str().unwrap_or_default();
        if let Err(why) = variables.value(source, Wanted::TextOrNull) {
            findings.push(Finding::error(why));
        }
    }
    findings
}

fn message(variables: &Variables, validation: &Value) -> String {
    let text = |key: &str| validation[key].as_str().unwrap_or_default();
    let expression = text("messageExpression");
    if !expression.is_empty()
        && let Ok(Value::String(message)) = variables.value(expression, Wanted::Text)
    {
        let message = message.trim();
        if !message.is_empty() && message.len() <= LONGEST_MESSAGE && !message.contains('\n') {
            return message.to_owned();
        }
    }
    match text("message").trim() {
        "" => format!("failed expression: {}", text("expression").trim()),
        message => message.to_owned(),
    }
}
