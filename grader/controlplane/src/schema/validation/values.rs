//! Types and restrictions (kube-openapi/pkg/validation/validate).
//!
//! The order of the checks and the counting of matched ones follow Kubernetes, because among failed alternatives of
//! `anyOf` and `oneOf` it shows the errors of the one that matched most.

use super::super::{Schema, Type};
use super::numbers::{Number64, is_supported, is_whole};
use super::{Format, OldItems, equal, old_field};
use crate::field_error::{FieldError, FieldErrorKind, FieldPath};
use crate::go_text;
use serde_json::Value;

/// So many errors of one object are told. Kubernetes tells all of them, of which nobody reads the last ones.
const MOST_ERRORS: usize = 1_000;

/// Checks a value; `below` is the path of the value itself, which texts leave out.
pub(super) fn validate(
    schema: &Schema,
    new: &Value,
    old: Option<&Value>,
    below: Option<&str>,
) -> Vec<FieldError> {
    let check = Check { below };
    check.ratcheted(schema, new, old, FieldPath::root("")).errors
}

#[derive(Default)]
pub(super) struct Outcome {
    errors: Vec<FieldError>,
    pub(super) matched: u32,
}

impl Outcome {
    fn merge(&mut self, other: Outcome) {
        self.matched += other.matched;
        other.errors.into_iter().for_each(|error| self.add(error));
    }

    /// Adds an error once.
    pub(super) fn add(&mut self, error: FieldError) {
        if self.errors.len() < MOST_ERRORS && !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Check<'a> {
    below: Option<&'a str>,
}

impl Check<'_> {
    /// Checks a value and forgives its errors when it equals the old one.
    fn ratcheted(self, schema: &Schema, new: &Value, old: Option<&Value>, path: FieldPath<'_>) -> Outcome {
        let mut outcome = self.value(schema, new, old, path);
        if let (false, Some(old)) = (outcome.errors.is_empty(), old)
            && equal(schema, new, old)
        {
            outcome.errors.clear();
        }
        outcome
    }

    fn value(self, schema: &Schema, value: &Value, old: Option<&Value>, path: FieldPath<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        if value.is_null() {
            outcome.merge(self.type_of(schema, value, path));
            self.check_enum(schema, value, path, &mut outcome);
            return outcome;
        }
        // What stands for itself may be of any type where integers and texts are wanted: Kubernetes does not look.
        let is_either = schema.int_or_string && self.below.is_none();
        if schema.type_.is_some() || is_either || schema.validation.format.is_some() {
            outcome.merge(self.type_of(schema, value, path));
            outcome.matched += 1;
        }
        outcome.merge(self.alternatives(schema, value, path));
        outcome.matched += 1;
        match value {
            Value::String(text) => {
                self.check_string(schema, text, path, &mut outcome);
                outcome.matched += 1;
                if let Some(format @ Format::Text(_)) = &schema.validation.format {
                    if format.is_violated_by(text) {
                        outcome.add(self.wrong_type(
                            path,
                            schema.format.as_deref().unwrap_or_default(),
                            text,
                        ));
                    }
                    outcome.matched += 1;
                }
            }
            Value::Number(number) => {
                self.check_number(schema, Number64::of(number), path, &mut outcome);
                outcome.matched += 2;
            }
            Value::Array(items) => {
                self.check_items(schema, items, old, path, &mut outcome);
                outcome.matched += 2;
            }
            _ => {}
        }
        self.check_enum(schema, value, path, &mut outcome);
        outcome.matched += 1;
        if let Value::Object(_) = value {
            self.check_fields(schema, value, old, path, &mut outcome);
            outcome.matched += 1;
        }
        outcome.matched += 1;
        outcome
    }

