//! Connections through the API server to what runs in the cluster: streams of pods, and proxies to pods, services and
//! nodes (apiserver/pkg/endpoints/handlers/rest.go, `ConnectResource`).
//!
//! All is asked and checked as for a connection that comes about. Only then it turns out that nobody listens: next to
//! this control plane runs no kubelet and no container.

mod destination;
mod options;
mod proxies;
mod streams;

pub(super) use destination::Destination;

use super::Call;
use crate::admission;
use crate::api_server::ApiServer;
use crate::endpoint::query::WriteOptions;
use crate::error::ApiError;
use crate::request::Reply;
use crate::verbs::write::FieldValidation;
use http::header;

/// Subresources of which every method is passed on.
const PROXY: &str = "proxy";

impl Call<'_> {
    pub(super) fn connects(&self) -> bool {
        self.resource.connects(self.path.subresource.as_deref())
    }

    /// Whether paths below the subresource, and all methods, are somebody else's.
    pub(super) fn is_proxied(&self) -> bool {
        self.connects() && self.path.subresource.as_deref() == Some(PROXY)
    }

    /// Asks admission about a connection, and finds out where to it would be.
    pub(super) fn connect(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        if self.query.get("dryRun").is_some() {
            return Err(ApiError::bad_request("dryRun is not supported"));
        }
        let mut options = self.connection_options()?;
        let write = WriteOptions {
            dry_run: false,
            field_manager: String::new(),
            field_validation: FieldValidation::Ignore,
            force: None,
        };
        let mut write = self.write(&write);
        let admitted = admission::admit_request(server, &mut write, &mut options);
        self.warnings.append(&mut write.warnings);
        admitted?;
        match self.is_proxied() {
            true => self.proxy(server, &options),
            false => self.stream(server, &options),
        }
    }

    /// Whether the client wants to speak something else than HTTP from here on
    /// (k8s.io/streaming/pkg/httpstream, `IsUpgradeRequest`).
    fn wants_upgrade(&self) -> bool {
        let named = |value: &header::HeaderValue| {
            value.to_str().is_ok_and(|text| text.to_ascii_lowercase().contains("upgrade"))
        };
        self.request.headers.get_all(header::CONNECTION).iter().any(named)
    }
}
