//! ValidatingAdmissionPolicies (apiserver/pkg/admission/plugin/policy/validating).

use super::conditions::{self, Met};
use super::variables::{self, Variables};
use super::{Bound, bound, may_fail, params};
use crate::admission::{Attributes, Operation, VALIDATING_BINDINGS, VALIDATING_POLICIES};
use crate::api_server::ApiServer;
use crate::error::{ApiError, Cause, Details};
use crate::object;
use crate::schema::cel::{Evaluation, Expression, Scope, Wanted};
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
                    if finding.denies {
                        deny(Some(binding), finding.message, finding.reason);
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
    /// Refuses the write whatever the binding makes of validations.
    denies: bool,
}

impl Finding {
    fn error(message: String) -> Self {
        Self { message, reason: String::new(), is_error: true, denies: false }
    }
}

fn evaluate(
    server: &ApiServer,
    bound: &Bound,
    attributes: &Attributes<'_>,
    param: Option<Value>,
) -> Vec<Finding> {
    let Bound { policy, target, .. } = bound;
    match conditions::met(&server.access, &policy["spec"], attributes, target, param.as_ref()) {
        Met::Yes => {}
        Met::No => return Vec::new(),
        Met::Unknown(why) => return vec![Finding::error(why)],
    }
    let variables = Variables::new(server, policy, attributes, target, param);
    let validations = policy["spec"]["validations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let compile = |holder: &Value, key: &str, scope: &Scope, wanted: Wanted| {
        let source = holder[key].as_str().filter(|source| !source.is_empty())?;
        Some(Expression::compile(source, scope, wanted).map_err(|why| format!("compilation error: {why}")))
    };
    let (scope, of_messages) = (variables.scope(), variables.scope().without_authorizer());
    let compiled: Vec<_> = validations
        .iter()
        .map(|validation| {
            let message = compile(validation, "messageExpression", &of_messages, Wanted::Text);
            (validation, compile(validation, "expression", &scope, Wanted::Bool), message)
        })
        .collect();
    let requester = variables::requester(&server.access, attributes);
    let mut evaluation = Evaluation::new(&variables.activation(Some(requester)), Evaluation::POLICY_BUDGET);
    let mut verdicts = Vec::new();
    for (validation, expression, message) in &compiled {
        let verdict = match expression {
            None => continue,
            Some(Err(why)) => Err(why.clone()),
            Some(Ok(expression)) => match evaluation.value(expression) {
                Err(failure) if failure.ends_all() => return vec![Finding::error(failure.to_string())],
                verdict => verdict.map_err(|failure| failure.to_string()),
            },
        };
        verdicts.push((verdict, validation, message));
    }
    // Messages are evaluated after all validations, and do not know who asks.
    let mut evaluation = Evaluation::new(&variables.activation(None), evaluation.remaining());
    let mut findings = Vec::new();
    for (verdict, validation, message) in verdicts {
        match verdict {
            Ok(Value::Bool(true)) => {}
            Err(why) => findings.push(Finding::error(why)),
            Ok(_) => {
                let message = message.as_ref().and_then(|message| message.as_ref().ok());
                match message.map(|message| evaluation.value(message)) {
                    Some(Err(failure)) if failure.ends_all() => {
                        findings.push(Finding::error(format!("failed messageExpression: {failure}")));
                    }
                    evaluated => findings.push(Finding {
                        message: message_of(validation, evaluated.and_then(Result::ok)),
                        reason: validation["reason"].as_str().unwrap_or_default().to_owned(),
                        is_error: false,
                        denies: false,
                    }),
                }
            }
        }
    }
    findings.extend(annotation_failures(policy, &variables));
    findings
}

/// Annotations of the audit are evaluated, though there is no audit: those that fail refuse the write.
fn annotation_failures(policy: &Value, variables: &Variables) -> Vec<Finding> {
    let annotations = policy["spec"]["auditAnnotations"].as_array().into_iter().flatten();
    let sources = annotations.map(|annotation| annotation["valueExpression"].as_str().unwrap_or_default());
    let scope = variables.scope();
    let compiled: Vec<_> =
        sources.map(|source| Expression::compile(source, &scope, Wanted::TextOrNull)).collect();
    let mut evaluation = Evaluation::new(&variables.activation(None), Evaluation::POLICY_BUDGET);
    let failures = compiled.iter().filter_map(|expression| match expression {
        Ok(expression) => evaluation.value(expression).err().map(|failure| failure.to_string()),
        Err(why) => Some(format!("compilation error: {why}")),
    });
    failures.map(|why| Finding { denies: true, ..Finding::error(why) }).collect()
}

/// What to say about a validation that does not hold; `evaluated` is what its `messageExpression` gave.
fn message_of(validation: &Value, evaluated: Option<Value>) -> String {
    let text = |key: &str| validation[key].as_str().unwrap_or_default();
    if let Some(Value::String(message)) = evaluated {
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
