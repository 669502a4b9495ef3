//! Who owns which field, and server-side apply.
//!
//! Every write leaves an entry in `metadata.managedFields`: [`track_update`] after creates, updates and patches,
//! [`server_side_apply`] for applies. Both are pure functions over objects and their [`Schema`](crate::schema::Schema);
//! stored objects carry their ownership with them, and nothing is kept beside.
//!
//! Upstream converts between API versions on the way; here all versions of an object look the same, as they do for
//! custom resources without a conversion webhook.

pub mod conflict;
pub mod fields_v1;
mod last_applied;
mod lay_over;
pub mod managers;
pub mod path;
pub mod scale;
mod server_side;
pub mod set;
mod shape;
mod track;
mod typed;

pub use conflict::Conflicts;
pub(crate) use lay_over::lay_over;
pub use server_side::server_side_apply;
pub(crate) use server_side::type_text;
pub use track::{keep_times_if_unchanged, manager_name, track_update};

use crate::error::ApiError;
use crate::object;
use crate::resources::Custom;
use jiff::Timestamp;
use serde_json::Value;

/// Who writes what, as far as ownership goes.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The field manager, see [`manager_name`].
    pub manager: &'a str,
    /// The apiVersion of the request.
    pub api_version: &'a str,
    /// The kind of the object.
    pub kind: &'a str,
    /// The subresource written to; empty for the main resource.
    pub subresource: &'a str,
    /// When.
    pub now: Timestamp,
    /// The fields that this write cannot change, so that it must not own them: status on the main path of a
    /// resource with `/status`, spec on `/status`.
    pub reset_fields: &'a [&'a [&'a str]],
    /// Whether a CustomResourceDefinition defines the resource.
    pub is_custom: bool,
    /// The resource, if its versions differ in nothing but what their schemas know.
    pub versions: Option<&'a Custom>,
}

/// Why a configuration cannot be applied.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ApplyError {
    /// `400 BadRequest`.
    #[error("{0}")]
    Malformed(String),
    /// `409 Conflict`: others own fields that the configuration sets to other values.
    #[error("{}", .0.message())]
    Conflicts(Conflicts),
    /// `500` without a reason, as Kubernetes answers for a configuration that does not fit the schema.
    #[error("{0}")]
    Unclassified(String),
}

impl From<ApplyError> for ApiError {
    fn from(error: ApplyError) -> Self {
        match &error {
            ApplyError::Malformed(text) => ApiError::bad_request(text),
            ApplyError::Conflicts(conflicts) => conflicts.into(),
            ApplyError::Unclassified(text) => ApiError::unexpected(text),
        }
    }
}

fn take_managed_fields(object: &mut Value) -> Option<Value> {
    object.get_mut("metadata")?.as_object_mut()?.remove("managedFields")
}

fn set_managed_fields(object: &mut Value, managed_fields: Option<Value>) {
    match managed_fields {
        Some(managed_fields) => object::set_metadata(object, "managedFields", managed_fields),
        None => drop(take_managed_fields(object)),
    }
}

#[cfg(test)]
mod tests;
