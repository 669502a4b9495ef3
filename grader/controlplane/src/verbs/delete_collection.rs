//! DELETE of a collection: one object after the other, not atomic
//! (apiserver/pkg/registry/generic/registry/store.go).

use super::delete;
use super::list::Selection;
use super::write::Write;
use crate::admission;
use crate::api_server::ApiServer;
use crate::conversion;
use crate::endpoint::query::DeleteOptions;
use crate::error::ApiError;
use crate::object;
use serde_json::Value;
use std::sync::Arc;

/// Deletes every selected object, the first `limit` of them if there is one. Answers the objects as they were.
pub(crate) fn delete_collection(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    namespace: Option<&str>,
    selection: &Selection,
    limit: Option<usize>,
    options: &DeleteOptions,
) -> Result<Vec<Arc<Value>>, ApiError> {
    let resource = write.resource.clone();
    let stored = server.store.list(&resource.storage, namespace);
    let stored = stored.map(|stored| (stored.object.clone(), stored.revision)).collect();
    let selected: Vec<Arc<Value>> = conversion::show_all(server, &resource, stored)?
        .into_iter()
        .filter(|object| selection.matches(&resource, object))
        .take(limit.unwrap_or(usize::MAX))
        .collect();
    // All are admitted before the first goes: what has to be asked outside is asked of the whole collection.
    for object in &selected {
        write.namespace = object::namespace(object).to_owned();
        write.name = object::name(object).to_owned();
        admission::check_deletion(server, write, object)?;
    }
    for object in &selected {
        write.namespace = object::namespace(object).to_owned();
        write.name = object::name(object).to_owned();
        match delete::remove(server, write, options, object) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    Ok(selected)
}
