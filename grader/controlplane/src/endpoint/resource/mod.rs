//! Requests about resources: which verb, with which options.

mod connections;
mod deletions;
mod pod_requests;
mod pods;
mod reads;
mod scaling;
mod served;
mod writes;

use super::accept::{self, Format, Shape};
use super::query::Query;
use super::represent::Representation;
use super::respond;
use super::table::IncludeObject;
use crate::access::User;
use crate::api_server::ApiServer;
use crate::builtins;
use crate::error::ApiError;
use crate::request::{Reply, Request};
use crate::resources::{Nature, Resource};
use crate::routing::ResourcePath;
use crate::store::ResourceId;
use bytes::Bytes;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use served::missing;
use std::sync::Arc;

/// The subresources that are the object itself, of which a write can change one side.
const SIDES: [&str; 4] = ["status", "approval", "ephemeralcontainers", "resize"];

/// A resource of which nothing is stored.
const BINDINGS: ResourceId = ResourceId::known("", "bindings");

/// One request about a resource.
struct Call<'a> {
    request: &'a Request,
    path: &'a ResourcePath,
    resource: Arc<Resource>,
    query: Query,
    now: Timestamp,
    representation: Representation,
    user: Arc<User>,
    warnings: Vec<String>,
}

/// Answers a request below a version.
pub(crate) fn answer(
    server: &mut ApiServer,
    request: &Request,
    path: &ResourcePath,
    user: Arc<User>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let Some(resource) = server.resources.find(&path.group, &path.version, &path.resource).cloned() else {
        return missing(path);
    };
    let query = Query::parse(&request.query);
    let mut call = Call {
        request,
        path,
        query,
        now,
        representation: Representation::JSON,
        user,
        warnings: Vec::new(),
        resource,
    };
    if let Nature::Custom(custom) = &call.resource.nature {
        call.warnings.extend(custom.version().deprecation_warning.clone());
    }
    // An error carries its warnings as well.
    let mut reply =
        call.answer(server).unwrap_or_else(|error| Reply::Complete(respond::error(request, &error)));
    if let Reply::Complete(response) | Reply::Watch { head: response, .. } = &mut reply {
        respond::warn(response, &call.warnings);
    }
    Ok(reply)
}

impl Call<'_> {
    fn answer(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        let resource = self.resource.clone();
        let beyond = !self.path.subpath.is_empty() && !self.is_proxied();
        if beyond || (self.path.namespace.is_some() && !resource.namespaced) {
            return missing(self.path);
        }
        let everywhere = resource.namespaced && self.path.namespace.is_none();
        if everywhere
            && resource.is_custom()
            && (self.path.name.is_some() || self.request.method != Method::GET)
        {
            return missing(self.path);
        }
        self.check_served()?;
        // A method that a built-in resource does not have warns of nothing.
        if let Nature::BuiltIn(known) = &resource.nature {
            self.warnings.extend(builtins::deprecation(known.group, known.kind).map(str::to_owned));
        }
        if self.connects() {
            return self.connect(server);
        }
        let formats: Vec<&str> = accept::PLAIN_TYPES.split(", ").collect();
        if !resource.is_custom() && !accept::passes_router(self.request, &formats) {
            let is_collection = self.path.name.is_none() && self.request.method == Method::GET;
            return Err(accept::refused_before_routing(is_collection));
        }
        let accept = match self.only_answers_creates() {
            true => accept::negotiate_without_table(self.request)?,
            false => accept::negotiate(self.request)?,
        };
        if resource.is_custom() && accept.format == Format::Protobuf && accept.shape == Shape::Plain {
            return Err(accept::no_format());
        }
        self.representation = Representation { accept, include: IncludeObject::default() };
        let subresource = self.path.subresource.as_deref();
        let is_object = subresource.is_none_or(|name| SIDES.contains(&name));
        match (self.request.method.clone(), &self.path.name, subresource) {
            (Method::GET, None, None) => self.list_or_watch(server),
            (Method::GET, Some(_), None) if self.path.watched => self.list_or_watch(server),
            (Method::POST, None, None) if resource.id == BINDINGS => self.bind_named(server),
            (Method::POST, _, None) => self.create(server),
            (Method::DELETE, None, None) => self.delete_collection(server),
            (Method::GET, Some(_), _) if is_object => self.get(server),
            (Method::PUT, Some(_), _) if is_object => self.update(server),
            (Method::PATCH, Some(_), _) if is_object => self.patch(server),
            (Method::DELETE, Some(_), None) => self.delete(server),
            (Method::PUT, Some(_), Some("finalize")) => self.update(server),
            (Method::POST, Some(_), Some("eviction")) => self.evict(server),
            (Method::POST, Some(_), Some("binding")) => self.bind(server),
            (Method::POST, Some(_), Some("token")) => self.request_token(server),
            (Method::GET, Some(_), Some("scale")) => self.get_scale(server),
            (Method::PUT | Method::PATCH, Some(_), Some("scale")) => self.write_scale(server),
            (Method::GET, Some(_), Some("log")) => self.log(server),
            (_, _, Some(subresource)) => Err(ApiError::not_implemented(&resource.id, subresource)),
            _ => Err(ApiError::method_not_allowed()),
        }
    }

    fn namespace(&self) -> &str {
        self.path.namespace.as_deref().unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.path.name.as_deref().unwrap_or_default()
    }

    fn reply(&self, status: StatusCode, body: Bytes) -> Reply {
        Reply::Complete(respond::bytes(status, self.representation.content_type(), body))
    }

    /// Reads what the rows of a Table are to carry; other representations do not look at it.
    fn include_object(&mut self) -> Result<(), ApiError> {
        if matches!(self.representation.accept.shape, Shape::Table { .. }) {
            self.representation.include = IncludeObject::parse(self.query.text("includeObject"))?;
        }
        Ok(())
    }

    fn object(&mut self, status: StatusCode, object: &Value) -> Result<Reply, ApiError> {
        self.include_object()?;
        let body = self.representation.object(&self.resource, object, self.now)?;
        Ok(self.reply(status, body))
    }
}