    fn type_of(self, schema: &Schema, value: &Value, path: FieldPath<'_>) -> Outcome {
        let allowed: &[Type] = match (&schema.type_, schema.int_or_string) {
            (_, true) => &[Type::Integer, Type::String],
            (Some(type_), false) => std::slice::from_ref(type_),
            (None, false) => &[],
        };
        let names = || allowed.iter().map(|type_| type_.name()).collect::<Vec<_>>().join(",");
        let passed = Outcome { errors: Vec::new(), matched: 1 };
        let failed = |error| Outcome { errors: vec![error], matched: 0 };
        let (name, format) = match value {
            Value::Null if allowed.is_empty() || schema.nullable => return passed,
            Value::Null => return failed(self.wrong_type(path, &names(), "null")),
            Value::Bool(_) => ("boolean", ""),
            Value::String(_) => ("string", ""),
            Value::Array(_) => ("array", ""),
            Value::Object(_) => ("object", ""),
            Value::Number(number) => match Number64::of(number) {
                Number64::Integer(_) => ("integer", "int64"),
                Number64::Float(_) => ("number", "float64"),
            },
        };
        let is_allowed = allowed.iter().any(|type_| type_.name() == name)
            || name == "integer" && allowed.contains(&Type::Number)
            || name == "number" && allowed.contains(&Type::Integer) && value.as_f64().is_some_and(is_whole);
        let is_text = matches!(value, Value::String(_) | Value::Array(_));
        if schema.validation.format.is_some() {
            let expected = schema.format.as_deref().unwrap_or_default();
            if !is_text && !is_allowed && format != expected {
                return failed(self.wrong_type(path, expected, format));
            }
            // Strings and lists with a format are only checked by the format, unless a number is expected.
            if is_text && !allowed.contains(&Type::Number) && !allowed.contains(&Type::Integer) {
                return passed;
            }
        }
        if is_allowed { passed } else { failed(self.wrong_type(path, &names(), name)) }
    }

    fn alternatives(self, schema: &Schema, value: &Value, path: FieldPath<'_>) -> Outcome {
        let validation = &schema.validation;
        let mut outcome = Outcome::default();
        // Inside of alternatives nothing is correlated with the old value.
        let check = |schema: &Schema| self.value(schema, value, None, path);
        if !validation.any_of.is_empty() {
            let (valid, best) = self.best(validation.any_of.iter().map(|schema| check(schema)), true);
            if valid == 0 {
                outcome.add(self.plain(path, "must validate at least one schema (anyOf)"));
            }
            outcome.merge(best);
        }
        if !validation.one_of.is_empty() {
            let (valid, best) = self.best(validation.one_of.iter().map(|schema| check(schema)), false);
            match valid {
                1 => outcome.merge(best),
                0 => {
                    outcome.add(
                        self.plain(path, "must validate one and only one schema (oneOf). Found none valid"),
                    );
                    outcome.merge(best);
                }
                _ => {
                    let text = format!(
                        "must validate one and only one schema (oneOf). Found {valid} valid alternatives"
                    );
                    outcome.add(self.plain(path, &text));
                }
            }
        }
        if !validation.all_of.is_empty() {
            let mut valid = 0;
            for schema in &validation.all_of {
                let result = check(schema);
                valid += usize::from(result.errors.is_empty());
                outcome.merge(result);
            }
            if valid != validation.all_of.len() {
                let none = if valid == 0 { ". None validated" } else { "" };
                outcome.add(self.plain(path, &format!("must validate all the schemas (allOf){none}")));
            }
        }
        if let Some(schema) = &validation.not
            && check(schema).errors.is_empty()
        {
            outcome.add(self.plain(path, "must not validate the schema (not)"));
        }
        outcome.matched += 1;
        outcome
    }

    /// How many outcomes are valid, and the first valid one or else the invalid one that matched most.
    fn best(self, outcomes: impl Iterator<Item = Outcome>, stop_at_valid: bool) -> (usize, Outcome) {
        let mut valid = 0;
        let mut best: Option<Outcome> = None;
        for outcome in outcomes {
            if outcome.errors.is_empty() {
                if valid == 0 {
                    best = Some(outcome);
                }
                valid += 1;
                if stop_at_valid {
                    break;
                }
            } else if valid == 0 && best.as_ref().is_none_or(|best| outcome.matched > best.matched) {
                best = Some(outcome);
            }
        }
        (valid, best.unwrap_or_default())
    }

