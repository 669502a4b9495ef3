//! Requests about resources: which verb, with which options.

pub(crate) mod connections;
mod deletions;
mod pods;
mod scaling;

use super::accept::{self, BodyFormat, Format, Shape};
use super::query::{FieldValidation, ListOptions, OptionsKind, Query, WriteOptions};
use super::represent::Representation;
use super::table::IncludeObject;
use super::{decode, respond};
use crate::access::tokens::request;
use crate::access::{User, reviews};
use crate::api_server::ApiServer;
use crate::apply::manager_name;
use crate::builtins::{self, fields};
use crate::error::ApiError;
use crate::object;
use crate::request::{Reply, Request};
use crate::resources::{Nature, Resource};
use crate::routing::ResourcePath;
use crate::verbs::patch::SentPatch;
use crate::verbs::update::Updated;
use crate::verbs::write::Write;
use crate::verbs::{apply, bind, create, get, list, patch, update, watch};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// Patches of built-in resources come in four media types, those of custom ones in three.
const PATCH_TYPES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
    "application/strategic-merge-patch+json",
];

/// A custom resource has no protobuf form. (Kubernetes 1.36 panics over such a body.)
const CUSTOM_BODY_TYPES: &str = "application/json, application/yaml";

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

/// What is not served: in groups of Kubernetes itself a Status says so, elsewhere a plain text.
fn missing(path: &ResourcePath) -> Result<Reply, ApiError> {
    if builtins::resources().iter().any(|known| known.group == path.group) {
        return Err(ApiError::unknown_resource());
    }
    Ok(Reply::Complete(respond::not_found()))
}

