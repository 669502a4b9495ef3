//! Requests that write an object, and the bodies that they send.

use super::super::accept::{self, BodyFormat};
use super::super::decode;
use super::super::query::{OptionsKind, WriteOptions};
use super::Call;
use crate::access::reviews;
use crate::access::tokens::request;
use crate::api_server::ApiServer;
use crate::apply::manager_name;
use crate::error::ApiError;
use crate::object;
use crate::request::Reply;
use crate::verbs::patch::SentPatch;
use crate::verbs::update::Updated;
use crate::verbs::write::{FieldValidation, Write};
use crate::verbs::{apply, create, patch, update};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

/// Patches of built-in resources come in four media types, those of custom ones in three.
const PATCH_TYPES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
    "application/strategic-merge-patch+json",
];

/// A custom resource has no protobuf form. (Kubernetes 1.36 panics over such a body.)
const CUSTOM_BODY_TYPES: &str = "application/json, application/yaml";
/// The subresources that a write, or a connection, can go through.
const WRITTEN: [&str; 12] = [
    "status",
    "approval",
    "scale",
    "finalize",
    "ephemeralcontainers",
    "resize",
    "binding",
    "eviction",
    "attach",
    "exec",
    "portforward",
    "proxy",
];

impl Call<'_> {
    pub(super) fn create(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
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

    pub(super) fn update(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
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

    pub(super) fn request_token(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        self.check_size()?;
        let options = WriteOptions::parse(&self.query, OptionsKind::Create)?;
        let asked = self.other_body(request::API_VERSION, request::KIND)?;
        let answered = request::create(server, &self.write(&options), asked)?;
        Ok(self.reply(StatusCode::CREATED, self.representation.bytes_of_struct(&answered)))
    }

    pub(super) fn updated(&mut self, updated: Updated) -> Result<Reply, ApiError> {
        let status = if updated.created { StatusCode::CREATED } else { StatusCode::OK };
        self.object(status, &updated.object)
    }

    pub(super) fn patch(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
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
            // A patch is read when there is something to patch.
            match server.store.get(&write.resource.storage, &write.namespace, &write.name) {
                Some(_) => SentPatch::parse(&media_type, &self.request.body)
                    .and_then(|sent| patch::patch(server, &mut write, &sent)),
                None => Err(write.not_found()),
            }
        };
        self.warnings.append(&mut write.warnings);
        self.updated(updated?)
    }

    pub(super) fn write(&self, options: &WriteOptions) -> Write<'static> {
        Write {
            resource: self.resource.clone(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
            subresource: {
                let named = self.path.subresource.as_deref();
                WRITTEN.into_iter().find(|subresource| Some(*subresource) == named)
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

    pub(super) fn media_type(&self) -> String {
        let sent = self.request.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        sent.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned()
    }

    pub(super) fn check_size(&self) -> Result<(), ApiError> {
        if self.request.body.len() > decode::BODY_LIMIT {
            return Err(ApiError::too_large(&format!("limit is {}", decode::BODY_LIMIT)));
        }
        Ok(())
    }

    pub(super) fn body(&mut self, validation: FieldValidation) -> Result<Value, ApiError> {
        let format = accept::body_format(&self.request.headers)?;
        if format == BodyFormat::Protobuf && self.resource.is_custom() {
            return Err(accept::unknown_format(CUSTOM_BODY_TYPES));
        }
        decode::body(&self.resource, &self.request.body, format, validation, &mut self.warnings)
    }

    /// The body of a request that is about a built-in kind which is no resource.
    pub(super) fn other_object(
        &mut self,
        kind: (&str, &str),
        validation: FieldValidation,
    ) -> Result<Value, ApiError> {
        let format = accept::body_format(&self.request.headers)?;
        decode::other_object(kind, &self.request.body, format, validation, &mut self.warnings)
    }

    /// The document in the body of a request that is about another kind than the resource's.
    pub(super) fn other_body(&self, api_version: &str, kind: &str) -> Result<Value, ApiError> {
        let format = accept::body_format(&self.request.headers)?;
        decode::other_body(api_version, kind, &self.request.body, format)
    }
}
