//! From a request's body to an object of the served version
//! (apimachinery/pkg/runtime/serializer, apiextensions-apiserver/pkg/apiserver/customresource_handler.go).

use super::accept::BodyFormat;
use super::keys::Keys;
use super::query::FieldValidation;
use super::{json, yaml};
use crate::apply;
use crate::builtins::{self, Reader};
use crate::custom_resources::definition;
use crate::error::ApiError;
use crate::field_error::FieldPath;
use crate::go_text;
use crate::object;
use crate::patch;
use crate::protobuf;
use crate::resources::{CRDS, Custom, Nature, Resource};
use crate::schema::pruning::{self, PruneOptions};
use crate::schema::{Schema, defaulting};
use serde_json::Value;
use std::fmt;

/// The largest body that the server reads.
pub(crate) const BODY_LIMIT: usize = 3 * 1024 * 1024;
/// So many unknown and repeated fields of a built-in object are told at the most
/// (sigs.k8s.io/json, internal/golang/encoding/json/kubernetes_patch.go).
pub(crate) const MOST_OBJECTIONS: usize = 100;
/// How much of a body an error shows.
const SHOWN: usize = 30;
/// How deep an object may nest. What is stored, with what the server adds to it, must be readable for whoever reads
/// JSON with a limit, as the server itself does.
const DEEPEST: usize = 100;
/// managedFields nest as deep as what is owned, and this much more: list, entry, `fieldsV1`.
const AROUND_OWNED: usize = 3;
pub(crate) const TOO_DEEP: &str = "exceeded max depth";
const TYPE_META: &str = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; \
                         Kind string \"json:\\\"kind,omitempty\\\"\" }";

/// An object in the form of its version: unknown fields gone, defaults filled in.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) object: Value,
    /// What strict field validation objects to.
    pub(crate) strict: Vec<Objection>,
}

/// Something that strict field validation objects to: a field, by its path, or what the YAML parser says.
#[derive(Debug)]
pub(crate) enum Objection {
    Unknown(String),
    Repeated(String),
    Yaml(String),
}

impl Objection {
    fn place(&self, keys: &Keys) -> Option<usize> {
        match self {
            Self::Unknown(path) => keys.place(path),
            Self::Repeated(path) => keys.place_again(path),
            Self::Yaml(_) => None,
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(path) => write!(f, "unknown field {}", go_text::quote(path)),
            Self::Repeated(path) => write!(f, "duplicate field {}", go_text::quote(path)),
            Self::Yaml(text) => f.write_str(text),
        }
    }
}

/// Why a document is no object of the version.
#[derive(Debug)]
pub(crate) struct Undecodable {
    /// Kind and version that the document gives, if it gives any.
    given: Option<(String, String)>,
    pub(crate) text: String,
}

impl Undecodable {
    fn unrecognized(text: impl Into<String>) -> Self {
        Self { given: None, text: text.into() }
    }
}

/// Decodes the body of a POST or PUT.
///
/// # Errors
/// 400 in the words of the API server, also for what strict field validation objects to.
pub(crate) fn body(
    resource: &Resource,
    bytes: &[u8],
    format: BodyFormat,
    validation: FieldValidation,
    warnings: &mut Vec<String>,
) -> Result<Value, ApiError> {
    let refuse = |undecodable: Undecodable| refused(&resource.kind, &undecodable, bytes);
    let (document, repeated) = parse(resource, bytes, format).map_err(refuse)?;
    let mut decoded = decode(resource, document, bytes).map_err(refuse)?;
    let strict = &mut decoded.strict;
    if validation == FieldValidation::Strict && format == BodyFormat::Yaml && !repeated.is_empty() {
        let repeated: Vec<String> = repeated.iter().map(Objection::to_string).collect();
        strict.insert(0, Objection::Yaml(yaml::unmarshal_errors(&repeated)));
    } else {
        strict.splice(0..0, repeated);
        if format == BodyFormat::Json && !resource.is_custom() && strict.len() > 1 {
            let keys = Keys::read(bytes);
            strict.sort_by_cached_key(|objection| objection.place(&keys));
            strict.truncate(MOST_OBJECTIONS);
        }
    }
    if validation == FieldValidation::Strict && !decoded.strict.is_empty() {
        let version = object_version(&decoded.object);
        let text = strict_error(decoded.strict.iter().map(Objection::to_string));
        let given = Some((object::kind(&decoded.object).to_owned(), version));
        return Err(refused(&resource.kind, &Undecodable { given, text }, bytes));
    }
    if validation == FieldValidation::Warn {
        warnings.extend(decoded.strict.iter().map(Objection::to_string));
    }
    let given = object::api_version(&decoded.object);
    if given != resource.api_version() {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({given}) does not match the expected API version ({})",
            resource.api_version()
        )));
    }
    Ok(decoded.object)
}

