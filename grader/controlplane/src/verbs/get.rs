//! GET of one object.

use crate::api_server::ApiServer;
use crate::conversion;
use crate::error::ApiError;
use crate::resources::Resource;
use crate::system_objects::component_statuses::{self, COMPONENT_STATUSES};
use serde_json::Value;
use std::sync::Arc;

/// The object as the resource's version shows it.
pub(crate) fn get(
    server: &mut ApiServer,
    resource: &Resource,
    namespace: &str,
    name: &str,
) -> Result<Arc<Value>, ApiError> {
    if resource.storage == COMPONENT_STATUSES {
        return component_statuses::get(name);
    }
    let stored = server
        .store
        .get(&resource.storage, namespace, name)
        .ok_or_else(|| ApiError::not_found(&resource.id, name))?;
    let (object, revision) = (stored.object.clone(), stored.revision);
    conversion::show(server, resource, &object, revision)
}
