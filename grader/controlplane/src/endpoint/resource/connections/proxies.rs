//! Proxies to pods, services and nodes (`ResourceLocation` in pkg/registry/core/{pod,node}/strategy.go and
//! pkg/registry/core/service/storage/storage.go).

use super::super::Call;
use super::Destination;
use super::destination::is_global_unicast;
use crate::api_server::ApiServer;
use crate::builtins::fields::{list, text};
use crate::error::ApiError;
use crate::request::{Reply, Response};
use crate::store::ResourceId;
use crate::verbs::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

const PODS: ResourceId = ResourceId::known("", "pods");
const ENDPOINTS: ResourceId = ResourceId::known("", "endpoints");

/// `name`, `name:port` or `scheme:name:port`; what is not given is empty
/// (apimachinery/pkg/util/net/port_split.go, `SplitSchemeNamePort`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked<'a> {
    scheme: &'a str,
    name: &'a str,
    port: &'a str,
}

impl<'a> Asked<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let asked = match parts.as_slice() {
            [name] => Self { scheme: "", name, port: "" },
            [name, port] => Self { scheme: "", name, port },
            [scheme, name, port] => Self { scheme, name, port },
            _ => return None,
        };
        let is_known = ["", "http", "https"].contains(&asked.scheme);
        (is_known && !asked.name.is_empty()).then_some(asked)
    }
}

impl Call<'_> {
    pub(super) fn proxy(&self, server: &mut ApiServer, options: &Value) -> Result<Reply, ApiError> {
        let asked = Asked::parse(self.name()).ok_or_else(|| {
            let what = self.resource.singular.as_str();
            ApiError::bad_request(format!("invalid {what} request \"{}\"", self.name()))
        })?;
        let destination = match self.resource.id.resource() {
            "pods" => self.pod_destination(server, asked),
            "services" => self.service_destination(server, asked),
            _ => self.node_destination(server, asked),
        }?;
        let failure = destination.failure();
        if self.wants_upgrade() {
            return Err(ApiError::unexpected(format!("error dialing backend: {failure}")));
        }
        if text(options, "/path").is_empty() && [Method::GET, Method::HEAD].contains(&self.request.method) {
            return Ok(Reply::Complete(self.redirect_to_root()?));
        }
        Err(ApiError::service_unavailable(format!("error trying to reach service: {failure}")))
    }

    /// Relative links of a page need the slash.
    fn redirect_to_root(&self) -> Result<Response, ApiError> {
        let (path, query) = (&self.request.path, &self.request.query);
        let location = if query.is_empty() { format!("{path}/") } else { format!("{path}/?{query}") };
        let location = HeaderValue::try_from(location)
            .map_err(|_| ApiError::bad_request("the path is not encoded correctly"))?;
        let headers = HeaderMap::from_iter([(header::LOCATION, location)]);
        Ok(Response { status: StatusCode::MOVED_PERMANENTLY, headers, body: Bytes::new() })
    }

    fn pod_destination(&self, server: &mut ApiServer, asked: Asked<'_>) -> Result<Destination, ApiError> {
        let pod = get::get(server, &self.resource, self.namespace(), asked.name)?;
        let host = text(&pod, "/status/podIPs/0/ip").to_owned();
        let first_port = || {
            let mut containers = list(&pod, "/spec/containers").iter();
            containers.find_map(|container| container["ports"][0]["containerPort"].as_i64())
        };
        let port = match (asked.port, asked.scheme) {
            ("", scheme) => first_port().unwrap_or(if scheme == "https" { 443 } else { 80 }).to_string(),
            (port, _) => port.to_owned(),
        };
        let destination = Destination { host, port };
        match destination.address().filter(|address| is_global_unicast(*address)) {
            Some(_) => Ok(destination),
            None => Err(ApiError::bad_request("address not allowed")),
        }
    }

    fn node_destination(&self, server: &ApiServer, asked: Asked<'_>) -> Result<Destination, ApiError> {
        let mut destination = Destination::kubelet(server, &self.resource.id, asked.name)?;
        match destination.address() {
            None => return Err(ApiError::bad_request(destination.unknown_host())),
            Some(address) if !is_global_unicast(address) => {
                return Err(ApiError::bad_request("address not allowed"));
            }
            Some(_) => {}
        }
        if !asked.port.is_empty() {
            destination.port = asked.port.to_owned();
        }
        Ok(destination)
    }

    /// The first address that is a pod's, behind the port of that name. (Kubernetes takes any.)
    fn service_destination(&self, server: &mut ApiServer, asked: Asked<'_>) -> Result<Destination, ApiError> {
        let mut port_name = asked.port.to_owned();
        if let Ok(number) = asked.port.parse::<i64>() {
            let service = get::get(server, &self.resource, self.namespace(), asked.name)?;
            let port = list(&service, "/spec/ports").iter().find(|port| port["port"] == number);
            let Some(port) = port else {
                let why = format!("no service port {number} found for service \"{}\"", asked.name);
                return Err(ApiError::service_unavailable(why));
            };
            port_name = text(port, "/name").to_owned();
        }
        let endpoints = server.store.get(&ENDPOINTS, self.namespace(), asked.name);
        let endpoints = endpoints.ok_or_else(|| ApiError::not_found(&self.resource.id, asked.name))?;
        let subsets = list(&endpoints.object, "/subsets");
        let found = subsets.iter().find_map(|subset| {
            let port = list(subset, "/ports").iter().find(|port| text(port, "/name") == port_name)?;
            let mut addresses = list(subset, "/addresses").iter();
            let address = addresses.find(|address| self.is_of_pod(server, address))?;
            Some(Destination { host: text(address, "/ip").to_owned(), port: port["port"].to_string() })
        });
        found.ok_or_else(|| {
            let shown = if subsets.is_empty() { asked.name } else { self.name() };
            ApiError::service_unavailable(format!("no endpoints available for service \"{shown}\""))
        })
    }

    fn is_of_pod(&self, server: &ApiServer, address: &Value) -> bool {
        if text(address, "/targetRef/namespace") != self.namespace() {
            return false;
        }
        let pod = server.store.get(&PODS, self.namespace(), text(address, "/targetRef/name"));
        pod.is_some_and(|pod| list(&pod.object, "/status/podIPs").iter().any(|ip| ip["ip"] == address["ip"]))
    }
}
