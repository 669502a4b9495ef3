//! Which representation the client gets (apiserver/pkg/endpoints/handlers/negotiation).

use super::query::Query;
use crate::error::ApiError;
use crate::request::Request;
use http::{HeaderMap, header};

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
    Protobuf,
}

/// How the body of a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFormat {
    Json,
    Yaml,
    Protobuf,
}

/// What an object is turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The object as it is.
    Plain,
    /// `meta.k8s.io` PartialObjectMetadata or, for lists, PartialObjectMetadataList.
    Metadata { list: bool, beta: bool },
    /// `meta.k8s.io` Table.
    Table { beta: bool },
}

/// The negotiated representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accept {
    pub(crate) format: Format,
    pub(crate) shape: Shape,
    pub(crate) pretty: bool,
}

impl Accept {
    pub(crate) const JSON: Self = Self { format: Format::Json, shape: Shape::Plain, pretty: false };
}

/// The formats of objects, as errors list them.
pub(crate) const PLAIN_TYPES: &str =
    "application/json, application/yaml, application/vnd.kubernetes.protobuf";

pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// One entry of an Accept header.
#[derive(Debug)]
pub(crate) struct Clause<'a> {
    pub(crate) media_type: &'a str,
    pub(crate) parameters: Vec<(&'a str, &'a str)>,
}

impl Clause<'_> {
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| *value)
    }
}

/// The entries of a header, best first (by `q`, then more specific first, as goautoneg sorts them).
pub(crate) fn clauses(text: &str) -> Vec<Clause<'_>> {
    let mut all: Vec<(f32, Clause<'_>)> = text
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default();
            let mut quality = 1.0;
            let mut parameters = Vec::new();
            for part in parts {
                match part.split_once('=') {
                    Some(("q", value)) => quality = value.trim().parse().unwrap_or(1.0),
                    Some((key, value)) => parameters.push((key.trim(), value.trim().trim_matches('"'))),
                    None => {}
                }
            }
            (quality, Clause { media_type, parameters })
        })
        .collect();
    let wildcards = |clause: &Clause<'_>| clause.media_type.matches('*').count();
    all.sort_by(|(left_q, left), (right_q, right)| {
        right_q.total_cmp(left_q).then(wildcards(left).cmp(&wildcards(right)))
    });
    all.into_iter().map(|(_, clause)| clause).collect()
}

/// Finds the first representation that both sides know: Tables and metadata are on offer.
///
/// # Errors
/// 406 when there is none.
pub(crate) fn negotiate(request: &Request) -> Result<Accept, ApiError> {
    among(request, |_| true)
}

/// Finds the first representation of what has no Table: resources that can only be created.
///
/// # Errors
/// 406 when there is none.
pub(crate) fn negotiate_without_table(request: &Request) -> Result<Accept, ApiError> {
    among(request, |accept| !matches!(accept.shape, Shape::Table { .. }))
}

/// Finds the first representation of what has neither a Table nor metadata.
///
/// # Errors
/// 406 when there is none.
pub(crate) fn negotiate_plain(request: &Request) -> Result<Accept, ApiError> {
    among(request, |accept| accept.shape == Shape::Plain)
}

fn among(request: &Request, offered: fn(&Accept) -> bool) -> Result<Accept, ApiError> {
    let text = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let found = match text.trim() {
        "" => Some(Accept::JSON),
        text => {
            let known: Vec<Accept> = clauses(text).iter().filter_map(accept).filter(offered).collect();
            // Objects are JSON here: protobuf is for those who read nothing else. Not so metadata, whose readers in Go
            // find its kind in protobuf alone.
            let whole = |accept: &&Accept| accept.format == Format::Protobuf && accept.shape == Shape::Plain;
            known.iter().find(|accept| !whole(accept)).or(known.first()).copied()
        }
    };
    let pretty = wants_indented(request);
    found.map(|accept| Accept { pretty: pretty || accept.pretty, ..accept }).ok_or_else(no_format)
}

