//! What is asked of a pod: to be bound to a node, to be evicted.

use super::super::query::{OptionsKind, WriteOptions};
use super::Call;
use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::object;
use crate::request::Reply;
use crate::store::ResourceId;
use crate::verbs::write::Write;
use crate::verbs::{bind, evict};
use http::StatusCode;
use serde_json::Value;

const PODS: ResourceId = ResourceId::known("", "pods");

/// Does what a body asks for; the answer is a Status.
type Verb = fn(&mut ApiServer, &mut Write<'_>, &mut Value) -> Result<Value, ApiError>;

impl Call<'_> {
    pub(super) fn bind(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        self.ask(server, "v1", "Binding", bind::bind)
    }

    /// The older way to bind: the body alone says which pod.
    pub(super) fn bind_named(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        self.ask(server, "v1", "Binding", |server, write, binding| {
            let name = object::name(binding);
            if name.is_empty() {
                return Err(ApiError::bad_request("Name parameter required."));
            }
            let pods = server.resources.preferred(&PODS).ok_or_else(ApiError::unknown_resource)?;
            (write.resource, write.name) = (pods.clone(), name.to_owned());
            write.subresource = Some("binding");
            write.check_namespace(binding)?;
            bind::bind(server, write, binding)
        })
    }

    pub(super) fn evict(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        self.ask(server, "policy/v1", "Eviction", evict::evict)
    }

    fn ask(
        &mut self,
        server: &mut ApiServer,
        api_version: &str,
        kind: &str,
        verb: Verb,
    ) -> Result<Reply, ApiError> {
        self.check_size()?;
        let options = WriteOptions::parse(&self.query, OptionsKind::Create)?;
        let mut asked = self.other_object((api_version, kind), options.field_validation)?;
        let mut write = self.write(&options);
        let status = verb(server, &mut write, &mut asked);
        self.warnings.append(&mut write.warnings);
        let status = status?;
        Ok(self.reply(StatusCode::CREATED, self.representation.bytes_of_struct(&status)))
    }
}
