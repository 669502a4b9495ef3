//! Streams of a pod's containers, and of its ports (pkg/registry/core/pod/rest/subresources.go).

use super::super::Call;
use super::Destination;
use crate::access::{Attributes, ResourceAttributes};
use crate::api_server::ApiServer;
use crate::builtins::fields::text;
use crate::error::ApiError;
use crate::request::Reply;
use crate::verbs::get;
use http::Method;
use serde_json::Value;

impl Call<'_> {
    pub(super) fn stream(&self, server: &mut ApiServer, options: &Value) -> Result<Reply, ApiError> {
        self.check_may_create(server)?;
        let pod = get::get(server, &self.resource, self.namespace(), self.name())?;
        if options["kind"] != "PodPortForwardOptions" {
            self.container(&pod, text(options, "/container"))?;
        }
        let node = text(&pod, "/spec/nodeName");
        if node.is_empty() {
            let why = format!("pod {} does not have a host assigned", self.name());
            return Err(ApiError::bad_request(why));
        }
        let kubelet = Destination::kubelet(server, &self.resource.id, node)?;
        if !self.wants_upgrade() {
            return Err(ApiError::bad_request("Upgrade request required"));
        }
        Err(ApiError::unexpected(format!("error dialing backend: {}", kubelet.failure())))
    }

    /// A stream is more than what `get` allows, though it can be asked for with GET.
    fn check_may_create(&self, server: &ApiServer) -> Result<(), ApiError> {
        if self.request.method == Method::POST {
            return Ok(());
        }
        let attributes = ResourceAttributes {
            group: self.resource.id.group(),
            resource: self.resource.id.resource(),
            subresource: self.path.subresource.as_deref().unwrap_or_default(),
            namespace: self.namespace(),
            name: self.name(),
        };
        let decision = server.access.decide(&Attributes::of_resource(&self.user, "create", attributes));
        match decision.allowed {
            true => Ok(()),
            false => Err(ApiError::forbidden(&self.resource.id, self.name(), &decision.reason)),
        }
    }
}
