//! One rule: parsing it with its schema, checking it at registration, judging a value by it.

use super::ast::{Expr, Kind};
use super::check::{self, Checked};
use super::evaluate::{Fault, evaluate};
use super::field_path::{self, Brackets};
use super::parser::parse;
use super::types::{Type, most_in_request};
use super::value::Value;
use crate::field_error::{FieldError, FieldErrorKind, FieldPath};
use crate::go_text;
use crate::schema::Schema;
use serde_json::Value as Json;
use std::sync::Arc;

/// The longest text that a `messageExpression` may give, in bytes.
const LONGEST_MESSAGE: usize = 5 * 1024;

/// One of `x-kubernetes-validations`, parsed. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Rule(Arc<Parsed>);

#[derive(Debug)]
struct Parsed {
    rule: String,
    message: String,
    message_expression: String,
    reason: Option<String>,
    field_path: String,
    optional_old_self: Option<bool>,
    /// The parsed rule, or what is wrong with it; `None` for an empty rule.
    program: Option<Result<Expr, String>>,
    message_program: Option<Result<Expr, String>>,
    uses_old_self: bool,
}

/// What registration finds out about a rule.
#[derive(Clone, Debug, Default)]
pub struct RuleCheck {
    /// What is wrong with the rule.
    pub error: Option<String>,
    /// What is wrong with its `messageExpression`.
    pub message_error: Option<String>,
    /// The most that evaluating the rule once can cost.
    pub cost: u64,
    /// The most that evaluating its `messageExpression` once can cost; `None` without one.
    pub message_cost: Option<u64>,
    /// How often values of the schema can occur in a request that nothing else bounds.
    pub most_in_request: u64,
}

/// What a rule says of a value.
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) cost: u64,
}

pub(super) enum Verdict {
    Holds,
    Fails {
        detail: String,
    },
    /// It cannot be evaluated; `stops` when no further rule is to be.
    Broken {
        detail: String,
        stops: bool,
    },
}

impl Rule {
    /// Parses a `ValidationRule`. An expression that does not parse is remembered and fails every value.
    ///
    /// # Errors
    /// A field of the wrong JSON type.
    pub fn from_json(json: &Json) -> Result<Self, String> {
        let text = |key: &str| match &json[key] {
            Json::Null => Ok(String::new()),
            Json::String(text) => Ok(text.clone()),
            other => Err(format!("{key} of a validation rule must be a string, not {other}")),
        };
        let program = |source: &str| {
            let parsed = || parse(source).map_err(|mistake| check::show(&[mistake], source));
            (!source.trim().is_empty()).then(parsed)
        };
        let (rule, message_expression) = (text("rule")?, text("messageExpression")?);
        let rule_program = program(&rule);
        let uses_old_self = matches!(&rule_program, Some(Ok(expr)) if mentions(expr, "oldSelf"));
        Ok(Self(Arc::new(Parsed {
            message: text("message")?,
            reason: Some(text("reason")?).filter(|reason| !reason.is_empty()),
            field_path: text("fieldPath")?,
            optional_old_self: json["optionalOldSelf"].as_bool(),
            message_program: program(&message_expression),
            program: rule_program,
            rule,
            message_expression,
            uses_old_self,
        })))
    }

    /// The expression as written.
    pub fn source(&self) -> &str {
        &self.0.rule
    }

    /// Whether it compares with the value before an update.
    pub fn uses_old_self(&self) -> bool {
        self.0.uses_old_self
    }

    /// `optionalOldSelf`, as written.
    pub fn optional_old_self(&self) -> Option<bool> {
        self.0.optional_old_self
    }

    /// The rule as Kubernetes prints its internal form.
    pub fn internal(&self) -> String {
        let quoted = |text: &str| go_text::json(&text.into());
        let Parsed { rule, message, message_expression, reason, field_path, optional_old_self, .. } =
            &*self.0;
        format!(
            r#"{{"Rule":{},"Message":{},"MessageExpression":{},"Reason":{},"FieldPath":{},"OptionalOldSelf":{}}}"#,
            quoted(rule),
            quoted(message),
            quoted(message_expression),
            reason.as_deref().map_or_else(|| "null".to_owned(), quoted),
            quoted(field_path),
            optional_old_self.map_or_else(|| "null".to_owned(), |value| value.to_string()),
        )
    }

    /// Checks the types and costs of the rule on values of this schema; `None` when rules cannot see these values.
    pub fn check(&self, schema: &Schema, is_resource: bool) -> Option<RuleCheck> {
        let (self_type, least_size) = Type::of_schema(schema, is_resource)?;
        let mut found = RuleCheck { most_in_request: most_in_request(least_size), ..RuleCheck::default() };
        let old_type = match self.0.optional_old_self {
            Some(true) => Type::Optional(Box::new(self_type.clone())),
            _ => self_type.clone(),
        };
        let variables = [("self", self_type), ("oldSelf", old_type)];
        let checked = |program: &Result<Expr, String>, source: &str| -> Result<Checked, String> {
            match program {
                Err(mistake) => Err(mistake.clone()),
                Ok(expr) => check::check(expr, &variables).map_err(|mistakes| check::show(&mistakes, source)),
            }
        };
        let Some(program) = &self.0.program else { return Some(found) };
        match checked(program, &self.0.rule) {
            Err(mistakes) => {
                found.error = Some(format!("compilation failed: {mistakes}"));
                return Some(found);
            }
            Ok(Checked { type_: Type::Bool, cost, .. }) => {
                found.cost = cost;
                if let Some(unusable) = program.as_ref().ok().and_then(check::unusable) {
                    found.error = Some(format!("program instantiation failed: {unusable}"));
                    return Some(found);
                }
            }
            Ok(_) => {
                found.error = Some("cel expression must evaluate to a bool".to_owned());
                return Some(found);
            }
        }
        if let Some(program) = &self.0.message_program {
            match checked(program, &self.0.message_expression) {
                Err(mistakes) => {
                    found.message_error = Some(format!("messageExpression compilation failed: {mistakes}"));
                }
                Ok(Checked { type_: Type::String(_), cost, .. }) => found.message_cost = Some(cost),
                Ok(_) => found.message_error = Some("messageExpression must evaluate to a string".to_owned()),
            }
        }
        Some(found)
    }

