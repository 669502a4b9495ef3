//! Which requests a resource serves, and in which words others are refused.

use super::super::respond;
use super::Call;
use crate::builtins;
use crate::error::ApiError;
use crate::request::Reply;
use crate::routing::ResourcePath;
use http::Method;

/// What is not served: in groups of Kubernetes itself a Status says so, elsewhere a plain text.
pub(super) fn missing(path: &ResourcePath) -> Result<Reply, ApiError> {
    if builtins::resources().iter().any(|known| known.group == path.group) {
        return Err(ApiError::unknown_resource());
    }
    Ok(Reply::Complete(respond::not_found()))
}

impl Call<'_> {
    /// Refuses what the resource does not serve.
    pub(super) fn check_served(&self) -> Result<(), ApiError> {
        let resource = &self.resource;
        let verb = self.path.verb(&self.request.method);
        let subresource = self.path.subresource.as_deref();
        let on_item = self.path.name.is_some();
        let everywhere = resource.namespaced && self.path.namespace.is_none();
        if self.path.watched {
            let known = subresource.is_none() && resource.allows(verb) && !(everywhere && on_item);
            return match self.request.method {
                _ if !known => Err(ApiError::unknown_resource()),
                Method::GET => Ok(()),
                _ => Err(ApiError::method_not_allowed()),
            };
        }
        if resource.is_custom() {
            let known = subresource.is_none_or(|name| resource.subresource(name).is_some());
            if !known {
                return Err(ApiError::not_found(&resource.id, self.name()));
            }
            let served = match subresource {
                Some(_) => matches!(verb, "get" | "update" | "patch"),
                None => !verb.is_empty(),
            };
            if !served {
                return Err(ApiError::method_not_supported(&resource.id, verb));
            }
            if self.path.name.is_none() && matches!(verb, "update" | "patch") {
                return Err(ApiError::bad_request("name must be provided"));
            }
            return Ok(());
        }
        let verbs = match subresource {
            None => &resource.verbs,
            Some(name) => &resource.subresource(name).ok_or_else(ApiError::unknown_resource)?.verbs,
        };
        let fits = match (verb, subresource) {
            ("create", None) => !on_item,
            ("update" | "patch", None) => on_item,
            _ => true,
        };
        // Writes to a collection need its namespace.
        let fits = fits && !(everywhere && (on_item || matches!(verb, "create" | "deletecollection")));
        let has_items =
            verbs.iter().any(|verb| ["get", "update", "patch", "delete"].contains(&verb.as_str()));
        if on_item && (everywhere || subresource.is_none() && !has_items) {
            return Err(ApiError::unknown_resource());
        }
        let asks_options = self.is_proxied() && self.request.method == Method::OPTIONS;
        if fits && (asks_options || verbs.iter().any(|known| known == verb)) {
            return Ok(());
        }
        Err(ApiError::method_not_allowed())
    }

    /// Reviews, tokens and their like are answers, not objects that are there.
    pub(super) fn only_answers_creates(&self) -> bool {
        let verbs = match self.path.subresource.as_deref() {
            None => Some(&self.resource.verbs),
            Some(name) => self.resource.subresource(name).map(|subresource| &subresource.verbs),
        };
        verbs.is_some_and(|verbs| verbs.iter().eq(["create"]))
    }
}
