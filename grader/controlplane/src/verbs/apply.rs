//! PATCH that describes a result: server-side apply (apiserver/pkg/endpoints/handlers/patch.go).

use super::create;
use super::patch::finish;
use super::update::Updated;
use super::write::Write;
use crate::api_server::ApiServer;
use crate::apply;
use crate::conversion;
use crate::endpoint::{decode, yaml};
use crate::error::ApiError;
use crate::go_text;
use crate::object;
use crate::verbs::write::FieldValidation;
use serde_json::Value;
use std::sync::Arc;

/// Applies a configuration, which creates what is not there.
pub(crate) fn apply(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    bytes: &[u8],
    force: bool,
) -> Result<Updated, ApiError> {
    let resource = write.resource.clone();
    let (configuration, repeated) = yaml::parse(bytes).map_err(|text| {
        ApiError::bad_request(format!("error decoding YAML: error converting YAML to JSON: {text}"))
    })?;
    if decode::is_too_deep(&configuration) {
        return Err(ApiError::bad_request(decode::TOO_DEEP));
    }
    if let Some(kind) = not_a_map(&configuration) {
        return Err(ApiError::bad_request(format!(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go \
             value of type map[string]interface {{}}"
        )));
    }
    let stored = server.store.get(&resource.storage, &write.namespace, &write.name);
    let stored = stored.map(|stored| (stored.object.clone(), stored.revision));
    let live = stored
        .map(|(object, revision)| conversion::show(server, &resource, &object, revision))
        .transpose()?;
    if live.is_none() && write.subresource.is_some() {
        return Err(write.not_found());
    }
    if live.is_none() {
        write.refuse_terminating()?;
        write.require_right_to_create(server)?;
    }
    let api_version = resource.api_version();
    let applied = apply::server_side_apply(
        &resource.schema(),
        live.as_deref(),
        &configuration,
        &write.writer(&api_version),
        force,
    )?;
    match write.field_validation {
        FieldValidation::Strict if !repeated.is_empty() => {
            return Err(ApiError::bad_request(format!(
                "error strict decoding YAML: error converting YAML to JSON: {}",
                yaml::unmarshal_errors(&repeated)
            )));
        }
        FieldValidation::Warn => repeated.into_iter().for_each(|text| write.warn(text)),
        _ => {}
    }
    let mut new = decode::applied(&resource, &configuration, applied)?;
    match live {
        Some(old) => finish(server, write, &old, new),
        None => {
            let uid = object::uid(&new);
            if !uid.is_empty() {
                let why = format!(
                    "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                );
                return Err(ApiError::conflict(&resource.id, &write.name, &why));
            }
            write.check_namespace(&mut new)?;
            write.check_name(&new)?;
            write.drop_duplicate_owners(&mut new);
            let version = object::resource_version(&new);
            if !version.is_empty() && version.parse::<u64>().is_err() {
                let version = go_text::quote(version);
                let why = format!("strconv.ParseUint: parsing {version}: invalid syntax");
                return Err(ApiError::unexpected(why));
            }
            let metadata = object::metadata_mut(&mut new);
            metadata.remove("resourceVersion");
            metadata.remove("selfLink");
            let object: Arc<Value> = create::insert(server, write, new)?;
            Ok(Updated { object, created: true })
        }
    }
}

/// What Go calls a configuration that is no map; nothing at all counts as an empty one.
fn not_a_map(configuration: &Value) -> Option<&'static str> {
    match configuration {
        Value::Object(_) | Value::Null => None,
        Value::Array(_) => Some("array"),
        Value::String(_) => Some("string"),
        Value::Number(_) => Some("number"),
        Value::Bool(_) => Some("bool"),
    }
}