    /// Judges a value; `None` when the rule does not apply.
    pub(super) fn judge(
        &self,
        schema: &Schema,
        value: &Json,
        old: Option<&Json>,
        is_resource: bool,
    ) -> Option<Judgement> {
        let broken = |detail: String, stops: bool, cost: u64| {
            Some(Judgement { verdict: Verdict::Broken { detail, stops }, cost })
        };
        let expr = match self.0.program.as_ref()? {
            Ok(expr) => expr,
            Err(mistake) => {
                return broken(format!("rule compile error: compilation failed: {mistake}"), false, 0);
            }
        };
        let optional = self.0.optional_old_self == Some(true);
        if self.0.uses_old_self && old.is_none() && !optional {
            // A transition rule without a transition.
            return None;
        }
        let old = old.map(|old| Value::of(old, schema, is_resource));
        let mut variables = vec![("self", Value::of(value, schema, is_resource))];
        if self.0.uses_old_self {
            match (optional, old.clone()) {
                (true, old) => variables.push(("oldSelf", old.map_or(Value::Optional(None), Value::some))),
                (false, Some(old)) => variables.push(("oldSelf", old)),
                (false, None) => {}
            }
        }
        let (result, cost) = evaluate(expr, variables);
        match result {
            Ok(Value::Bool(true)) => Some(Judgement { verdict: Verdict::Holds, cost }),
            Ok(_) => {
                let (message, message_cost) = self.message(schema, value, old, is_resource);
                Some(Judgement {
                    verdict: Verdict::Fails { detail: message },
                    cost: cost.saturating_add(message_cost),
                })
            }
            Err(Fault::TooExpensive) => {
                let what = "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due \
                            to call cost exceeds limit for rule";
                broken(format!("{what}: {}", self.shown()), true, cost)
            }
            Err(Fault::Error(error)) if error.starts_with("no such overload") => {
                let what =
                    "call arguments did not match a supported operator, function or macro signature for rule";
                broken(format!("'{error}': {what}: {}", self.shown()), false, cost)
            }
            Err(Fault::Error(error)) => {
                broken(format!("{error} evaluating rule: {}", self.shown()), false, cost)
            }
        }
    }

    /// What to say about a value that fails: the message expression, if it gives a usable text, or else the message.
    fn message<'a>(
        &'a self,
        schema: &'a Schema,
        value: &'a Json,
        old: Option<Value<'a>>,
        is_resource: bool,
    ) -> (String, u64) {
        let mut cost = 0;
        if let Some(Ok(expr)) = &self.0.message_program {
            let mut variables = vec![("self", Value::of(value, schema, is_resource))];
            variables.extend(old.map(|old| ("oldSelf", old)));
            let (result, spent) = evaluate(expr, variables);
            cost = spent;
            if let Ok(Value::String(text)) = result {
                let text = text.trim();
                if !text.is_empty() && text.len() <= LONGEST_MESSAGE && !text.contains('\n') {
                    return (text.to_owned(), cost);
                }
            }
        }
        match self.0.message.trim() {
            "" => (format!("failed rule: {}", self.0.rule.trim()), cost),
            message => (message.to_owned(), cost),
        }
    }

    /// How errors name the rule.
    fn shown(&self) -> &str {
        if self.0.message.is_empty() { self.0.rule.trim() } else { self.0.message.trim() }
    }

    /// The error of a value that fails.
    pub(super) fn error(
        &self,
        schema: &Schema,
        value: &Json,
        path: FieldPath<'_>,
        detail: String,
    ) -> FieldError {
        let found = field_path::resolve(&self.0.field_path, schema, Brackets::Allowed);
        let below = found.ok().map(|found| found.path).filter(|below| !below.is_empty());
        let field = match (path.to_string(), below) {
            (path, None) if path.is_empty() => "<nil>".to_owned(),
            (path, None) => path,
            (path, Some(below)) if path.is_empty() => below,
            (path, Some(below)) => format!("{path}.{below}"),
        };
        // Objects and lists are not shown.
        let value = (!value.is_object() && !value.is_array()).then(|| value.clone());
        match self.0.reason.as_deref() {
            Some("FieldValueForbidden") => FieldError::forbidden(field, detail),
            Some("FieldValueRequired") => FieldError::required(field, detail),
            Some("FieldValueDuplicate") => FieldError::new(FieldErrorKind::Duplicate, field, value, ""),
            _ => FieldError::new(FieldErrorKind::Invalid, field, value, detail),
        }
    }
}

/// Whether a variable of this name is used anywhere.
fn mentions(expr: &Expr, name: &str) -> bool {
    matches!(&expr.kind, Kind::Ident(ident) if ident == name)
        || expr.parts().into_iter().any(|part| mentions(part, name))
}
