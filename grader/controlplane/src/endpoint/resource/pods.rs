//! What kubelets answer through the API server: logs and streams of pods (pkg/registry/core/pod/strategy.go).

use super::Call;
use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::request::{Reply, Response};
use crate::verbs::get;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

impl Call<'_> {
    /// Answers what can be said of a pod that is on no node: nothing has been logged, and nobody can be reached. A pod
    /// on a node would have to be asked.
    pub(super) fn reach_pod(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        let subresource = self.path.subresource.as_deref().unwrap_or_default();
        let is_log = subresource == "log";
        if is_log {
            self.check_log_options()?;
        }
        let pod = get::get(server, &self.resource, self.namespace(), self.name())?;
        if subresource != "portforward" {
            self.check_container(&pod)?;
        }
        match (pod["spec"]["nodeName"].as_str().unwrap_or_default(), is_log) {
            ("", true) => {
                let (status, headers) = (StatusCode::NO_CONTENT, HeaderMap::new());
                Ok(Reply::Complete(Response { status, headers, body: Bytes::new() }))
            }
            ("", false) => {
                let text = format!("pod {} does not have a host assigned", self.name());
                Err(ApiError::bad_request(text))
            }
            _ => Err(ApiError::not_implemented(&self.resource.id, subresource)),
        }
    }

    fn check_log_options(&self) -> Result<(), ApiError> {
        let mut errors = Vec::new();
        for (option, least) in [("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)] {
            if let Some(value) = self.query.number(option)?.filter(|value| *value < least) {
                let text = match least {
                    0 => "must be greater than or equal to 0",
                    _ => "must be greater than 0",
                };
                errors.push(FieldError::invalid(option, value, text));
            }
        }
        if self.query.get("sinceSeconds").is_some() && self.query.get("sinceTime").is_some() {
            let text = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            errors.push(FieldError::forbidden("[]", text));
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(ApiError::invalid("", "PodLogOptions", self.name(), &errors))
        }
    }

    /// The container that is asked for must be one of the pod's, and must be named where there are several.
    fn check_container(&self, pod: &Value) -> Result<(), ApiError> {
        let names = |list: &str| -> Vec<String> {
            let containers = pod["spec"][list].as_array().into_iter().flatten();
            containers.filter_map(|container| container["name"].as_str()).map(str::to_owned).collect()
        };
        let containers = names("containers");
        let all = [names("initContainers"), containers.clone(), names("ephemeralContainers")].concat();
        let pod_name = self.name();
        match self.query.text("container") {
            "" if containers.len() < 2 => Ok(()),
            "" => Err(ApiError::bad_request(format!(
                "a container name must be specified for pod {pod_name}, choose one of: [{}]",
                all.join(" ")
            ))),
            asked if all.iter().any(|name| name == asked) => Ok(()),
            asked => Err(ApiError::bad_request(format!("container {asked} is not valid for pod {pod_name}"))),
        }
    }
}
