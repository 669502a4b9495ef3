//! The annotation of client-side `kubectl apply`, which `kubectl apply --server-side` takes over and keeps up to
//! date (apimachinery/pkg/util/managedfields/internal/lastapplied*.go).

use super::Writer;
use super::set::Set;
use super::shape::Shape;
use super::typed::{Duplicates, changes, field_set, validate};
use crate::go_text;
use crate::object;
use crate::schema::Schema;
use serde_json::Value;

/// Only this manager looks at the annotation.
pub(super) const KUBECTL: &str = "kubectl";
const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The most bytes that all annotations of an object may have.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// The fields that client-side apply set and that are still as it set them: taking them over is no conflict.
pub(super) fn allowed_conflicts(schema: &Schema, live: &Value, writer: &Writer<'_>) -> Option<Set> {
    let last: Value = serde_json::from_str(annotation(live)?).ok()?;
    if object::api_version(&last) != writer.api_version {
        return None;
    }
    let shape = Shape::of_object(schema, writer.is_custom);
    validate(shape, &last, Duplicates::Forbidden).ok()?;
    validate(shape, live, Duplicates::Forbidden).ok()?;
    let changed = changes(shape, Some(&last), Some(live)).all();
    Some(field_set(shape, &last).difference(&changed))
}

/// Writes what is now applied into the annotation, if the object has it.
pub(super) fn update(object: &mut Value, applied: &Value) {
    if annotation(object).is_none() {
        return;
    }
    let mut applied = applied.clone();
    if let Some(annotations) = applied.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(ANNOTATION);
    }
    let text = format!("{}\n", go_text::json(&applied));
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else {
        return;
    };
    annotations.remove(ANNOTATION);
    let others: usize =
        annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if others + ANNOTATION.len() + text.len() <= MAX_ANNOTATIONS {
        annotations.insert(ANNOTATION.to_owned(), text.into());
    }
}

fn annotation(object: &Value) -> Option<&str> {
    let text = object.get("metadata")?.get("annotations")?.get(ANNOTATION)?.as_str()?;
    (!text.is_empty()).then_some(text)
}
