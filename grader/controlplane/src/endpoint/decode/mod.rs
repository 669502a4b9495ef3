//! From a request's body to an object of the served version
//! (apimachinery/pkg/runtime/serializer, apiextensions-apiserver/pkg/apiserver/customresource_handler.go).

mod depth;
mod document;
mod objection;

pub(crate) use depth::{TOO_DEEP, is_too_deep};
pub(crate) use document::{applied, convert, decode, no_object};
pub(crate) use objection::{MOST_OBJECTIONS, Objection, strict_error};

use super::accept::BodyFormat;
use super::keys::Keys;
use super::{json, yaml};
use crate::builtins;
use crate::error::ApiError;
use crate::go_text;
use crate::object;
use crate::patch;
use crate::protobuf;
use crate::resources::Resource;
use crate::verbs::write::FieldValidation;
use serde_json::Value;

/// The largest body that the server reads.
pub(crate) const BODY_LIMIT: usize = 3 * 1024 * 1024;
/// How much of a body an error shows.
const SHOWN: usize = 30;
/// An object in the form of its version: unknown fields gone, defaults filled in.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) object: Value,
    /// What strict field validation objects to.
    pub(crate) strict: Vec<Objection>,
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
    let object = judged(decoded, &resource.kind, bytes, validation, warnings)?;
    let given = object::api_version(&object);
    if given != resource.api_version() {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({given}) does not match the expected API version ({})",
            resource.api_version()
        )));
    }
    Ok(object)
}

/// The object, once field validation has had its say.
fn judged(
    decoded: Decoded,
    wanted: &str,
    bytes: &[u8],
    validation: FieldValidation,
    warnings: &mut Vec<String>,
) -> Result<Value, ApiError> {
    let Decoded { object, strict } = decoded;
    let objections = strict.iter().map(Objection::to_string);
    match validation {
        FieldValidation::Strict if !strict.is_empty() => {
            let given = Some((object::kind(&object).to_owned(), object_version(&object)));
            let text = strict_error(objections);
            return Err(refused(wanted, &Undecodable { given, text }, bytes));
        }
        FieldValidation::Warn => warnings.extend(objections),
        _ => {}
    }
    Ok(object)
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

/// Decodes the body of a request that is about a built-in kind which is no resource, `Binding` for example.
///
/// # Errors
/// As [`body`].
pub(crate) fn other_object(
    (api_version, kind): (&str, &str),
    bytes: &[u8],
    format: BodyFormat,
    validation: FieldValidation,
    warnings: &mut Vec<String>,
) -> Result<Value, ApiError> {
    let document = other_body(api_version, kind, bytes, format)?;
    let decoded = document::other(api_version, kind, document)
        .map_err(|undecodable| refused(kind, &undecodable, bytes))?;
    judged(decoded, kind, bytes, validation, warnings)
}

/// Decodes what a patch has made of an object of such a kind.
///
/// # Errors
/// The text of the decoder.
pub(crate) fn other_document((api_version, kind): (&str, &str), document: Value) -> Result<Value, String> {
    let decoded = document::other(api_version, kind, document).map_err(|undecodable| undecodable.text)?;
    Ok(decoded.object)
}

/// The document in the body of a request that is about another kind than the resource's, `Scale` for example.
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
