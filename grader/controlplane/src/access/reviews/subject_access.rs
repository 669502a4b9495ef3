//! SubjectAccessReview and its two relatives: may somebody do something?
//! (pkg/registry/authorization, pkg/apis/authorization/validation/validation.go)

use super::selectors;
use crate::access::{AccessControl, Attributes, Decision, ResourceAttributes, Target, User};
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::verbs::write::Write;
use serde_json::{Map, Value, json};

const GROUP: &str = "authorization.k8s.io";

/// SelfSubjectAccessReview.
pub(super) fn of_requester(
    control: &AccessControl,
    write: &Write<'_>,
    review: Value,
) -> Result<Value, ApiError> {
    let mut errors = either_kind_of_attributes(&review["spec"]);
    errors.extend(selectors::validate(&review["spec"]["resourceAttributes"]));
    errors.extend(bare_metadata(&review, &[], "must be empty"));
    refuse(&errors)?;
    Ok(answered(control, &write.user, review))
}

/// SubjectAccessReview.
pub(super) fn of_anybody(
    control: &AccessControl,
    _write: &Write<'_>,
    review: Value,
) -> Result<Value, ApiError> {
    let mut errors = subject(&review["spec"]);
    errors.extend(bare_metadata(&review, &[], "must be empty"));
    refuse(&errors)?;
    let user = named_user(&review["spec"]);
    Ok(answered(control, &user, review))
}

/// LocalSubjectAccessReview.
pub(super) fn of_anybody_here(
    control: &AccessControl,
    write: &Write<'_>,
    review: Value,
) -> Result<Value, ApiError> {
    let spec = &review["spec"];
    let mut errors = subject(spec);
    errors.extend(bare_metadata(&review, &["namespace"], "must be empty except for namespace"));
    if spec.get("resourceAttributes").is_some() {
        let namespace = text(&spec["resourceAttributes"], "namespace");
        if namespace != write.namespace {
            let field = "spec.resourceAttributes.namespace";
            errors.push(FieldError::invalid(field, namespace, "must match metadata.namespace"));
        }
    }
    if let Some(attributes) = spec.get("nonResourceAttributes") {
        let shown = shown_path(attributes);
        let why = "disallowed on this kind of request";
        errors.push(FieldError::invalid("spec.nonResourceAttributes", shown, why));
    }
    refuse(&errors)?;
    let user = named_user(spec);
    Ok(answered(control, &user, review))
}

/// The review with its answer.
fn answered(control: &AccessControl, user: &User, mut review: Value) -> Value {
    let spec = &review["spec"];
    let target = match spec.get("resourceAttributes") {
        Some(attributes) => Target::Resource(ResourceAttributes {
            group: text(attributes, "group"),
            resource: text(attributes, "resource"),
            subresource: text(attributes, "subresource"),
            namespace: text(attributes, "namespace"),
            name: text(attributes, "name"),
        }),
        None => Target::Path(text(&spec["nonResourceAttributes"], "path")),
    };
    let verb = spec.get("resourceAttributes").unwrap_or(&spec["nonResourceAttributes"]);
    let Decision { allowed, reason } = control.decide(&Attributes { user, verb: text(verb, "verb"), target });
    let problems = selectors::problems(&spec["resourceAttributes"]);
    let mut status = Map::new();
    status.insert("allowed".into(), allowed.into());
    for (key, text) in [("reason", reason), ("evaluationError", problems.join("; "))] {
        if !text.is_empty() {
            status.insert(key.into(), text.into());
        }
    }
    review["status"] = status.into();
    review
}

fn named_user(spec: &Value) -> User {
    let texts = |list: Option<&Value>| {
        let list = list.and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let extra = spec.get("extra").and_then(Value::as_object).into_iter().flatten();
    User {
        uid: text(spec, "uid").to_owned(),
        extra: extra.map(|(key, values)| (key.clone(), texts(Some(values)))).collect(),
        ..User::new(text(spec, "user"), texts(spec.get("groups")))
    }
}

fn subject(spec: &Value) -> Vec<FieldError> {
    let mut errors = either_kind_of_attributes(spec);
    let groups = spec.get("groups").and_then(Value::as_array).is_some_and(|groups| !groups.is_empty());
    if text(spec, "user").is_empty() && !groups {
        let why = "at least one of user or group must be specified";
        errors.push(FieldError::invalid("spec.user", "", why));
    }
    errors.extend(selectors::validate(&spec["resourceAttributes"]));
    errors
}

fn either_kind_of_attributes(spec: &Value) -> Vec<FieldError> {
    let (resource, path) = (spec.get("resourceAttributes"), spec.get("nonResourceAttributes"));
    match (resource, path) {
        (Some(_), Some(path)) => {
            let why = "cannot be specified in combination with resourceAttributes";
            vec![FieldError::invalid("spec.nonResourceAttributes", shown_path(path), why)]
        }
        (None, None) => {
            let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            vec![FieldError::invalid("spec.resourceAttributes", Value::Null, why)]
        }
        _ => Vec::new(),
    }
}

/// As Go shows a struct that has no JSON names.
fn shown_path(attributes: &Value) -> Value {
    json!({"Path": text(attributes, "path"), "Verb": text(attributes, "verb")})
}

/// A question is no object: it has no name and no labels.
fn bare_metadata(review: &Value, allowed: &[&str], why: &str) -> Option<FieldError> {
    let metadata = review.get("metadata")?;
    let fine = |key: &String| key == "managedFields" || allowed.contains(&key.as_str());
    let bare = metadata.as_object().is_none_or(|metadata| metadata.keys().all(fine));
    (!bare).then(|| FieldError::invalid("metadata", metadata.clone(), why))
}

/// Upstream leaves out what kind it is that is wrong.
fn refuse(errors: &[FieldError]) -> Result<(), ApiError> {
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid(GROUP, "", "", errors)) }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