/// 406: objects are on offer in none of the formats.
pub(crate) fn no_format() -> ApiError {
    ApiError::not_acceptable(format!("only the following media types are accepted: {PLAIN_TYPES}"))
}

/// Asked for, or read by a person (apiserver/pkg/endpoints/handlers/negotiation/negotiate.go).
fn wants_indented(request: &Request) -> bool {
    match Query::parse(&request.query).text("pretty") {
        "1" | "true" => true,
        "0" | "false" => false,
        _ => {
            let agent = request.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
            let agent = agent.unwrap_or_default();
            ["curl", "Wget", "Mozilla/5.0"].iter().any(|person| agent.starts_with(person))
        }
    }
}

/// 406 in the words of the router that built-in resources have in front of them; only collections offer streams.
pub(crate) fn refused_before_routing(is_collection: bool) -> ApiError {
    let streams = ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
    refused_by_router(&format!("{PLAIN_TYPES}{}", if is_collection { streams } else { "" }))
}

/// Whether the router lets a request pass: it looks at media types, not at their parameters.
pub(crate) fn passes_router(request: &Request, offered: &[&str]) -> bool {
    let text = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let clauses = clauses(text);
    let fits = |clause: &Clause<'_>| clause.media_type == "*/*" || offered.contains(&clause.media_type);
    clauses.is_empty() || clauses.iter().any(fits)
}

/// 406 in the words of that router, with the media types that there are.
pub(crate) fn refused_by_router(media_types: &str) -> ApiError {
    ApiError::not_acceptable(format!("406: Not Acceptable\n\nAvailable representations: {media_types}"))
        .with_empty_details()
}

/// 406: streams are not on offer in this format.
pub(crate) fn no_stream() -> ApiError {
    ApiError::not_acceptable(
        "only the following media types are accepted: application/json;stream=watch, \
         application/vnd.kubernetes.protobuf;stream=watch",
    )
}

fn accept(clause: &Clause<'_>) -> Option<Accept> {
    let format = match clause.media_type {
        "application/json" | "*/*" | "application/*" => Format::Json,
        "application/yaml" => Format::Yaml,
        PROTOBUF => Format::Protobuf,
        _ => return None,
    };
    if !matches!(clause.parameter("stream"), "" | "watch") {
        return None;
    }
    let (kind, group, version) = (clause.parameter("as"), clause.parameter("g"), clause.parameter("v"));
    let beta = version == "v1beta1";
    let shape = match (kind, group) {
        ("", "") if version.is_empty() => Shape::Plain,
        _ if !(version == "v1" || beta) => return None,
        ("Table", _) if format == Format::Protobuf => return None,
        ("Table", "meta.k8s.io") => Shape::Table { beta },
        ("PartialObjectMetadata", "meta.k8s.io") => Shape::Metadata { list: false, beta },
        ("PartialObjectMetadataList", "meta.k8s.io") => Shape::Metadata { list: true, beta },
        _ => return None,
    };
    Some(Accept { format, shape, pretty: clause.parameter("pretty") == "1" })
}

/// How a request's body is written.
///
/// # Errors
/// 415 for any other format.
pub(crate) fn body_format(headers: &HeaderMap) -> Result<BodyFormat, ApiError> {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    if parts.any(|parameter| !parameter.is_empty() && !parameter.contains('=')) {
        return Err(unknown_format(PLAIN_TYPES));
    }
    match media_type.as_str() {
        "" | "application/json" => Ok(BodyFormat::Json),
        "application/yaml" => Ok(BodyFormat::Yaml),
        PROTOBUF => Ok(BodyFormat::Protobuf),
        _ => Err(unknown_format(PLAIN_TYPES)),
    }
}

/// 415: none of these.
pub(crate) fn unknown_format(accepted: &str) -> ApiError {
    ApiError::unsupported_media_type(format!(
        "the body of the request was in an unknown format - accepted media types include: {accepted}"
    ))
}
