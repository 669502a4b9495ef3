//! Requests for `/scale`.

use super::super::query::{OptionsKind, WriteOptions};
use super::super::yaml;
use super::Call;
use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::request::Reply;
use crate::resources;
use crate::verbs::patch::SentPatch;
use crate::verbs::{get, scale};
use http::{Method, StatusCode};
use serde_json::Value;

/// The media type of an applied configuration.
const APPLY: &str = "application/apply-patch+yaml";

/// What a body that replaces a scale is.
const SCALE: (&str, &str) = ("autoscaling/v1", "Scale");

impl Call<'_> {
    fn scale(&self, scale: &Value) -> Result<Reply, ApiError> {
        Ok(self.reply(StatusCode::OK, self.representation.scale(&self.resource, scale, self.now)?))
    }

    pub(super) fn get_scale(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        let object = get::get(server, &self.resource, self.namespace(), self.name())?;
        let scale = resources::scale::of(&self.resource, &object)?;
        self.scale(&scale)
    }

    pub(super) fn write_scale(&mut self, server: &mut ApiServer) -> Result<Reply, ApiError> {
        self.check_size()?;
        let media_type = self.media_type();
        let patched = self.request.method == Method::PATCH;
        let applied = patched && media_type == APPLY;
        let kind = match (patched, applied) {
            (_, true) => OptionsKind::Apply,
            (true, false) => OptionsKind::Patch,
            (false, false) => OptionsKind::Update,
        };
        let options = WriteOptions::parse(&self.query, kind)?;
        let mut write = self.write(&options);
        if applied {
            let (configuration, _) = yaml::parse(&self.request.body).map_err(|text| {
                ApiError::bad_request(format!("error decoding YAML: error converting YAML to JSON: {text}"))
            })?;
            let force = options.force.unwrap_or(false);
            let scale = scale::apply(server, &mut write, &configuration, force)?;
            return self.scale(&scale);
        }
        let scale = if patched {
            let object = get::get(server, &self.resource, self.namespace(), self.name())?;
            let old = resources::scale::of(&self.resource, &object)?;
            SentPatch::parse(&media_type, &self.request.body)?.apply_to_scale(&old)?
        } else {
            let mut scale = self.other_object(SCALE, options.field_validation)?;
            write.check_namespace(&mut scale)?;
            scale
        };
        write.check_name(&scale)?;
        let scale = scale::update(server, &mut write, &scale)?;
        self.scale(&scale)
    }
}
