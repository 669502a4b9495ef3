//! Where a connection goes.

use crate::api_server::ApiServer;
use crate::builtins::fields::{list, text};
use crate::error::ApiError;
use crate::store::ResourceId;
use serde_json::Value;
use std::net::IpAddr;

const NODES: ResourceId = ResourceId::known("", "nodes");
/// `--kubelet-preferred-address-types` of kube-apiserver.
const PREFERRED: [&str; 5] = ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"];
const KUBELET_PORT: i64 = 10250;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::endpoint::resource) struct Destination {
    pub(in crate::endpoint::resource) host: String,
    pub(in crate::endpoint::resource) port: String,
}

impl Destination {
    /// The kubelet of a node (pkg/kubelet/client/kubelet_client.go, `GetConnectionInfo`).
    ///
    /// # Errors
    /// 404 in the name of `asked` when there is no such node, 500 when it has no address.
    pub(in crate::endpoint::resource) fn kubelet(
        server: &ApiServer,
        asked: &ResourceId,
        node: &str,
    ) -> Result<Self, ApiError> {
        let stored = server.store.get(&NODES, "", node).ok_or_else(|| ApiError::not_found(asked, node))?;
        let addresses = list(&stored.object, "/status/addresses");
        let of_kind = |kind: &&str| addresses.iter().find(|address| address["type"] == **kind);
        let Some(address) = PREFERRED.iter().find_map(of_kind) else {
            return Err(ApiError::unexpected("no preferred addresses found; known addresses: []"));
        };
        let port = stored.object.pointer("/status/daemonEndpoints/kubeletEndpoint/Port");
        let port = port.and_then(Value::as_i64).filter(|port| *port > 0).unwrap_or(KUBELET_PORT);
        Ok(Self { host: text(address, "/address").to_owned(), port: port.to_string() })
    }

    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// What Go's dialer says when it gets nowhere.
    pub(in crate::endpoint::resource) fn failure(&self) -> String {
        match self.address() {
            Some(_) => format!("dial tcp {self}: connect: network is unreachable"),
            None => format!("dial tcp: {}", self.unknown_host()),
        }
    }

    /// What Go's resolver says about a name that nobody knows.
    pub(super) fn unknown_host(&self) -> String {
        format!("lookup {}: no such host", self.host)
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port } = self;
        match host.contains(':') {
            true => write!(formatter, "[{host}]:{port}"),
            false => write!(formatter, "{host}:{port}"),
        }
    }
}

/// Whether anything may be proxied to this address (Go's `IP.IsGlobalUnicast`).
pub(super) fn is_global_unicast(address: IpAddr) -> bool {
    let is_special = match address {
        IpAddr::V4(v4) => v4.is_broadcast() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(is_special || address.is_unspecified() || address.is_loopback() || address.is_multicast())
}
