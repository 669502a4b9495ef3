//! Label selectors: `env in (a,b),tier!=web,!legacy` (apimachinery/pkg/labels/selector.go), and the
//! `metav1.LabelSelector` of workloads, which means the same in JSON.

mod lexer;
mod parser;

use crate::builtins::names;
use crate::field_error::{FieldError, FieldPath, aggregate};
use serde_json::{Map, Value};
use std::fmt;

/// What labels an object must have. The empty selector selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
    nothing: bool,
}

/// One part of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    /// Sorted, each once.
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    DoubleEquals,
    NotEquals,
    In,
    NotIn,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

impl LabelSelector {
    /// Reads the text form.
    ///
    /// # Errors
    /// Kubernetes' text, e.g. `unable to parse requirement: found 'prod' expected: '('`.
    pub fn parse(text: &str) -> Result<LabelSelector, String> {
        let mut requirements = parser::parse(text)?;
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(LabelSelector { requirements, nothing: false })
    }

    /// Reads a `metav1.LabelSelector`; none selects nothing, an empty one everything.
    ///
    /// # Errors
    /// A text for an unknown operator or a malformed value.
    pub fn from_value(selector: Option<&Value>) -> Result<LabelSelector, String> {
        let Some(selector) = selector.filter(|s| !s.is_null()) else {
            return Ok(LabelSelector { requirements: Vec::new(), nothing: true });
        };
        let mut requirements = Vec::new();
        for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
            let values = vec![value.as_str().unwrap_or_default().to_owned()];
            requirements.push(Requirement::new(key, Operator::Equals, values)?);
        }
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        for expression in expressions.into_iter().flatten() {
            let text = |key: &str| expression.get(key).and_then(Value::as_str).unwrap_or_default();
            let operator = match text("operator") {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(format!("\"{other}\" is not a valid label selector operator")),
            };
            let values = expression.get("values").and_then(Value::as_array);
            let values = values.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            requirements.push(Requirement::new(text("key"), operator, values)?);
        }
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(LabelSelector { requirements, nothing: false })
    }

    /// Reads a plain map of labels, as Services and ReplicationControllers have.
    pub fn from_labels(labels: &Map<String, Value>) -> LabelSelector {
        let requirement = |(key, value): (&String, &Value)| Requirement {
            key: key.clone(),
            operator: Operator::Equals,
            values: vec![value.as_str().unwrap_or_default().to_owned()],
        };
        LabelSelector { requirements: labels.iter().map(requirement).collect(), nothing: false }
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty() && !self.nothing
    }

    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        !self.nothing && self.requirements.iter().all(|requirement| requirement.matches(labels))
    }

    /// Whether this object is selected by its `metadata.labels`.
    pub fn matches_object(&self, object: &Value) -> bool {
        self.is_empty() || self.matches(object.pointer("/metadata/labels").and_then(Value::as_object))
    }
}

impl Requirement {
    fn new(key: &str, operator: Operator, mut values: Vec<String>) -> Result<Requirement, String> {
        values.sort();
        values.dedup();
        let mut errors = Vec::new();
        let bad_key = names::qualified_name(key);
        if !bad_key.is_empty() {
            errors.push(FieldError::invalid("key", key, bad_key.join("; ")));
        }
        let invalid_values = |text: &str| FieldError::invalid("values", Value::from(values.clone()), text);
        match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                errors.push(invalid_values("for 'in', 'notin' operators, values set can't be empty"));
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                errors.push(invalid_values("values set must be empty for exists and does not exist"));
            }
            Operator::GreaterThan | Operator::LessThan => {
                for (i, value) in values.iter().enumerate().filter(|(_, value)| value.parse::<i64>().is_err())
                {
                    let text = "for 'Gt', 'Lt' operators, the value must be an integer";
                    errors.push(FieldError::invalid(format!("values[{i}]"), value.as_str(), text));
                }
            }
            _ => {}
        }
        for (i, value) in values.iter().enumerate() {
            let bad = names::label_value(value);
            if !bad.is_empty() {
                let path = FieldPath::root("values");
                let path = path.index(i);
                errors.push(FieldError::invalid(path.key(key), value.as_str(), bad.join("; ")));
            }
        }
        if !errors.is_empty() {
            return Err(aggregate(&errors));
        }
        Ok(Requirement { key: key.to_owned(), operator, values })
    }

    fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        let value = labels.and_then(|labels| labels.get(&self.key)).map(|v| v.as_str().unwrap_or_default());
        let listed = |value: &str| self.values.binary_search_by(|v| v.as_str().cmp(value)).is_ok();
        let compared = |holds: fn(i64, i64) -> bool| {
            let number = value.and_then(|v| v.parse::<i64>().ok());
            let bound = self.values.first().and_then(|v| v.parse::<i64>().ok());
            matches!((number, bound), (Some(number), Some(bound)) if holds(number, bound))
        };
        match self.operator {
            Operator::Equals | Operator::DoubleEquals | Operator::In => value.is_some_and(listed),
            Operator::NotEquals | Operator::NotIn => !value.is_some_and(listed),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan => compared(|number, bound| number > bound),
            Operator::LessThan => compared(|number, bound| number < bound),
        }
    }
}

