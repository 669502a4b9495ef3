//! One violated rule of one field, in the words of Kubernetes
//! (apimachinery/pkg/util/validation/field/errors.go).

use crate::go_text;
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;

/// The kind of a [`FieldError`]; decides its `reason` and the first words of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldErrorKind {
    /// `FieldValueNotFound`: "Not found".
    NotFound,
    /// `FieldValueRequired`: "Required value".
    Required,
    /// `FieldValueDuplicate`: "Duplicate value".
    Duplicate,
    /// `FieldValueInvalid`: "Invalid value".
    Invalid,
    /// `FieldValueNotSupported`: "Unsupported value".
    NotSupported,
    /// `FieldValueForbidden`: "Forbidden".
    Forbidden,
    /// `FieldValueTooLong`: "Too long".
    TooLong,
    /// `FieldValueTooShort`: "Too short".
    TooShort,
    /// `FieldValueTooMany`: "Too many".
    TooMany,
    /// `FieldValueTooFew`: "Too few".
    TooFew,
    /// `InternalError`: "Internal error".
    Internal,
    /// `FieldValueTypeInvalid`: "Invalid value".
    TypeInvalid,
}

impl FieldErrorKind {
    /// The `reason` of the cause in a `Status`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooShort => "FieldValueTooShort",
            Self::TooMany => "FieldValueTooMany",
            Self::TooFew => "FieldValueTooFew",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    /// The first words of the text.
    pub fn title(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooShort => "Too short",
            Self::TooMany => "Too many",
            Self::TooFew => "Too few",
            Self::Internal => "Internal error",
        }
    }

    fn shows_value(self) -> bool {
        !matches!(self, Self::Required | Self::Forbidden | Self::TooLong | Self::TooShort | Self::Internal)
    }
}

/// One violated rule of one field. `to_string()` is Kubernetes' text, path first; [`message`](FieldError::message)
/// the text without the path.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// What is wrong in general.
    pub kind: FieldErrorKind,
    /// The field's path, e.g. `spec.containers[0].name`; `<nil>` where Kubernetes has none.
    pub field: String,
    /// The offending value, where the text shows one.
    pub value: Option<Value>,
    /// What is wrong in particular; may be empty.
    pub detail: String,
}

impl FieldError {
    /// A value that should exist elsewhere does not.
    pub fn not_found(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(FieldErrorKind::NotFound, field, Some(value.into()), "")
    }

    /// A required value is missing. `detail` may be empty.
    pub fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Required, field, None, detail)
    }

    /// A value that must be unique is there twice.
    pub fn duplicate(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(FieldErrorKind::Duplicate, field, Some(value.into()), "")
    }

    /// A malformed value.
    pub fn invalid(field: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Invalid, field, Some(value.into()), detail)
    }

    /// One error for each text of what is wrong with a value.
    pub fn invalid_for_each(field: &str, value: &str, details: Vec<String>) -> Vec<Self> {
        details.into_iter().map(|detail| Self::invalid(field, value, detail)).collect()
    }

    /// A value of the wrong JSON type.
    pub fn type_invalid(
        field: impl Into<String>,
        value: impl Into<Value>,
        detail: impl Into<String>,
    ) -> Self {
        Self::new(FieldErrorKind::TypeInvalid, field, Some(value.into()), detail)
    }

    /// A value outside an enumeration; the supported ones are shown in the order given.
    pub fn not_supported<S: AsRef<str>>(
        field: impl Into<String>,
        value: impl Into<Value>,
        supported: impl IntoIterator<Item = S>,
    ) -> Self {
        let quoted: Vec<String> = supported.into_iter().map(|value| go_text::quote(value.as_ref())).collect();
        let detail = if quoted.is_empty() {
            String::new()
        } else {
            format!("supported values: {}", quoted.join(", "))
        };
        Self::new(FieldErrorKind::NotSupported, field, Some(value.into()), detail)
    }

    /// A value that is not permitted here or now.
    pub fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Forbidden, field, None, detail)
    }

    /// A value of more than `most` bytes; the value itself is not shown.
    pub fn too_long(field: impl Into<String>, most: usize) -> Self {
        let unit = if most == 1 { "byte" } else { "bytes" };
        Self::new(FieldErrorKind::TooLong, field, None, format!("may not be more than {most} {unit}"))
    }

    /// A value of more than `most` characters; the value itself is not shown.
    pub fn too_long_characters(field: impl Into<String>, most: usize) -> Self {
        let unit = if most == 1 { "character" } else { "characters" };
        Self::new(FieldErrorKind::TooLong, field, None, format!("may not be more than {most} {unit}"))
    }

    /// A value of less than `least` characters; the value itself is not shown.
    pub fn too_short(field: impl Into<String>, least: usize) -> Self {
        let unit = if least == 1 { "character" } else { "characters" };
        Self::new(FieldErrorKind::TooShort, field, None, format!("must be at least {least} {unit}"))
    }

    /// A list of `actual` items, more than `most`.
    pub fn too_many(field: impl Into<String>, actual: usize, most: usize) -> Self {
        let unit = if most == 1 { "item" } else { "items" };
        Self::new(
            FieldErrorKind::TooMany,
            field,
            Some(actual.into()),
            format!("must have at most {most} {unit}"),
        )
    }

    /// Something that is not the client's fault.
    pub fn internal(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Internal, field, None, detail)
    }

    /// Any error; `value` is `None` where Kubernetes leaves it out.
    pub fn new(
        kind: FieldErrorKind,
        field: impl Into<String>,
        value: Option<Value>,
        detail: impl Into<String>,
    ) -> Self {
        Self { kind, field: field.into(), value, detail: detail.into() }
    }

    /// The text without the path, as in the causes of a `Status`.
    pub fn message(&self) -> String {
        let mut text = self.kind.title().to_owned();
        if let (true, Some(value)) = (self.kind.shows_value(), &self.value) {
            text.push_str(": ");
            text.push_str(&match value {
                Value::String(value) => go_text::quote(value),
                Value::Number(number) => go_text::number(number),
                value => go_text::json(value),
            });
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message())
    }
}