/// `strict decoding error: ` and everything it objects to.
pub(crate) fn strict_error(objections: impl Iterator<Item = String>) -> String {
    format!("strict decoding error: {}", objections.collect::<Vec<_>>().join(", "))
}

fn object_version(object: &Value) -> String {
    let api_version = object::api_version(object);
    api_version.rsplit('/').next().unwrap_or_default().to_owned()
}

fn refused(wanted: &str, undecodable: &Undecodable, bytes: &[u8]) -> ApiError {
    let text = &undecodable.text;
    ApiError::bad_request(match &undecodable.given {
        Some((kind, version)) => {
            format!("{kind} in version {} cannot be handled as a {wanted}: {text}", go_text::quote(version))
        }
        None => {
            format!(
                "the object provided is unrecognized (must be of type {wanted}): {text} ({})",
                summary(bytes)
            )
        }
    })
}

fn summary(bytes: &[u8]) -> String {
    let cut = bytes.len().min(SHOWN);
    let more = if bytes.len() > SHOWN { " ..." } else { "" };
    match bytes.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(&bytes[..cut])),
        Some(_) => {
            let hex: String = bytes[..cut].iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{hex}{more}")
        }
    }
}

/// The document, and what strict field validation says about repeated keys.
fn parse(
    resource: &Resource,
    bytes: &[u8],
    format: BodyFormat,
) -> Result<(Value, Vec<Objection>), Undecodable> {
    match format {
        BodyFormat::Json => match json::parse(bytes) {
            Ok((document, false)) => Ok((document, Vec::new())),
            Ok((document, true)) => {
                let repeated = Keys::read(bytes).repeated(MOST_OBJECTIONS);
                Ok((document, repeated.into_iter().map(Objection::Repeated).collect()))
            }
            Err(_) => {
                let text = patch::decode::decode(bytes).err().unwrap_or_else(|| "invalid JSON".to_owned());
                Err(Undecodable::unrecognized(format!("couldn't get version/kind; json parse error: {text}")))
            }
        },
        BodyFormat::Yaml => {
            let (document, repeated) = yaml::parse(bytes).map_err(Undecodable::unrecognized)?;
            Ok((document, repeated.into_iter().map(Objection::Yaml).collect()))
        }
        // Unknown fields go unnoticed, as they do in Kubernetes.
        BodyFormat::Protobuf => {
            protobuf(bytes, &resource.api_version(), &resource.kind).map(|document| (document, Vec::new()))
        }
    }
}

/// The document of a body in protobuf. Of a kind that nobody knows there is only the name.
fn protobuf(bytes: &[u8], api_version: &str, kind: &str) -> Result<Value, Undecodable> {
    let envelope = protobuf::open(bytes).map_err(|error| Undecodable::unrecognized(error.to_string()))?;
    let given = |given: String, default: &str| if given.is_empty() { default.to_owned() } else { given };
    let api_version = given(envelope.api_version, api_version);
    let kind = given(envelope.kind, kind);
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version.as_str()));
    let message =
        builtins::definition_of(group, version, &kind).and_then(|known| protobuf::message(known.name));
    let mut document = match message {
        Some(message) => protobuf::decode(message, envelope.raw).map_err(|error| Undecodable {
            given: Some((kind.clone(), version.to_owned())),
            text: error.to_string(),
        })?,
        None => Value::Object(serde_json::Map::new()),
    };
    document["apiVersion"] = api_version.into();
    document["kind"] = kind.into();
    Ok(document)
}

