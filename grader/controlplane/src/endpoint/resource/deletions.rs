//! Requests that take something away.

use super::super::accept::{self, BodyFormat};
use super::super::query::{DeleteOptions, ListOptions, WriteOptions};
use super::super::{decode, yaml};
use super::Call;
use crate::api_server::ApiServer;
use crate::builtins;
use crate::error::ApiError;
use crate::go_text;
use crate::object;
use crate::patch;
use crate::protobuf;
use crate::request::Reply;
use crate::resources::Nature;
use crate::verbs::list;
use crate::verbs::page::Page;
use crate::verbs::write::{FieldValidation, Write};
use crate::verbs::{delete, delete_collection};
use http::StatusCode;
use serde_json::json;

impl Call<'_> {
    fn delete_options(&self) -> Result<DeleteOptions, ApiError> {
        self.check_size()?;
        if self.request.body.is_empty() {
            return DeleteOptions::from_query(&self.query);
        }
        let body = match accept::body_format(&self.request.headers)? {
            BodyFormat::Json => patch::decode::decode(&self.request.body)
                .map_err(|text| format!("couldn't get version/kind; json parse error: {text}")),
            BodyFormat::Yaml => yaml::parse(&self.request.body).map(|(body, _)| body),
            BodyFormat::Protobuf => {
                protobuf::delete_options(&self.request.body).map_err(|error| error.to_string())
            }
        };
        let body = body.map_err(ApiError::bad_request)?;
        if !body.is_object() && !body.is_null() {
            return Err(ApiError::bad_request(decode::no_object(&body)));
        }
        let kind = object::kind(&body);
        if !matches!(kind, "" | "DeleteOptions") {
            return Err(ApiError::bad_request(format!(
                "no kind {} is registered for version {} in scheme \"pkg/apis/meta/internalversion/scheme/register.go:27\"",
                go_text::quote(kind),
                go_text::quote(object::api_version(&body))
            )));
        }
        DeleteOptions::from_body(&body)
    }

    pub(super) fn delete(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        let options = self.delete_options()?;
        let mut write = self.delete_write(&options);
        let deleted = delete::delete_admitted(server, &mut write, &options);
        self.warnings.append(&mut write.warnings);
        let deleted = deleted?;
        let with_object = match &self.resource.nature {
            Nature::BuiltIn(known) => builtins::deletion_answers_with_object(known.group, known.kind),
            Nature::Custom(_) => false,
        };
        if !deleted.gone || with_object {
            let accepted = !deleted.gone && options.orphan_dependents == Some(false);
            let status = if accepted { StatusCode::ACCEPTED } else { StatusCode::OK };
            return self.object(status, &deleted.object);
        }
        let mut details = json!({
            "name": self.name(), "kind": self.resource.id.resource(), "uid": object::uid(&deleted.object),
        });
        if !self.resource.id.group().is_empty() {
            details["group"] = self.resource.id.group().into();
        }
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
        });
        Ok(self.reply(StatusCode::OK, self.representation.bytes_of_struct(&status)))
    }

    fn delete_write(&self, options: &DeleteOptions) -> Write<'static> {
        self.write(&WriteOptions {
            dry_run: options.dry_run,
            field_manager: String::new(),
            field_validation: FieldValidation::Ignore,
            force: None,
        })
    }

    pub(super) fn delete_collection(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        let list_options = ListOptions::parse(&self.query)?;
        let mut options = self.delete_options()?;
        if self.request.body.is_empty() {
            // In the query it is the revision that the list is asked for.
            options.resource_version = None;
        }
        let mut write = self.delete_write(&options);
        let namespace = self.path.namespace.as_deref();
        let page = list::list(server, &self.resource, namespace, &list_options)?;
        let deleted = delete_collection::delete_collection(server, &mut write, &page.items, &options);
        self.warnings.append(&mut write.warnings);
        deleted?;
        let page = Page { revision: Some(server.store.revision()), remaining: None, ..page };
        let body = self.representation.list(&self.resource, &page, self.now)?;
        Ok(self.reply(StatusCode::OK, body))
    }
}
