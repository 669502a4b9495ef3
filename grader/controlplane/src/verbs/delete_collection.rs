//! DELETE of a collection: one object after the other, not atomic
//! (apiserver/pkg/registry/generic/registry/store.go).

use super::delete;
use super::write::Write;
use crate::admission;
use crate::api_server::ApiServer;
use crate::endpoint::query::DeleteOptions;
use crate::error::ApiError;
use crate::object;
use serde_json::Value;
use std::sync::Arc;

/// Deletes these objects, as far as they are still there.
///
/// # Errors
/// The first refusal: by admission before anything is gone, by a precondition afterwards.
pub(crate) fn delete_collection(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    objects: &[Arc<Value>],
    options: &DeleteOptions,
) -> Result<(), ApiError> {
    delete::warn_of_default(write, options);
    // All are admitted before the first goes: what has to be asked outside is asked of the whole collection.
    for object in objects {
        write.namespace = object::namespace(object).to_owned();
        write.name = object::name(object).to_owned();
        admission::check_deletion(server, write, object)?;
    }
    for object in objects {
        write.namespace = object::namespace(object).to_owned();
        write.name = object::name(object).to_owned();
        match delete::remove(server, write, options, object) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