    /// The first violated restriction of a string.
    fn check_string(self, schema: &Schema, text: &str, path: FieldPath<'_>, outcome: &mut Outcome) {
        let validation = &schema.validation;
        let length = || i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        let error = if let Some(most) = validation.max_length.filter(|most| length() > *most) {
            FieldError::too_long(self.field(path), usize::try_from(most).unwrap_or_default())
        } else if let Some(least) = validation.min_length.filter(|least| length() < *least) {
            self.invalid(path, text, format!("should be at least {least} chars long"))
        } else if let Some(pattern) = validation.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            self.invalid(path, text, format!("should match '{}'", pattern.source()))
        } else {
            return;
        };
        outcome.add(error);
    }

    fn check_items(
        self,
        schema: &Schema,
        items: &[Value],
        old: Option<&Value>,
        path: FieldPath<'_>,
        outcome: &mut Outcome,
    ) {
        if let Some(item_schema) = &schema.items {
            let old_items = OldItems::of(schema, old);
            for (index, item) in items.iter().enumerate() {
                outcome.merge(self.ratcheted(item_schema, item, old_items.get(item), path.index(index)));
            }
        }
        let validation = &schema.validation;
        if let Some(least) = validation.min_items.filter(|least| (items.len() as i64) < *least) {
            outcome.add(self.invalid(path, items.len(), format!("should have at least {least} items")));
        }
        if let Some(most) = validation.max_items.filter(|most| items.len() as i64 > *most) {
            outcome.add(FieldError::too_many(
                self.field(path),
                items.len(),
                usize::try_from(most).unwrap_or_default(),
            ));
        }
        if validation.unique_items && (1..items.len()).any(|index| items[..index].contains(&items[index])) {
            outcome.add(self.invalid(path, "", "shouldn't contain duplicates".to_owned()));
        }
    }

    fn check_fields(
        self,
        schema: &Schema,
        value: &Value,
        old: Option<&Value>,
        path: FieldPath<'_>,
        outcome: &mut Outcome,
    ) {
        let Some(fields) = value.as_object() else { return };
        let validation = &schema.validation;
        if let Some(least) = validation.min_properties.filter(|least| (fields.len() as i64) < *least) {
            outcome.add(self.invalid(path, fields.len(), format!("should have at least {least} properties")));
        }
        if let Some(most) = validation.max_properties.filter(|most| fields.len() as i64 > *most) {
            outcome.add(FieldError::too_many(
                self.field(path),
                fields.len(),
                usize::try_from(most).unwrap_or_default(),
            ));
        }
        for (key, value) in fields {
            let child = path.child(key);
            let declared = schema.properties.get(key);
            if declared.is_none() && schema.forbids_additional_properties {
                let detail = format!("{child} in body is a forbidden property");
                outcome.add(FieldError::invalid(self.field(path), key.as_str(), detail));
            }
            if let Some(field_schema) = declared.or(schema.additional_properties.as_ref()) {
                // Both versions of an object have been converted to the same type: a change of it is not visible.
                let is_type_meta = path.is_root() && matches!(key.as_str(), "apiVersion" | "kind");
                let old = old.filter(|_| !is_type_meta).and_then(|old| old_field(schema, old, key));
                outcome.merge(self.ratcheted(field_schema, value, old, child));
            }
        }
        for key in &schema.required {
            if !fields.contains_key(key) {
                outcome.add(FieldError::required(self.field(path.child(key)), ""));
            }
        }
    }

    fn check_enum(self, schema: &Schema, value: &Value, path: FieldPath<'_>, outcome: &mut Outcome) {
        let supported = &schema.validation.enum_;
        if supported.is_empty() || supported.iter().any(|supported| is_supported(value, supported)) {
            return;
        }
        let shown = supported.iter().map(|value| match value {
            Value::String(text) => text.clone(),
            value => go_text::json(value),
        });
        outcome.add(FieldError::not_supported(self.field(path), value.clone(), shown));
    }

    /// `found` is the name of the type that is there, or the text that does not have the format.
    fn wrong_type(self, path: FieldPath<'_>, expected: &str, found: &str) -> FieldError {
        let detail = format!("{path} in body must be of type {expected}: {}", go_text::quote(found));
        FieldError::new(FieldErrorKind::TypeInvalid, self.field(path), Some(found.into()), detail)
    }

    pub(super) fn invalid(self, path: FieldPath<'_>, value: impl Into<Value>, detail: String) -> FieldError {
        FieldError::invalid(self.field(path), value, format!("{path} in body {detail}"))
    }

    /// An error that Kubernetes does not attach to a field.
    fn plain(self, path: FieldPath<'_>, text: &str) -> FieldError {
        FieldError::invalid(self.nowhere(), "", format!("{} {text}", go_text::quote(&path.to_string())))
    }

    pub(super) fn nowhere(self) -> String {
        self.below.unwrap_or("<nil>").to_owned()
    }

    fn field(self, path: FieldPath<'_>) -> String {
        match (self.below, path.is_root()) {
            (_, true) => self.nowhere(),
            (None, false) => path.to_string(),
            (Some(below), false) => format!("{below}.{path}"),
        }
    }
}
