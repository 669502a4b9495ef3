//! The API as controllers use it: in-process, as an administrator, through the same verbs as everybody.

use crate::access::tokens::legacy;
use crate::access::{Attributes, ResourceAttributes, User};
use crate::admission;
use crate::api_server::ApiServer;
use crate::custom_resources::scale::ScalePaths;
use crate::endpoint::decode;
use crate::endpoint::query::DeleteOptions;
use crate::error::ApiError;
use crate::object;
use crate::resources::{Nature, Resource};
use crate::store::ResourceId;
use crate::verbs::patch::SentPatch;
use crate::verbs::write::{FieldValidation, Write};
use crate::verbs::{apply, create, delete, patch, update};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// A client of the API server from inside the control plane.
///
/// # Guarantees
/// Reads see every write made before, also those of the same run. Writes follow the rules of the verbs: defaults,
/// validation, finalizers, field managers (the manager is the controller's).
///
/// # Errors
/// What the API server would answer: a missing object is NotFound, a `metadata.resourceVersion` that is not the
/// current one is a Conflict.
#[derive(Debug)]
pub struct Api<'a> {
    server: &'a mut ApiServer,
    manager: &'a str,
    now: Timestamp,
}

impl<'a> Api<'a> {
    pub(crate) fn new(server: &'a mut ApiServer, manager: &'a str, now: Timestamp) -> Self {
        Self { server, manager, now }
    }

    /// The time of this run.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// One object; `namespace` is `None` for cluster-scoped ones.
    pub fn get(&self, resource: &ResourceId, namespace: Option<&str>, name: &str) -> Option<Arc<Value>> {
        let storage = self.storage(resource)?;
        let stored = self.server.store.get(&storage, namespace.unwrap_or_default(), name)?;
        Some(stored.object.clone())
    }

    /// All objects of a resource in one namespace (or, with `None`, everywhere), by namespace and name.
    pub fn list(&self, resource: &ResourceId, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let Some(storage) = self.storage(resource) else { return Vec::new() };
        self.server.store.list(&storage, namespace).map(|stored| stored.object.clone()).collect()
    }