impl Call<'_> {
    /// Refuses what the resource does not serve.
    fn check_served(&self) -> Result<(), ApiError> {
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
        if everywhere && on_item {
            return Err(ApiError::unknown_resource());
        }
        let asks_options = self.is_proxied() && self.request.method == Method::OPTIONS;
        if fits && (asks_options || verbs.iter().any(|known| known == verb)) {
            return Ok(());
        }
        Err(ApiError::method_not_allowed())
    }

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
        match (self.request.method.clone(), &self.path.name, self.path.subresource.as_deref()) {
            (Method::GET, None, None) => self.list_or_watch(server),
            (Method::GET, Some(_), None) if self.path.watched => self.list_or_watch(server),
            (Method::POST, _, None) => self.create(server),
            (Method::DELETE, None, None) => self.delete_collection(server),
            (Method::GET, Some(_), None) => self.get(server),
            (Method::PUT, Some(_), None | Some("status" | "approval" | "ephemeralcontainers" | "resize")) => {
                self.update(server)
            }
            (
                Method::PATCH,
                Some(_),
                None | Some("status" | "approval" | "ephemeralcontainers" | "resize"),
            ) => self.patch(server),
            (Method::DELETE, Some(_), None) => self.delete(server),
            (Method::GET, Some(_), Some("status" | "approval" | "ephemeralcontainers" | "resize")) => {
                self.get(server)
            }
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

    /// Reviews, tokens and their like are answers, not objects that are there.
    fn only_answers_creates(&self) -> bool {
        let verbs = match self.path.subresource.as_deref() {
            None => Some(&self.resource.verbs),
            Some(name) => self.resource.subresource(name).map(|subresource| &subresource.verbs),
        };
        verbs.is_some_and(|verbs| verbs.iter().eq(["create"]))
    }

    /// Nothing can be asked about a revision that has not come yet; the server waits a little for it.
    fn wait_for_revision(&self, server: &mut ApiServer) -> Option<Reply> {
        let asked: u64 = self.query.text("resourceVersion").parse().ok()?;
        let request = format!("{}?{}", self.request.path, self.request.query);
        server.waiting.wait(request, asked, server.store.revision(), self.now).map(Reply::Later)
    }

    fn media_type(&self) -> String {
        let sent = self.request.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        sent.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned()
    }

    fn namespace(&self) -> &str {
        self.path.namespace.as_deref().unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.path.name.as_deref().unwrap_or_default()
    }

    fn write(&self, options: &WriteOptions) -> Write<'static> {
        Write {
            resource: self.resource.clone(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
            subresource: match self.path.subresource.as_deref() {
                Some("status") => Some("status"),
                Some("approval") => Some("approval"),
                Some("scale") => Some("scale"),
                Some("finalize") => Some("finalize"),
                Some("ephemeralcontainers") => Some("ephemeralcontainers"),
                Some("resize") => Some("resize"),
                Some("binding") => Some("binding"),
                Some("eviction") => Some("eviction"),
                Some("attach") => Some("attach"),
                Some("exec") => Some("exec"),
                Some("portforward") => Some("portforward"),
                Some("proxy") => Some("proxy"),
                _ => None,
            },
            manager: self.manager(&options.field_manager),
            user: self.user.clone(),
            field_validation: options.field_validation,
            dry_run: options.dry_run,
            now: self.now,
            warnings: Vec::new(),
        }
    }

    /// The field manager: the given one, or the product that the user agent names.
    fn manager(&self, given: &str) -> String {
        let agent = self.request.headers.get(header::USER_AGENT).map(HeaderValue::as_bytes);
        manager_name(Some(given), &String::from_utf8_lossy(agent.unwrap_or_default()))
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

    fn check_size(&self) -> Result<(), ApiError> {
        if self.request.body.len() > decode::BODY_LIMIT {
            return Err(ApiError::too_large(&format!("limit is {}", decode::BODY_LIMIT)));
        }
        Ok(())
    }

    fn body(&mut self, validation: FieldValidation) -> Result<Value, ApiError> {
        let format = accept::body_format(&self.request.headers)?;
        if format == BodyFormat::Protobuf && self.resource.is_custom() {
            return Err(accept::unknown_format(CUSTOM_BODY_TYPES));
        }
        decode::body(&self.resource, &self.request.body, format, validation, &mut self.warnings)
    }

    /// The body of a request that is about another kind than the resource's.
    fn other_body(&self, api_version: &str, kind: &str) -> Result<Value, ApiError> {
        let format = accept::body_format(&self.request.headers)?;
        decode::other_body(api_version, kind, &self.request.body, format)
    }

    fn get(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        if let Some(later) = self.wait_for_revision(server) {
            return Ok(later);
        }
        let current = server.store.revision();
        let asked = match self.query.text("resourceVersion") {
            "" => 0,
            text => text.parse().map_err(|_| list::unreadable_revision(text))?,
        };
        if asked > current {
            return Err(list::too_large(asked, current));
        }
        let object = get::get(server, &self.resource, self.namespace(), self.name())?;
        self.object(StatusCode::OK, &object)
    }

    fn list_or_watch(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        let mut options = ListOptions::parse(&self.query)?;
        if let Some(name) = &self.path.name {
            options.select_name(name)?;
        }
        let namespace = self.path.namespace.as_deref();
        if options.watch || self.path.watched {
            if !self.resource.allows("watch") {
                return Err(ApiError::method_not_supported(&self.resource.id, "watch"));
            }
            if self.representation.accept.format == Format::Yaml {
                return Err(accept::no_stream());
            }
            if options.send_initial_events == Some(true)
                && let Some(later) = self.wait_for_revision(server)
            {
                return Ok(later);
            }
            self.include_object()?;
            let id =
                watch::watch(server, &self.resource, namespace, &options, self.representation, self.now)?;
            let head = respond::bytes(StatusCode::OK, self.representation.stream_type(), Bytes::new());
            return Ok(Reply::Watch { id, head });
        }
        if let Some(later) = self.wait_for_revision(server) {
            return Ok(later);
        }
        let page = list::list(server, &self.resource, namespace, &options)?;
        self.include_object()?;
        let body = self.representation.list(&self.resource, &page, self.now)?;
        Ok(self.reply(StatusCode::OK, body))
    }

    fn create(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        self.check_size()?;
        let options = WriteOptions::parse(&self.query, OptionsKind::Create)?;
        let object = self.body(options.field_validation)?;
        let mut write = self.write(&options);
        if reviews::answers(&self.resource) {
            let answered = reviews::create(server, &write, object)?;
            return self.object(StatusCode::CREATED, &answered);
        }
        write.name = object::name(&object).to_owned();
        write.refuse_terminating()?;
        let created = create::create(server, &mut write, object);
        self.warnings.append(&mut write.warnings);
        self.object(StatusCode::CREATED, &*created?)
    }

    fn update(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        self.check_size()?;
        let options = WriteOptions::parse(&self.query, OptionsKind::Update)?;
        let mut object = self.body(options.field_validation)?;
        let mut write = self.write(&options);
        write.check_namespace(&mut object)?;
        write.check_name(&object)?;
        let updated = update::replace(server, &mut write, object);
        self.warnings.append(&mut write.warnings);
        self.updated(updated?)
    }

    /// A body that asks something of a pod, with what a client may leave out.
    fn request_of_pod(&self, api_version: &str, kind: &str) -> Result<Value, ApiError> {
        let mut request = self.other_body(api_version, kind)?;
        for (key, value) in [("apiVersion", api_version), ("kind", kind)] {
            fields::default_to(&mut request, key, value);
        }
        Ok(request)
    }

    fn bind(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        self.check_size()?;
        let options = WriteOptions::parse(&self.query, OptionsKind::Create)?;
        let mut binding = self.request_of_pod("v1", "Binding")?;
        let mut write = self.write(&options);
        let status = bind::bind(server, &mut write, &mut binding);
        self.warnings.append(&mut write.warnings);
        let status = status?;
        Ok(self.reply(StatusCode::CREATED, self.representation.bytes(&status)))
    }

    fn request_token(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        self.check_size()?;
        let options = WriteOptions::parse(&self.query, OptionsKind::Create)?;
        let asked = self.other_body(request::API_VERSION, request::KIND)?;
        let answered = request::create(server, &self.write(&options), asked)?;
        Ok(self.reply(StatusCode::CREATED, self.representation.bytes(&answered)))
    }

    fn updated(&mut self, updated: Updated) -> Result<Reply, ApiError> {
        let status = if updated.created { StatusCode::CREATED } else { StatusCode::OK };
        self.object(status, &updated.object)
    }

    fn patch(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        let media_type = self.media_type();
        let known = if self.resource.is_custom() { &PATCH_TYPES[..3] } else { &PATCH_TYPES[..] };
        if !known.contains(&media_type.as_str()) {
            if !self.resource.is_custom() {
                return Err(
                    ApiError::unsupported_media_type("415: Unsupported Media Type").with_empty_details()
                );
            }
            return Err(ApiError::unsupported_media_type(format!(
                "the body of the request was in an unknown format - accepted media types include: {}",
                known.join(", ")
            )));
        }
        self.check_size()?;
        let is_apply = media_type == "application/apply-patch+yaml";
        let kind = if is_apply { OptionsKind::Apply } else { OptionsKind::Patch };
        let options = WriteOptions::parse(&self.query, kind)?;
        let mut write = self.write(&options);
        let updated = if is_apply {
            let force = options.force.unwrap_or(false);
            apply::apply(server, &mut write, &self.request.body, force)
        } else {
            SentPatch::parse(&media_type, &self.request.body)
                .and_then(|sent| patch::patch(server, &mut write, &sent))
        };
        self.warnings.append(&mut write.warnings);
        self.updated(updated?)
    }
}
