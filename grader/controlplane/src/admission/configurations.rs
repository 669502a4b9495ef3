//! The configured webhooks (admissionregistration.k8s.io), and where they are
//! (apiserver/pkg/util/webhook/client.go, apiserver/pkg/util/proxy).

use crate::api_server::ApiServer;
use crate::routing::percent_decode;
use crate::store::ResourceId;
use crate::webhooks::{self, Target};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::sync::Arc;

const SERVICES: ResourceId = ResourceId::known("", "services");
const SLICES: ResourceId = ResourceId::known("discovery.k8s.io", "endpointslices");

/// One webhook of a configuration.
#[derive(Clone, Debug)]
pub(super) struct Webhook {
    configuration: Arc<Value>,
    index: usize,
}

impl std::ops::Deref for Webhook {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.configuration["webhooks"][self.index]
    }
}

impl Webhook {
    pub(super) fn name(&self) -> &str {
        self["name"].as_str().unwrap_or_default()
    }

    /// Its failures are no obstacle.
    pub(super) fn may_fail(&self) -> bool {
        self["failurePolicy"] == "Ignore"
    }

    pub(super) fn timeout_seconds(&self) -> i64 {
        self["timeoutSeconds"].as_i64().unwrap_or(10)
    }
}

/// All webhooks of a resource's configurations, by the names of these, then in their order.
pub(super) fn webhooks(server: &ApiServer, resource: &ResourceId) -> Vec<Webhook> {
    let configurations = server.store.list(resource, None).map(|stored| stored.object.clone());
    let of = |configuration: Arc<Value>| {
        let count = configuration["webhooks"].as_array().map_or(0, Vec::len);
        (0..count).map(move |index| Webhook { configuration: configuration.clone(), index })
    };
    configurations.flat_map(of).collect()
}

/// Where a `WebhookClientConfig` leads, with the certificates to trust. `query` is added to the URL.
///
/// # Errors
/// Why it leads nowhere.
pub(crate) fn target(server: &ApiServer, client: &Value, query: &str) -> Result<(Target, Vec<u8>), String> {
    let bundle = client["caBundle"].as_str().unwrap_or_default();
    let ca_bundle = STANDARD.decode(bundle).unwrap_or_default();
    if let Some(url) = client["url"].as_str() {
        let place = url.strip_prefix("https://").unwrap_or(url);
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let path = percent_decode(path).unwrap_or_else(|| path.into());
        return Ok((Target::Url(webhooks::url(authority, &path, query)), ca_bundle));
    }
    let service = &client["service"];
    let text = |key: &str| service[key].as_str().unwrap_or_default();
    let (namespace, name) = (text("namespace"), text("name"));
    let port = service["port"].as_i64().unwrap_or(443);
    let url = webhooks::url(&format!("{name}.{namespace}.svc:{port}"), text("path"), query);
    let unroutable = |why: String| format!("Post {url:?}: {why}");
    let Some(found) = server.store.get(&SERVICES, namespace, name) else {
        return Err(unroutable(format!("service {name:?} not found")));
    };
    let found = found.object.clone();
    if found["spec"]["type"] == "ExternalName" {
        let host = found["spec"]["externalName"].as_str().unwrap_or_default();
        let addresses = vec![format!("{host}:{port}")];
        return Ok((Target::Service { url, addresses }, ca_bundle));
    }
    if found["spec"]["clusterIP"] == "None" {
        return Err(unroutable("cannot route to service with ClusterIP \"None\"".to_owned()));
    }
    let ports = found["spec"]["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(served) = ports.iter().find(|served| served["port"].as_i64() == Some(port)) else {
        return Err(unroutable(format!("no service port {port} found for service {name:?}")));
    };
    let mut addresses = ready(server, namespace, name, served["name"].as_str().unwrap_or_default());
    let own = found["spec"]["clusterIP"].as_str().filter(|address| !address.is_empty());
    addresses.extend(own.map(|address| format!("{address}:{port}")));
    Ok((Target::Service { url, addresses }, ca_bundle))
}

/// The ready endpoints of a Service's port.
fn ready(server: &ApiServer, namespace: &str, service: &str, port: &str) -> Vec<String> {
    let mut found = Vec::new();
    for stored in server.store.list(&SLICES, Some(namespace)) {
        let slice = &stored.object;
        if slice["metadata"]["labels"]["kubernetes.io/service-name"] != service {
            continue;
        }
        let mut ports = slice["ports"].as_array().into_iter().flatten();
        let number = ports.find(|known| known["name"].as_str().unwrap_or_default() == port);
        let Some(number) = number.and_then(|known| known["port"].as_i64()) else { continue };
        let endpoints = slice["endpoints"].as_array().into_iter().flatten();
        for endpoint in endpoints.filter(|endpoint| endpoint["conditions"]["ready"] != false) {
            let addresses = endpoint["addresses"].as_array().into_iter().flatten();
            found.extend(addresses.filter_map(Value::as_str).map(|address| match address.contains(':') {
                true => format!("[{address}]:{number}"),
                false => format!("{address}:{number}"),
            }));
        }
    }
    found
}