    /// The resource that owns references of this group and kind mean (`apiVersion` `apps/v1`, `kind` `ReplicaSet`),
    /// and whether it is namespaced.
    pub fn resource_of(&self, api_version: &str, kind: &str) -> Option<(ResourceId, bool)> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let resource = self.server.resources.by_kind(group, kind)?;
        Some((resource.storage.clone(), resource.namespaced))
    }

    /// Where objects of a custom kind keep their number of replicas; nothing for a kind without a Scale.
    pub(super) fn scale_of(&self, api_version: &str, kind: &str) -> Option<ScalePaths> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        match &self.server.resources.by_kind(group, kind)?.nature {
            Nature::Custom(custom) => custom.scale().cloned(),
            Nature::BuiltIn(_) => None,
        }
    }

    /// Every resource that is served and can be listed, with whether it is namespaced; each once.
    pub fn resources(&self) -> Vec<(ResourceId, bool)> {
        self.server.resources.stored()
    }

    /// Creates an object.
    pub fn create(
        &mut self,
        resource: &ResourceId,
        namespace: Option<&str>,
        object: Value,
    ) -> Result<Arc<Value>, ApiError> {
        let target = self.target(resource)?;
        let object = read(&target, object)?;
        let name = object::name(&object).to_owned();
        let write = self.write(&target, namespace, &name, None);
        self.asking("create", object, write, create::create)
    }

    /// Replaces an object (all but its status, where status has a path of its own).
    pub fn update(&mut self, resource: &ResourceId, object: Value) -> Result<Arc<Value>, ApiError> {
        self.replace(resource, object, None)
    }

    /// Replaces an object's status.
    pub fn update_status(&mut self, resource: &ResourceId, object: Value) -> Result<Arc<Value>, ApiError> {
        self.replace(resource, object, Some("status"))
    }

    /// Writes an object through one of its subresources (`finalize` of a Namespace, `binding` of a Pod).
    pub fn update_subresource(
        &mut self,
        resource: &ResourceId,
        object: Value,
        subresource: &str,
    ) -> Result<Arc<Value>, ApiError> {
        self.replace(resource, object, Some(subresource))
    }

    fn replace(
        &mut self,
        resource: &ResourceId,
        object: Value,
        subresource: Option<&str>,
    ) -> Result<Arc<Value>, ApiError> {
        let target = self.target(resource)?;
        let object = read(&target, object)?;
        let (namespace, name) = (object::namespace(&object).to_owned(), object::name(&object).to_owned());
        let write = self.write(&target, Some(&namespace), &name, subresource);
        self.asking("update", object, write, |server, write, object| {
            update::replace(server, write, object).map(|updated| updated.object)
        })
    }

    /// Applies a configuration and takes every field in it, whoever has it.
    pub fn apply(
        &mut self,
        resource: &ResourceId,
        namespace: Option<&str>,
        configuration: &Value,
    ) -> Result<Arc<Value>, ApiError> {
        self.apply_to(resource, namespace, configuration, None)
    }

    /// The same for an object's status.
    pub(crate) fn apply_status(
        &mut self,
        resource: &ResourceId,
        namespace: Option<&str>,
        configuration: &Value,
    ) -> Result<Arc<Value>, ApiError> {
        self.apply_to(resource, namespace, configuration, Some("status"))
    }

    fn apply_to(
        &mut self,
        resource: &ResourceId,
        namespace: Option<&str>,
        configuration: &Value,
        subresource: Option<&str>,
    ) -> Result<Arc<Value>, ApiError> {
        let target = self.target(resource)?;
        let mut write = self.write(&target, namespace, object::name(configuration), subresource);
        let bytes = configuration.to_string();
        apply::apply(self.server, &mut write, bytes.as_bytes(), true).map(|updated| updated.object)
    }

    /// Whether somebody may do something, now.
    pub(super) fn allows(&self, user: &User, verb: &str, resource: ResourceAttributes<'_>) -> bool {
        self.server.access.decide(&Attributes::of_resource(user, verb, resource)).allowed
    }

    /// What in an admission policy does not fit the types of what it is about.
    pub(super) fn type_warnings(&self, policy: &Value) -> Vec<Value> {
        admission::type_warnings(self.server, policy)
    }

    /// The token that a Secret of this name holds for a ServiceAccount.
    pub fn legacy_token(&self, account: &Value, secret: &str) -> String {
        legacy::token(self.server.access.issuer(), account, secret)
    }

    /// Changes an object by a merge patch (RFC 7396); `subresource` is `Some("status")` or `None`.
    pub fn merge_patch(
        &mut self,
        resource: &ResourceId,
        namespace: Option<&str>,
        name: &str,
        subresource: Option<&str>,
        patch: &Value,
    ) -> Result<Arc<Value>, ApiError> {
        let target = self.target(resource)?;
        let write = self.write(&target, namespace, name, subresource);
        self.asking("patch", patch.clone(), write, |server, write, patch| {
            patch::patch(server, write, &SentPatch::merge(patch)).map(|updated| updated.object)
        })
    }

    /// Deletes an object; `options` are DeleteOptions, `Value::Null` for the defaults. The answer is the object as
    /// it is now (still there with a deletionTimestamp), or as it was when it is gone.
    pub fn delete(
        &mut self,
        resource: &ResourceId,
        namespace: Option<&str>,
        name: &str,
        options: &Value,
    ) -> Result<Arc<Value>, ApiError> {
        let target = self.target(resource)?;
        let write = self.write(&target, namespace, name, None);
        let options = DeleteOptions::from_body(options)?;
        self.asking("delete", Value::Null, write, |server, write, _| {
            delete::delete_admitted(server, write, &options).map(|deleted| deleted.object)
        })
    }

    /// Does a write that may have to ask webhooks. One that has to wait for an answer fails, and is remembered by what
    /// it writes: when the controller tries it again, it goes on.
    fn asking<T>(
        &mut self,
        verb: &str,
        body: Value,
        mut write: Write<'_>,
        act: impl FnOnce(&mut ApiServer, &mut Write<'_>, Value) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        if !self.server.calls.are_by_driver() {
            return act(self.server, &mut write, body);
        }
        let key = format!("{} {verb} {} {body}", self.manager, write.key());
        let ApiServer { calls, random, .. } = &mut *self.server;
        write.now = calls.begin_parked(random, &key, self.now);
        let outcome = act(self.server, &mut write, body);
        let ApiServer { calls, random, .. } = &mut *self.server;
        calls.end_parked(random, &key);
        outcome
    }

    fn storage(&self, resource: &ResourceId) -> Option<ResourceId> {
        Some(self.server.resources.preferred(resource)?.storage.clone())
    }

    fn target(&self, resource: &ResourceId) -> Result<Arc<Resource>, ApiError> {
        self.server.resources.preferred(resource).cloned().ok_or_else(ApiError::unknown_resource)
    }

    fn write<'w>(
        &self,
        target: &Arc<Resource>,
        namespace: Option<&str>,
        name: &str,
        subresource: Option<&'w str>,
    ) -> Write<'w>
    where
        'a: 'w,
    {
        Write {
            resource: target.clone(),
            namespace: namespace.unwrap_or_default().to_owned(),
            name: name.to_owned(),
            subresource,
            manager: self.manager.to_owned(),
            user: self.server.access.itself().clone(),
            field_validation: FieldValidation::Ignore,
            dry_run: false,
            now: self.now,
            warnings: Vec::new(),
        }
    }
}

/// The outcome of an action that has nothing left to do when its object is gone.
///
/// # Errors
/// All but NotFound.
pub(super) fn unless_gone<T>(outcome: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// As the server reads a body: in the form of the resource's version, with defaults.
fn read(target: &Resource, mut object: Value) -> Result<Value, ApiError> {
    object["apiVersion"] = target.api_version().into();
    object["kind"] = target.kind.clone().into();
    let decoded = decode::decode(target, object, &[]);
    decoded.map(|decoded| decoded.object).map_err(|error| ApiError::bad_request(error.text))
}
