//! Quotas as the verbs use them.

use super::admission::admit;
use crate::api_server::ApiServer;
use crate::controllers::known::{PERSISTENT_VOLUME_CLAIMS, RESOURCE_QUOTAS};
use crate::error::ApiError;
use crate::verbs::write::Write;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// Holds a valid write against the quotas of its namespace. The answer is the quotas that it uses up, to be stored
/// with it.
///
/// # Errors
/// 403: a quota would be exceeded.
pub(crate) fn charge(
    server: &ApiServer,
    write: &Write<'_>,
    new: &Value,
    old: Option<&Value>,
) -> Result<Vec<Value>, ApiError> {
    let id = &write.resource.id;
    let is_status = write.subresource == Some("status");
    let counts = write.subresource.is_none() || (is_status && *id == PERSISTENT_VOLUME_CLAIMS);
    if !counts || write.namespace.is_empty() {
        return Ok(Vec::new());
    }
    let quotas = server.store.list(&RESOURCE_QUOTAS, Some(&write.namespace));
    let quotas: Vec<Arc<Value>> = quotas.map(|stored| stored.object.clone()).collect();
    admit(&quotas, id, new, old, is_status).map_err(|text| ApiError::forbidden(id, &write.name, &text))
}

/// Stores the quotas that a write has used up.
pub(crate) fn settle(server: &mut ApiServer, quotas: Vec<Value>, now: Timestamp) {
    for quota in quotas {
        server.store.put(&RESOURCE_QUOTAS, quota, now);
    }
}
