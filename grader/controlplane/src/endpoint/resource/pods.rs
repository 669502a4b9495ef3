//! What a kubelet answers through the API server about the containers of a pod: their logs
//! (pkg/registry/core/pod/strategy.go, pkg/registry/core/pod/rest/log.go).

use super::Call;
use super::connections::Destination;
use crate::api_server::ApiServer;
use crate::builtins::fields::text;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::request::{Reply, Response};
use crate::verbs::get;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// What the kubelet is told, by name.
const LOG_PARAMETERS: [&str; 7] =
    ["follow", "limitBytes", "previous", "sinceSeconds", "sinceTime", "tailLines", "timestamps"];

impl Call<'_> {
    /// A pod on no node has logged nothing; of another one its kubelet would have to be asked.
    pub(super) fn log(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        self.check_log_options()?;
        let pod = get::get(server, &self.resource, self.namespace(), self.name())?;
        let container = self.container(&pod, self.query.text("container"))?;
        let node = text(&pod, "/spec/nodeName");
        if node.is_empty() {
            let (status, headers) = (StatusCode::NO_CONTENT, HeaderMap::new());
            return Ok(Reply::Complete(Response { status, headers, body: Bytes::new() }));
        }
        let kubelet = Destination::kubelet(server, &self.resource.id, node)?;
        let (namespace, pod, parameters) = (self.namespace(), self.name(), self.log_parameters());
        Err(ApiError::unexpected(format!(
            "Get \"https://{kubelet}/containerLogs/{namespace}/{pod}/{container}{parameters}\": {}",
            kubelet.failure()
        )))
    }

    fn log_parameters(&self) -> String {
        let told = LOG_PARAMETERS.iter().filter_map(|key| match *key {
            "follow" | "previous" | "timestamps" => self.query.flag(key)?.then(|| format!("{key}=true")),
            _ => {
                let value = self.query.get(key).filter(|value| !value.is_empty())?;
                Some(format!("{key}={}", value.replace(':', "%3A").replace('+', "%2B")))
            }
        });
        let told = told.collect::<Vec<_>>().join("&");
        if told.is_empty() { told } else { format!("?{told}") }
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

    /// The container that is asked for, or the only one: it must be one of the pod's, and must be named where there are
    /// several.
    pub(super) fn container<'a>(&self, pod: &'a Value, asked: &'a str) -> Result<&'a str, ApiError> {
        let names = |list: &str| {
            let containers = pod["spec"][list].as_array().into_iter().flatten();
            containers.filter_map(|container| container["name"].as_str()).collect::<Vec<_>>()
        };
        let containers = names("containers");
        let all = [names("initContainers"), containers.clone(), names("ephemeralContainers")].concat();
        let pod_name = self.name();
        match (asked, containers.as_slice()) {
            ("", [only]) => Ok(only),
            ("", _) => Err(ApiError::bad_request(format!(
                "a container name must be specified for pod {pod_name}, choose one of: [{}]",
                all.join(" ")
            ))),
            (asked, _) if all.contains(&asked) => Ok(asked),
            (asked, _) => {
                Err(ApiError::bad_request(format!("container {asked} is not valid for pod {pod_name}")))
            }
        }
    }
}
