//! Requests that read: one object, a list, a watch.

use super::super::accept::{self, Format};
use super::super::query::ListOptions;
use super::super::respond;
use super::Call;
use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::request::Reply;
use crate::verbs::{get, list, watch};
use bytes::Bytes;
use http::StatusCode;

impl Call<'_> {
    /// Nothing can be asked about a revision that has not come yet; the server waits a little for it.
    fn wait_for_revision(&self, server: &mut ApiServer) -> Option<Reply> {
        let asked: u64 = self.query.text("resourceVersion").parse().ok()?;
        let request = format!("{}?{}", self.request.path, self.request.query);
        server.waiting.wait(request, asked, server.store.revision(), self.now).map(Reply::Later)
    }

    pub(super) fn get(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        if let Some(later) = self.wait_for_revision(server) {
            return Ok(later);
        }
        let current = server.store.revision();
        let asked = match self.query.text("resourceVersion") {
            "" => 0,
            text => text.parse().map_err(|_| list::unreadable_revision(text))?,
        };
        if asked > current {
            return Err(list::too_large(asked, current));
        }
        let object = get::get(server, &self.resource, self.namespace(), self.name())?;
        self.object(StatusCode::OK, &object)
    }

    pub(super) fn list_or_watch(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        let mut options = ListOptions::parse(&self.query)?;
        if let Some(name) = &self.path.name {
            options.select_name(name)?;
        }
        let namespace = self.path.namespace.as_deref();
        if options.watch || self.path.watched {
            if !self.resource.allows("watch") {
                return Err(ApiError::method_not_supported(&self.resource.id, "watch"));
            }
            if self.representation.accept.format == Format::Yaml {
                return Err(accept::no_stream());
            }
            if options.send_initial_events == Some(true)
                && let Some(later) = self.wait_for_revision(server)
            {
                return Ok(later);
            }
            self.include_object()?;
            let id =
                watch::watch(server, &self.resource, namespace, &options, self.representation, self.now)?;
            let head = respond::bytes(StatusCode::OK, self.representation.stream_type(), Bytes::new());
            return Ok(Reply::Watch { id, head });
        }
        if let Some(later) = self.wait_for_revision(server) {
            return Ok(later);
        }
        let page = list::list(server, &self.resource, namespace, &options)?;
        self.include_object()?;
        let body = self.representation.list(&self.resource, &page, self.now)?;
        Ok(self.reply(StatusCode::OK, body))
    }
}
