//! What sets keep of the templates that they have had (pkg/controller/history).

use super::known::CONTROLLER_REVISIONS;
use super::{Api, fields, unless_gone};
use crate::error::ApiError;
use crate::object;
use serde_json::{Value, json};

/// Where a ControllerRevision stands among those of its set.
pub(super) fn number(revision: &Value) -> i64 {
    fields::int(revision, "/revision").unwrap_or_default()
}

/// A patch that would give a set its present template back.
pub(super) fn data_of(set: &Value) -> Value {
    let mut template = set["spec"]["template"].clone();
    if template.is_object() {
        template["$patch"] = "replace".into();
    }
    json!({"spec": {"template": template}})
}

/// Deletes a revision; one that is gone already is fine.
///
/// # Errors
/// What the API server answers.
pub(super) fn delete(api: &mut Api<'_>, revision: &Value) -> Result<(), ApiError> {
    let (namespace, name) = (object::namespace(revision), object::name(revision));
    unless_gone(api.delete(&CONTROLLER_REVISIONS, Some(namespace), name, &Value::Null)).map(drop)
}
