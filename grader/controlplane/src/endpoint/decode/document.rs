//! From a document to an object in the form of its version.

use super::{Decoded, MOST_OBJECTIONS, Objection, TOO_DEEP, Undecodable, is_too_deep, object_version};
use crate::apply;
use crate::builtins::{self, Reader};
use crate::custom_resources::definition;
use crate::error::ApiError;
use crate::field_error::FieldPath;
use crate::go_text;
use crate::object;
use crate::resources::{CRDS, Custom, Nature, Resource};
use crate::schema::pruning::{self, PruneOptions};
use crate::schema::{Schema, defaulting};
use crate::unknown_fields::UnknownFields;
use serde_json::Value;

const TYPE_META: &str = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; \
                         Kind string \"json:\\\"kind,omitempty\\\"\" }";

/// Brings a document into the form of the resource's version. `bytes` is what it was read from, for texts.
pub(crate) fn decode(resource: &Resource, document: Value, bytes: &[u8]) -> Result<Decoded, Undecodable> {
    check_frame(&document)?;
    match &resource.nature {
        Nature::BuiltIn(_) => builtin(resource, document, Reader::Json),
        Nature::Custom(custom) => custom_object(custom, document, bytes),
    }
}

/// Brings a document into the form of a built-in kind that is no resource, `Binding` for example.
pub(super) fn other(api_version: &str, kind: &str, mut document: Value) -> Result<Decoded, Undecodable> {
    check_frame(&document)?;
    if object::kind(&document) == "Eviction" && object::api_version(&document) == "policy/v1beta1" {
        // The one kind of that version that is still known, for clients of old.
        document["apiVersion"] = "policy/v1".into();
    }
    typed(api_version, kind, document, Reader::Json)
}

/// Refuses what is no object of any kind.
fn check_frame(document: &Value) -> Result<(), Undecodable> {
    if is_too_deep(document) {
        return Err(Undecodable::unrecognized(TOO_DEEP));
    }
    // Null is taken for an empty object.
    if !document.is_object() && !document.is_null() {
        return Err(Undecodable::unrecognized(no_object(document)));
    }
    for key in ["apiVersion", "kind"] {
        if let Some(value) = document.get(key).filter(|value| !value.is_string() && !value.is_null()) {
            let found = go_text::json_kind(value);
            return Err(Undecodable::unrecognized(format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go struct field .{key} of type string"
            )));
        }
    }
    Ok(())
}

/// Brings what a strategic merge patch has made of a built-in object into the form of the resource's version.
pub(crate) fn convert(resource: &Resource, document: Value) -> Result<Decoded, Undecodable> {
    if is_too_deep(&document) {
        return Err(Undecodable::unrecognized(TOO_DEEP));
    }
    builtin(resource, document, Reader::Converter)
}

/// Why a document is no object.
pub(crate) fn no_object(document: &Value) -> String {
    let found = go_text::json_kind(document);
    format!(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type {TYPE_META}"
    )
}

fn builtin(resource: &Resource, document: Value, reader: Reader) -> Result<Decoded, Undecodable> {
    let api_version = resource.api_version();
    let mut decoded = typed(&api_version, &resource.kind, document, reader)?;
    if resource.id == CRDS {
        definition::defaults(&mut decoded.object);
    }
    if object::api_version(&decoded.object) == api_version {
        decoded.object = resource.normalized(decoded.object);
    }
    Ok(decoded)
}

/// Reads a document as the Go type that it names, which must be one of this kind; what it leaves out is taken from the
/// kind that is wanted.
fn typed(
    wanted_version: &str,
    wanted: &str,
    mut document: Value,
    reader: Reader,
) -> Result<Decoded, Undecodable> {
    let given = |given: &str, default: &str| if given.is_empty() { default } else { given }.to_owned();
    let kind = given(object::kind(&document), wanted);
    let api_version = given(object::api_version(&document), wanted_version);
    if api_version.matches('/').count() > 1 {
        return Err(Undecodable::unrecognized(format!("unexpected GroupVersion string: {api_version}")));
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version.as_str()));
    let given = Some((kind.clone(), version.to_owned()));
    let Some(definition) = builtins::definition_of(group, version, &kind) else {
        // So a released server names its scheme; one built from the published Go modules, `pkg/runtime/scheme.go:111`.
        let text = format!(
            "no kind {} is registered for version {} in scheme \"pkg/api/legacyscheme/scheme.go:30\"",
            go_text::quote(&kind),
            go_text::quote(&api_version)
        );
        return Err(Undecodable { given, text });
    };
    if !document.is_object() {
        document = Value::Object(serde_json::Map::new());
    }
    let disowned = gives_up_ownership(&document);
    let unknown = builtins::read(reader, definition, &mut document)
        .map_err(|text| Undecodable { given: given.clone(), text })?;
    if disowned {
        object::set_metadata(&mut document, "managedFields", Value::Array(Vec::new()));
    }
    if kind != wanted {
        let wanted_group = wanted_version.split_once('/').map_or("", |(group, _)| group);
        let package =
            if wanted_group.is_empty() { "core" } else { wanted_group.split('.').next().unwrap_or_default() };
        let text = format!("converting ({version}.{kind}) to ({package}.{wanted}): unknown conversion");
        return Err(Undecodable { given, text });
    }
    document["kind"] = kind.into();
    document["apiVersion"] = api_version.into();
    let strict = unknown.into_iter().take(MOST_OBJECTIONS).map(Objection::Unknown).collect();
    Ok(Decoded { object: document, strict })
}