/// The text form, as `status.selector` of a scale shows it: parts sorted by key, values sorted.
impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, requirement) in self.requirements.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{requirement}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Requirement { key, operator, values } = self;
        let values = values.join(",");
        match operator {
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

/// The text form of a `metav1.LabelSelector` (`metav1.FormatLabelSelector`): `key=value` for matchLabels.
pub fn format(selector: Option<&Value>) -> String {
    match LabelSelector::from_value(selector) {
        Err(_) => "<error>".to_owned(),
        Ok(selector) if selector.nothing || selector.is_empty() => "<none>".to_owned(),
        Ok(selector) => selector.to_string(),
    }
}

/// The text form that `/scale` shows in `status.selector`.
pub fn scale_selector(selector: Option<&Value>) -> Result<String, String> {
    Ok(LabelSelector::from_value(selector)?.to_string())
}

/// Checks a `metav1.LabelSelector` in an object (apimachinery/pkg/apis/meta/v1/validation).
pub fn validate(selector: &Value, path: &str) -> Vec<FieldError> {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let mut errors = crate::builtins::meta::validate_labels(labels, &format!("{path}.matchLabels"));
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    for (i, expression) in expressions.into_iter().flatten().enumerate() {
        let path = format!("{path}.matchExpressions[{i}]");
        let text = |key: &str| expression.get(key).and_then(Value::as_str).unwrap_or_default();
        let values =
            expression.get("values").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        check_operator(text("operator"), values, &path, &mut errors);
        let bad = names::qualified_name(text("key")).into_iter();
        errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.key"), text("key"), e)));
        for (j, value) in values.iter().enumerate() {
            let value = value.as_str().unwrap_or_default();
            let bad = names::label_value(value).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.values[{j}]"), value, e)));
        }
    }
    errors
}

/// Checks that an operator has values if it needs some, and none if it needs none.
pub(crate) fn check_operator(operator: &str, values: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    match (operator, values.is_empty()) {
        ("In" | "NotIn", true) => {
            let detail = "must be specified when `operator` is 'In' or 'NotIn'";
            errors.push(FieldError::required(format!("{path}.values"), detail));
        }
        ("Exists" | "DoesNotExist", false) => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(FieldError::forbidden(format!("{path}.values"), detail));
        }
        ("In" | "NotIn" | "Exists" | "DoesNotExist", _) => {}
        (operator, _) => errors.push(unknown_operator(operator, path)),
    }
}

/// There is no such operator, or not in this place.
pub(crate) fn unknown_operator(operator: &str, path: &str) -> FieldError {
    FieldError::invalid(format!("{path}.operator"), operator, "not a valid selector operator")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn labels(pairs: &[(&str, &str)]) -> Map<String, Value> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect()
    }

    #[test]
    fn matching() {
        let prod = labels(&[("env", "prod"), ("n", "5"), ("empty", "")]);
        for (selector, expected) in [
            ("", true),
            ("env=prod", true),
            ("env == prod", true),
            ("env!=prod", false),
            ("missing!=x", true),
            ("env in (dev, prod)", true),
            ("env notin (dev)", true),
            ("missing notin (dev)", true),
            ("env", true),
            ("!env", false),
            ("!missing", true),
            ("empty=", true),
            ("empty", true),
            ("empty in ()", true),
            ("env in ()", false),
            ("n>4", true),
            ("n<5", false),
            ("env>1", false),
            (" env = prod , n ", true),
            ("env in (in,prod)", true),
        ] {
            let parsed = LabelSelector::parse(selector).unwrap();
            assert_eq!(parsed.matches(Some(&prod)), expected, "{selector}");
        }
        assert!(!LabelSelector::parse("env").unwrap().matches(None));
    }

    #[test]
    fn errors() {
        for (selector, expected) in [
            ("env in prod", "unable to parse requirement: found 'prod' expected: '('"),
            ("env=bad value!", "found 'value', expected: ',' or 'end of string'"),
            ("a,,b", "found ',', expected: identifier after ','"),
            (",", "found ',', expected: !, identifier, or 'end of string'"),
            ("a=(", "unable to parse requirement: found '(', expected: identifier"),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            (
                "n>x",
                r#"unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer"#,
            ),
        ] {
            assert_eq!(LabelSelector::parse(selector), Err(expected.to_owned()), "{selector}");
        }
        let error = LabelSelector::parse("env=-x").unwrap_err();
        assert!(error.starts_with(
            r#"unable to parse requirement: values[0][env]: Invalid value: "-x": a valid label"#
        ));
        let error = LabelSelector::parse("-x=y").unwrap_err();
        assert!(
            error.starts_with(r#"unable to parse requirement: <nil>: Invalid value: "-x": name part must"#)
        );
    }

    #[test]
    fn selectors_of_workloads() {
        let selector = json!({"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "env", "operator": "In", "values": ["x", "b"]}]});
        let parsed = LabelSelector::from_value(Some(&selector)).unwrap();
        assert!(parsed.matches(Some(&labels(&[("app", "a"), ("env", "b")]))));
        assert!(!parsed.matches(Some(&labels(&[("app", "a")]))));
        assert_eq!(scale_selector(Some(&selector)), Ok("app=a,env in (b,x)".into()));
        assert!(!LabelSelector::from_value(None).unwrap().matches(None));
        assert!(LabelSelector::from_value(Some(&json!({}))).unwrap().matches(None));
        assert_eq!(format(None), "<none>");
        let bad = json!({"matchExpressions": [{"key": "a", "operator": "In"}]});
        assert_eq!(
            validate(&bad, "spec.selector").iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
            ]
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "[a-c/ =!<>(),inot\u{e9}.-]{0,24}") {
            let _ = LabelSelector::parse(&text);
        }

        #[test]
        fn what_is_printed_parses_to_the_same(text in "!?[a-c]( in \\([a-c],[a-c]?\\)|=[a-c]|==|!=[a-c]|>[0-9])?(,[d-f](=x)?)?") {
            if let Ok(selector) = LabelSelector::parse(&text) {
                prop_assert_eq!(LabelSelector::parse(&selector.to_string()), Ok(selector));
            }
        }
    }
}
