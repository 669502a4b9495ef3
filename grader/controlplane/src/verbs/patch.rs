//! PATCH of the three kinds that describe a change (apiserver/pkg/endpoints/handlers/patch.go); the fourth, apply,
//! describes a result and has a file of its own.

use super::update::{self, Updated};
use super::write::Write;
use crate::api_server::ApiServer;
use crate::conversion;
use crate::endpoint::decode::{self, MOST_OBJECTIONS, Objection};
use crate::endpoint::json;
use crate::endpoint::keys::Keys;
use crate::error::{ApiError, Details};
use crate::field_error::FieldError;
use crate::go_text;
use crate::object;
use crate::patch::{self, PatchError};
use crate::resources::Resource;
use crate::strategy;
use crate::verbs::write::FieldValidation;
use http::StatusCode;
use serde_json::Value;
use std::sync::Arc;

/// A patch by its media type.
#[derive(Debug)]
pub(crate) enum Patch {
    Json(patch::json::Patch),
    Merge(Value),
    Strategic(Value),
}

/// A patch as it was sent.
#[derive(Debug)]
pub(crate) struct SentPatch {
    patch: Patch,
    /// What strict field validation objects to in the patch itself.
    strict: Vec<String>,
}

impl SentPatch {
    /// Reads a patch of one of the three media types.
    ///
    /// # Errors
    /// 400 for what is no patch, 413 for too many operations.
    pub(crate) fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, ApiError> {
        let (patch, mut strict) = match media_type {
            "application/json-patch+json" => {
                let patch = patch::json::Patch::parse(bytes).map_err(api_error)?;
                let unknown = patch.unknown_members();
                (Patch::Json(patch), unknown)
            }
            "application/strategic-merge-patch+json" => {
                (Patch::Strategic(patch::strategic::parse(bytes).map_err(api_error)?), Vec::new())
            }
            _ => (Patch::Merge(patch::merge::parse(bytes).map_err(api_error)?), Vec::new()),
        };
        if json::parse(bytes).is_ok_and(|(_, repeated)| repeated) {
            let prefix = if matches!(patch, Patch::Json(_)) { "json patch " } else { "" };
            let repeated = Keys::read(bytes).repeated(MOST_OBJECTIONS).into_iter().map(Objection::Repeated);
            strict.splice(0..0, repeated.map(|objection| format!("{prefix}{objection}")));
        }
        Ok(Self { patch, strict })
    }

    pub(crate) fn merge(patch: Value) -> Self {
        Self { patch: Patch::Merge(patch), strict: Vec::new() }
    }

    /// Applies the patch to a Scale.
    pub(crate) fn apply_to_scale(&self, scale: &Value) -> Result<Value, ApiError> {
        let document = match &self.patch {
            Patch::Strategic(patch) | Patch::Merge(patch) => {
                let mut scale = scale.clone();
                patch::merge::apply(&mut scale, patch);
                scale
            }
            Patch::Json(patch) => patch.apply(scale).map_err(api_error)?,
        };
        let shown = go_text::json(&document);
        let decoded = decode::other_document(("autoscaling/v1", "Scale"), document);
        decoded.map_err(|text| ApiError::invalid("", "", "", &[FieldError::invalid("patch", shown, text)]))
    }

    fn apply(&self, resource: &Resource, document: &Value) -> Result<Value, PatchError> {
        match &self.patch {
            Patch::Json(patch) => patch.apply(document),
            Patch::Merge(patch) => {
                let mut document = document.clone();
                patch::merge::apply(&mut document, patch);
                Ok(document)
            }
            Patch::Strategic(patch) => patch::strategic::apply(&resource.schema(), document, patch),
        }
    }
}

/// Changes an object by a patch.
pub(crate) fn patch(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    sent: &SentPatch,
) -> Result<Updated, ApiError> {
    let resource = write.resource.clone();
    let stored = server
        .store
        .get(&resource.storage, &write.namespace, &write.name)
        .ok_or_else(|| write.not_found())?;
    let (stored, revision) = (stored.object.clone(), stored.revision);
    let old = conversion::show(server, &resource, &stored, revision)?;
    let mut new = patched(write, sent, &old)?;
    write.track(Some(&old), &mut new);
    finish(server, write, &old, new)
}

/// Applies a patch and decodes what comes out.
fn patched(write: &mut Write<'_>, sent: &SentPatch, old: &Arc<Value>) -> Result<Value, ApiError> {
    let resource = write.resource.clone();
    let mut document = sent.apply(&resource, old).map_err(api_error)?;
    // What is wrong with a strategic merge patch is shown in the patch, otherwise in what it has made.
    let (shown, decoded) = match &sent.patch {
        Patch::Strategic(patch) => {
            keep_type(&mut document, old);
            (go_text::plain(patch), decode::convert(&resource, document))
        }
        _ => {
            let text = go_text::json(&document);
            let decoded = decode::decode(&resource, document, text.as_bytes());
            (text, decoded)
        }
    };
    let refuse =
        |text: &str| ApiError::invalid("", "", "", &[FieldError::invalid("patch", shown.clone(), text)]);
    let decoded = decoded.map_err(|undecodable| refuse(&undecodable.text))?;
    let mut strict = sent.strict.clone();
    strict.extend(decoded.strict.iter().map(Objection::to_string));
    match write.field_validation {
        FieldValidation::Strict if !strict.is_empty() => {
            return Err(refuse(&decode::strict_error(strict.into_iter())));
        }
        FieldValidation::Warn => strict.into_iter().for_each(|text| write.warn(text)),
        _ => {}
    }
    Ok(decoded.object)
}

/// What a strategic merge patch makes is read as the type of the object, whatever the patch calls it.
fn keep_type(document: &mut Value, old: &Value) {
    for key in ["apiVersion", "kind"] {
        if document.get(key).is_some_and(Value::is_string) {
            strategy::set(document, key, old.get(key).cloned());
        }
    }
}

/// The rest of a patch: whether the object is still the one of the path, and the write.
pub(crate) fn finish(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    old: &Arc<Value>,
    mut new: Value,
) -> Result<Updated, ApiError> {
    write.check_namespace(&mut new)?;
    write.check_name(&new)?;
    write.drop_duplicate_owners_of_patch(&mut new);
    let object = update::commit(server, write, old, new)?;
    Ok(Updated { object, created: false })
}

fn api_error(error: PatchError) -> ApiError {
    match error {
        PatchError::Malformed(text) => ApiError::bad_request(text),
        PatchError::TooManyOperations(_) => {
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", error.to_string(), None)
        }
        PatchError::DoesNotApply { .. } => ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            error.to_string(),
            Some(Details::default()),
        ),
        PatchError::Unclassified(text) => ApiError::unexpected(text),
    }
}

impl Write<'_> {
    /// The object's name must be that of the path.
    pub(crate) fn check_name(&self, object: &Value) -> Result<(), ApiError> {
        match object::name(object) {
            name if name == self.name => Ok(()),
            "" => Err(ApiError::bad_request(format!(
                "the name of the object ({} based on URL) was undeterminable: name must be provided",
                self.name
            ))),
            name => Err(ApiError::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                self.name
            ))),
        }
    }
}