fn custom_object(custom: &Custom, mut document: Value, bytes: &[u8]) -> Result<Decoded, Undecodable> {
    let kind = object::kind(&document).to_owned();
    if kind.is_empty() {
        let body = String::from_utf8_lossy(bytes);
        return Err(Undecodable::unrecognized(format!("Object 'Kind' is missing in '{body}'")));
    }
    let given = Some((kind, object_version(&document)));
    let undecodable = |text| Undecodable { given: given.clone(), text };
    let mut strict = metadata(&mut document).map_err(undecodable)?;
    // A version that is not defined knows no fields.
    let unknown = Schema::default();
    let schema = custom.sibling(object::api_version(&document)).map_or(&unknown, |version| &*version.schema);
    strict.extend(pruning::prune(schema, &mut document, PruneOptions::Resource));
    let mut embedded = UnknownFields::default();
    embedded_metadata(schema, &mut document, FieldPath::root(""), &mut embedded).map_err(undecodable)?;
    strict.extend(embedded.into_paths());
    strict.sort_unstable();
    defaulting::apply_defaults(schema, &mut document);
    Ok(Decoded { object: document, strict: strict.into_iter().map(Objection::Unknown).collect() })
}

/// Brings what an apply has made into the form of the resource's version. Its fields are known to be in the schema,
/// and null stays for validation to refuse.
pub(crate) fn applied(
    resource: &Resource,
    configuration: &Value,
    mut document: Value,
) -> Result<Value, ApiError> {
    let refused = |text| ApiError::unexpected(text);
    if is_too_deep(&document) {
        return Err(ApiError::bad_request(TOO_DEEP));
    }
    if !resource.is_custom() {
        let decoded = builtin(resource, document, Reader::Json)
            .map_err(|undecodable| refused(unconvertible(configuration, &undecodable.text)))?;
        return Ok(decoded.object);
    }
    let schema = resource.schema();
    metadata(&mut document).map_err(refused)?;
    embedded_metadata(&schema, &mut document, FieldPath::root(""), &mut UnknownFields::default())
        .map_err(refused)?;
    defaulting::fill_defaults(&schema, &mut document);
    Ok(document)
}

/// Why a configuration that fits its schema is still no object of its Go type.
fn unconvertible(configuration: &Value, text: &str) -> String {
    let (namespace, name) = (object::namespace(configuration), object::name(configuration));
    let kind = apply::type_text(object::api_version(configuration), object::kind(configuration));
    let of_bytes = if text.starts_with("illegal base64") { "error decoding from json: " } else { "" };
    format!(
        "failed to convert new object ({namespace}/{name}; {kind}) to proper version: unable to convert unstructured \
         object to {kind}: {of_bytes}{text}"
    )
}

/// An empty list is left out of objects otherwise, but of managedFields it says that nobody owns anything. The type
/// alone would not tell it from none, and that of a custom resource does not.
fn gives_up_ownership(document: &Value) -> bool {
    object::metadata_at(document, ["managedFields"]).and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// Brings the metadata of a custom resource into the form of all metadata; answers the unknown fields.
fn metadata(document: &mut Value) -> Result<Vec<String>, String> {
    let definition = builtins::definition("meta.v1.ObjectMeta");
    let (Some(metadata), Some(definition)) = (document.get_mut("metadata"), definition) else {
        return Ok(Vec::new());
    };
    let unknown = builtins::decode(definition, metadata)?;
    Ok(unknown.into_iter().map(|path| format!("metadata.{path}")).collect())
}

/// The metadata of objects inside of an object (`x-kubernetes-embedded-resource`) has the form of all metadata.
fn embedded_metadata(
    schema: &Schema,
    value: &mut Value,
    path: FieldPath<'_>,
    strict: &mut UnknownFields,
) -> Result<(), String> {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let path = path.child(key);
                if schema.embedded_resource && key == "metadata" {
                    let shown = go_text::json(member);
                    let Some(definition) = builtins::definition("meta.v1.ObjectMeta") else { continue };
                    let unknown = builtins::decode(definition, member)
                        .map_err(|text| format!("{path}: Invalid value: {shown}: {text}"))?;
                    for field in unknown {
                        strict.note(|| format!("{path}.{field}"));
                    }
                    if let Some(metadata) = member.as_object_mut() {
                        metadata.retain(|_, value| !value.is_null());
                    }
                } else if let Some(schema) =
                    schema.properties.get(key).or(schema.additional_properties.as_ref())
                {
                    embedded_metadata(schema, member, path, strict)?;
                }
            }
            Ok(())
        }
        Value::Array(items) => match &schema.items {
            Some(schema) => items
                .iter_mut()
                .enumerate()
                .try_for_each(|(index, item)| embedded_metadata(schema, item, path.index(index), strict)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}