/// The texts of several errors as one (`ErrorList.ToAggregate().Error()`): each once, in brackets when there are several.
pub fn aggregate(errors: &[FieldError]) -> String {
    aggregate_texts(&errors.iter().map(FieldError::to_string).collect::<Vec<_>>())
}

/// Several texts as one: each once, in brackets when there are several (apimachinery/pkg/util/errors/errors.go).
pub fn aggregate_texts(texts: &[String]) -> String {
    let mut told = HashSet::new();
    let once: Vec<&str> = texts.iter().map(String::as_str).filter(|text| told.insert(*text)).collect();
    match once.as_slice() {
        [only] => (*only).to_owned(),
        several => format!("[{}]", several.join(", ")),
    }
}

/// A field's path that costs nothing until it is shown.
#[derive(Clone, Copy, Debug)]
pub struct FieldPath<'a> {
    parent: Option<&'a FieldPath<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root(&'a str),
    Child(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> FieldPath<'a> {
    /// A path to start from; empty for an object's root.
    pub const fn root(path: &'a str) -> Self {
        Self { parent: None, step: Step::Root(path) }
    }

    /// Whether this is the object itself.
    pub fn is_root(&self) -> bool {
        matches!(self.step, Step::Root(""))
    }

    /// `self.name`.
    pub fn child(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Child(name) }
    }

    /// `self[index]`.
    pub fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    /// `self[key]`.
    pub fn key(&'a self, key: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Key(key) }
    }
}

impl fmt::Display for FieldPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = Vec::new();
        let mut path = Some(self);
        while let Some(FieldPath { parent, step }) = path {
            steps.push(step);
            path = *parent;
        }
        let mut empty = true;
        for step in steps.into_iter().rev() {
            match step {
                Step::Root(path) => f.write_str(path)?,
                Step::Child(name) if empty => f.write_str(name)?,
                Step::Child(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => write!(f, "[{key}]")?,
            }
            empty = empty && matches!(step, Step::Root(""));
        }
        Ok(())
    }
}

impl From<FieldPath<'_>> for String {
    fn from(path: FieldPath<'_>) -> Self {
        path.to_string()
    }
}

impl From<&FieldPath<'_>> for String {
    fn from(path: &FieldPath<'_>) -> Self {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_those_of_kubernetes() {
        let table = [
            (FieldError::required("spec", ""), "spec: Required value"),
            (
                FieldError::required("spec", "name or generateName is required"),
                "spec: Required value: name or generateName is required",
            ),
            (FieldError::invalid("a", "x\n", "bad"), r#"a: Invalid value: "x\n": bad"#),
            (FieldError::invalid("a", 5, "bad"), "a: Invalid value: 5: bad"),
            (FieldError::invalid("a", 1.5, "bad"), "a: Invalid value: 1.5: bad"),
            (FieldError::invalid("a", Value::Null, "bad"), "a: Invalid value: null: bad"),
            (
                FieldError::invalid("a", json!({"b": ["<"]}), "bad"),
                "a: Invalid value: {\"b\":[\"\\u003c\"]}: bad",
            ),
            (
                FieldError::not_supported("a", "x", ["a", "b"]),
                r#"a: Unsupported value: "x": supported values: "a", "b""#,
            ),
            (FieldError::duplicate("l[1]", json!({"k": "a"})), r#"l[1]: Duplicate value: {"k":"a"}"#),
            (FieldError::forbidden("a", "may not be changed"), "a: Forbidden: may not be changed"),
            (FieldError::too_long("a", 63), "a: Too long: may not be more than 63 bytes"),
            (FieldError::too_long("a", 1), "a: Too long: may not be more than 1 byte"),
            (FieldError::too_many("a", 3, 2), "a: Too many: 3: must have at most 2 items"),
            (FieldError::not_found("a", "x"), r#"a: Not found: "x""#),
            (FieldError::internal("a", "oops"), "a: Internal error: oops"),
        ];
        for (error, text) in table {
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn several_errors_are_bracketed_and_said_once() {
        let error = FieldError::required("a", "");
        assert_eq!(aggregate(std::slice::from_ref(&error)), "a: Required value");
        assert_eq!(
            aggregate(&[error.clone(), FieldError::required("b", ""), error]),
            "[a: Required value, b: Required value]"
        );
    }

    #[test]
    fn paths_read_as_in_kubernetes() {
        let root = FieldPath::root("");
        let spec = root.child("spec");
        let list = spec.child("list");
        let item = list.index(2);
        assert_eq!(item.child("k").to_string(), "spec.list[2].k");
        assert_eq!(spec.key("a.b").to_string(), "spec[a.b]");
        assert_eq!(FieldPath::root("metadata").child("name").to_string(), "metadata.name");
    }
}