/// Decodes the body of a request that is about another kind than the resource's, `Scale` for example.
///
/// # Errors
/// 400 in the words of the API server.
pub(crate) fn other_body(
    api_version: &str,
    kind: &str,
    bytes: &[u8],
    format: BodyFormat,
) -> Result<Value, ApiError> {
    let refused = |undecodable: Undecodable| refused(kind, &undecodable, bytes);
    match format {
        BodyFormat::Json => patch::decode::decode(bytes).map_err(|text| {
            let text = format!("couldn't get version/kind; json parse error: {text}");
            refused(Undecodable::unrecognized(text))
        }),
        BodyFormat::Yaml => yaml::parse(bytes)
            .map(|(document, _)| document)
            .map_err(Undecodable::unrecognized)
            .map_err(refused),
        BodyFormat::Protobuf => protobuf(bytes, api_version, kind).map_err(refused),
    }
}

/// Brings a document into the form of the resource's version. `bytes` is what it was read from, for texts.
pub(crate) fn decode(resource: &Resource, document: Value, bytes: &[u8]) -> Result<Decoded, Undecodable> {
    if is_too_deep(&document) {
        return Err(Undecodable::unrecognized(TOO_DEEP));
    }
    if !document.is_object() {
        let found = go_text::json_kind(&document);
        // Null is taken for an empty object.
        if !document.is_null() {
            return Err(Undecodable::unrecognized(format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type {TYPE_META}"
            )));
        }
    }
    for key in ["apiVersion", "kind"] {
        if let Some(value) = document.get(key).filter(|value| !value.is_string() && !value.is_null()) {
            let found = go_text::json_kind(value);
            return Err(Undecodable::unrecognized(format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go struct field .{key} of type string"
            )));
        }
    }
    match &resource.nature {
        Nature::BuiltIn(_) => builtin(resource, document, Reader::Json),
        Nature::Custom(custom) => custom_object(custom, document, bytes),
    }
}

/// Brings what a strategic merge patch has made of a built-in object into the form of the resource's version.
pub(crate) fn convert(resource: &Resource, document: Value) -> Result<Decoded, Undecodable> {
    if is_too_deep(&document) {
        return Err(Undecodable::unrecognized(TOO_DEEP));
    }
    builtin(resource, document, Reader::Converter)
}

/// Whether an object nests deeper than an object may.
pub(crate) fn is_too_deep(object: &Value) -> bool {
    let depth = |(key, member): (&String, &Value)| match (key.as_str(), member) {
        ("metadata", Value::Object(metadata)) => {
            let own = metadata.iter().filter(|(key, _)| *key != "managedFields");
            1 + own.map(|(_, member)| object::depth(member)).max().unwrap_or_default()
        }
        _ => object::depth(member),
    };
    let owners = object::metadata_at(object, ["managedFields"]).map_or(0, object::depth);
    object.as_object().into_iter().flatten().any(|member| depth(member) >= DEEPEST)
        || owners > DEEPEST + AROUND_OWNED
}

fn builtin(resource: &Resource, mut document: Value, reader: Reader) -> Result<Decoded, Undecodable> {
    let kind = match object::kind(&document) {
        "" => resource.kind.clone(),
        given => given.to_owned(),
    };
    let api_version = match object::api_version(&document) {
        "" => resource.api_version(),
        given => given.to_owned(),
    };
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version.as_str()));
    let given = Some((kind.clone(), version.to_owned()));
    let Some(definition) = builtins::definition_of(group, version, &kind) else {
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
    if kind != resource.kind {
        let (wanted_group, wanted) = (resource.id.group(), &resource.kind);
        let package =
            if wanted_group.is_empty() { "core" } else { wanted_group.split('.').next().unwrap_or_default() };
        let text = format!("converting ({version}.{kind}) to ({package}.{wanted}): unknown conversion");
        return Err(Undecodable { given, text });
    }
    document["kind"] = kind.into();
    document["apiVersion"] = api_version.into();
    if resource.id == CRDS {
        definition::defaults(&mut document);
    }
    let strict = unknown.into_iter().take(MOST_OBJECTIONS).map(Objection::Unknown).collect();
    let is_own = object::api_version(&document) == resource.api_version();
    let object = if is_own { resource.normalized(document) } else { document };
    Ok(Decoded { object, strict })
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
    embedded_metadata(schema, &mut document, FieldPath::root(""), &mut strict).map_err(undecodable)?;
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
    embedded_metadata(&schema, &mut document, FieldPath::root(""), &mut Vec::new()).map_err(refused)?;
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
    strict: &mut Vec<String>,
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
                    strict.extend(unknown.into_iter().map(|field| format!("{path}.{field}")));
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
