//! How the parts of the control plane are (pkg/registry/core/componentstatus/rest.go). Here they are one process: whoever
//! is answered finds all of them well. Nothing of this is stored.

use crate::error::ApiError;
use crate::store::ResourceId;
use crate::verbs::page::Page;
use serde_json::{Value, json};
use std::sync::Arc;

/// The resource that tells of them.
pub(crate) const COMPONENT_STATUSES: ResourceId = ResourceId::known("", "componentstatuses");
const COMPONENTS: [&str; 3] = ["controller-manager", "scheduler", "etcd-0"];

/// How the part of this name is.
///
/// # Errors
/// 404, which names the resource in the singular, as a real server does.
pub(crate) fn get(name: &str) -> Result<Arc<Value>, ApiError> {
    let known = COMPONENTS.contains(&name).then(|| status(name));
    known.ok_or_else(|| ApiError::not_found(&ResourceId::known("", "componentstatus"), name))
}

/// How the parts are that `selects` takes: one page, of no revision, whatever the limit.
pub(crate) fn list(selects: impl Fn(&Value) -> bool) -> Page {
    let items = COMPONENTS.into_iter().map(status).filter(|status| selects(status)).collect();
    Page { items, revision: None, next: None, remaining: None }
}

fn status(name: &str) -> Arc<Value> {
    Arc::new(json!({
        "apiVersion": "v1", "kind": "ComponentStatus",
        "metadata": {"name": name},
        "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
    }))
}
