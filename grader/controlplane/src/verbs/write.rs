//! What all writes have in common.

use crate::access::{Attributes, ResourceAttributes, User};
use crate::api_server::ApiServer;
use crate::apply::{self, Writer};
use crate::builtins::meta;
use crate::error::{ApiError, Cause};
use crate::field_error::FieldError;
use crate::object;
use crate::resources::{NAMESPACES, Nature, Resource};
use crate::store::Store;
use crate::strategy;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// What to do about unknown and duplicate fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// Who writes what, and how.
#[derive(Debug)]
pub(crate) struct Write<'a> {
    pub(crate) resource: Arc<Resource>,
    /// Empty for cluster-scoped objects.
    pub(crate) namespace: String,
    /// Empty when the server is to generate the name.
    pub(crate) name: String,
    pub(crate) subresource: Option<&'a str>,
    /// The field manager.
    pub(crate) manager: String,
    /// On whose behalf.
    pub(crate) user: Arc<User>,
    pub(crate) field_validation: FieldValidation,
    /// Do everything but store.
    pub(crate) dry_run: bool,
    pub(crate) now: Timestamp,
    /// Texts for Warning headers.
    pub(crate) warnings: Vec<String>,
}

impl Write<'_> {
    /// A write of the server itself on an object.
    pub(crate) fn by_server(resource: &Arc<Resource>, object: &Value, now: Timestamp) -> Self {
        Self {
            resource: resource.clone(),
            namespace: object::namespace(object).to_owned(),
            name: object::name(object).to_owned(),
            subresource: None,
            manager: "kube-apiserver".to_owned(),
            user: Arc::new(User::server()),
            field_validation: FieldValidation::Ignore,
            dry_run: false,
            now,
            warnings: Vec::new(),
        }
    }

    /// Whether what is sent is no object of the resource but says what to do with one: a Binding, an Eviction, the
    /// options of a connection.
    pub(crate) fn is_of_other_kind(&self) -> bool {
        matches!(self.subresource, Some("binding" | "eviction")) || self.connects()
    }

    /// Whether nothing is written but a connection asked for.
    pub(crate) fn connects(&self) -> bool {
        self.resource.connects(self.subresource)
    }

    /// What it writes: resource, namespace, name and subresource.
    pub(crate) fn key(&self) -> String {
        let subresource = self.subresource.unwrap_or_default();
        format!("{} {}/{}/{subresource}", self.resource.id, self.namespace, self.name)
    }

    pub(crate) fn not_found(&self) -> ApiError {
        ApiError::not_found(&self.resource.id, &self.name)
    }

    /// 422 about this object, which names its own kind.
    pub(crate) fn invalid(&self, object: &Value, errors: &[FieldError]) -> ApiError {
        ApiError::invalid(self.resource.storage.group(), object::kind(object), &self.name, errors)
    }

    /// Notes which fields this write gives to its manager.
    pub(crate) fn track(&self, live: Option<&Value>, new: &mut Value) {
        let api_version = self.resource.api_version();
        apply::track_update(&self.resource.schema(), live, new, &self.writer(&api_version));
    }

    /// Who writes, as far as ownership of fields goes.
    pub(crate) fn writer<'w>(&'w self, api_version: &'w str) -> Writer<'w> {
        Writer {
            manager: &self.manager,
            api_version,
            kind: &self.resource.kind,
            subresource: self.subresource.unwrap_or_default(),
            now: self.now,
            reset_fields: strategy::reset_fields(&self.resource, self.subresource),
            is_custom: self.resource.is_custom(),
            versions: match &self.resource.nature {
                Nature::Custom(custom) if !custom.is_converted_by_webhook() => Some(custom),
                _ => None,
            },
        }
    }

    /// A definition on its way out lets nothing new be made.
    pub(crate) fn refuse_terminating(&self) -> Result<(), ApiError> {
        match &self.resource.nature {
            Nature::Custom(custom) if custom.terminating => {
                let why = "create not allowed while custom resource definition is terminating";
                Err(ApiError::forbidden(&self.resource.id, &self.name, why))
            }
            _ => Ok(()),
        }
    }

    /// What creates an object must be allowed to, also where the request is an update or a patch
    /// (apiserver/pkg/endpoints/handlers/create.go, `withAuthorization`).
    pub(crate) fn require_right_to_create(&self, server: &ApiServer) -> Result<(), ApiError> {
        let resource = ResourceAttributes {
            group: self.resource.id.group(),
            resource: self.resource.id.resource(),
            namespace: &self.namespace,
            name: &self.name,
            ..ResourceAttributes::default()
        };
        server.access.check(&Attributes::of_resource(&self.user, "create", resource))
    }

    /// More warnings than these are not worth the search for those that are there already.
    const MOST_WARNINGS: usize = 1_000;

    pub(crate) fn warn(&mut self, text: String) {
        if self.warnings.len() < Self::MOST_WARNINGS && !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// The object's namespace must be that of the path; one that is not given is taken from there.
    pub(crate) fn check_namespace(&self, object: &mut Value) -> Result<(), ApiError> {
        let expected = if self.resource.namespaced { self.namespace.as_str() } else { "" };
        match object::namespace(object) {
            given if given == expected => Ok(()),
            "" => {
                object::set_metadata(object, "namespace", expected);
                Ok(())
            }
            _ if !self.resource.namespaced => {
                // What has no namespace is not asked about it.
                object::metadata_mut(object).remove("namespace");
                Ok(())
            }
            _ => Err(ApiError::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            )),
        }
    }

    /// Drops owner references that are there twice, with a warning.
    pub(crate) fn drop_duplicate_owners(&mut self, object: &mut Value) {
        if let Some(warning) = meta::drop_duplicate_owners(object, "") {
            self.warn(warning);
        }
    }

    /// As [`Self::drop_duplicate_owners`], of what a patch has made.
    pub(crate) fn drop_duplicate_owners_of_patch(&mut self, object: &mut Value) {
        if let Some(warning) = meta::drop_duplicate_owners(object, " after mutating admission happens") {
            self.warn(warning);
        }
    }

    /// A new object needs a namespace that is there to stay (plugin/namespace/lifecycle).
    pub(crate) fn require_namespace(&self, store: &Store, object: &Value) -> Result<(), ApiError> {
        if !self.resource.namespaced {
            return Ok(());
        }
        let Some(stored) = store.get(&NAMESPACES, "", &self.namespace) else {
            return Err(ApiError::not_found(&NAMESPACES, &self.namespace));
        };
        let terminating = stored
            .object
            .get("status")
            .and_then(|status| status.get("phase"))
            .is_some_and(|phase| phase == "Terminating");
        if !terminating {
            return Ok(());
        }
        let why = format!(
            "unable to create new content in namespace {} because it is being terminated",
            self.namespace
        );
        // Where the name is still to be generated, its start says what is meant.
        let name =
            if self.name.is_empty() { object::metadata_text(object, "generateName") } else { &self.name };
        Err(ApiError::forbidden(&self.resource.id, name, &why).with_cause(Cause {
            reason: "NamespaceTerminating".into(),
            message: format!("namespace {} is being terminated", self.namespace),
            field: "metadata.namespace".into(),
        }))
    }
}

/// What the client asked of the object's state, from `metadata.resourceVersion`.
///
/// # Errors
/// 500 in the words of Go's parser for what is no number.
pub(crate) fn sent_revision(object: &Value) -> Result<u64, ApiError> {
    match object::resource_version(object) {
        "" => Ok(0),
        text => text.parse().map_err(|_| {
            let quoted = crate::go_text::quote(text);
            ApiError::unexpected(format!("strconv.ParseUint: parsing {quoted}: invalid syntax"))
        }),
    }
}
