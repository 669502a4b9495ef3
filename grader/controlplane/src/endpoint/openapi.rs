//! `/openapi/v2` and `/openapi/v3` (kube-openapi/pkg/handler, pkg/handler3).

use super::{accept, etag, respond};
use crate::api_server::ApiServer;
use crate::endpoint::query::Query;
use crate::openapi::{v2, v3};
use crate::request::{Request, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// The name it had before, which is no media type.
const PROTOBUF_BEFORE: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// Answers `/openapi/v2`, `/openapi/v3` and what is below it.
pub(crate) fn answer(server: &ApiServer, request: &Request, path: &str, now: Timestamp) -> Response {
    let slash = request.path.ends_with('/');
    match (path, path.strip_prefix("/openapi/v3/")) {
        ("/openapi/v2", _) if !slash => everything(server, request),
        ("/openapi/v3", _) if !slash => index(server),
        (_, Some(name)) if !slash => document(server, request, name, now),
        ("/openapi/v3", _) | (_, Some(_)) => empty(StatusCode::NOT_FOUND),
        _ => respond::not_found(),
    }
}

fn everything(server: &ApiServer, request: &Request) -> Response {
    let Some(media_type) = negotiate(&request.headers, &[JSON, PROTOBUF]) else {
        return vary(empty(StatusCode::NOT_ACCEPTABLE), "Accept-Encoding");
    };
    let body = || match media_type {
        JSON => v2::to_json(&server.resources).into(),
        _ => v2::to_protobuf(&server.resources).into(),
    };
    vary(etag::respond(request, &v2::tag(&server.resources), media_type, body), "Accept-Encoding")
}

fn index(server: &ApiServer) -> Response {
    let paths: Map<String, Value> = v3::index(&server.resources)
        .into_iter()
        .map(|(name, tag)| {
            let url = format!("/openapi/v3/{name}?hash={tag}");
            (name, json!({"serverRelativeURL": url}))
        })
        .collect();
    let body = format!("{}\n", json!({"paths": paths}));
    respond::bytes(StatusCode::OK, "text/plain; charset=utf-8", body.into())
}

fn document(server: &ApiServer, request: &Request, name: &str, now: Timestamp) -> Response {
    let Some(tag) = v3::tag(&server.resources, name) else { return empty(StatusCode::NOT_FOUND) };
    if negotiate(&request.headers, &[JSON]).is_none() {
        return vary(empty(StatusCode::NOT_ACCEPTABLE), "Accept");
    }
    let query = Query::parse(&request.query);
    let asked = query.text("hash");
    if !matches!(asked, "") && asked != tag {
        let mut response = empty(StatusCode::MOVED_PERMANENTLY);
        if let Ok(location) = HeaderValue::try_from(format!("/openapi/v3/{name}?hash={tag}")) {
            response.headers.insert(header::LOCATION, location);
        }
        response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        return vary(response, "Accept");
    }
    let body = || v3::document(&server.resources, name).into();
    let mut response = etag::respond(request, &tag, JSON, body);
    if !asked.is_empty() {
        // What a hash names never changes.
        response.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
        let expires = now
            .as_second()
            .checked_add(365 * 24 * 3600)
            .and_then(|second| Timestamp::from_second(second).ok());
        let expires = expires.map(|expires| expires.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string());
        if let Some(Ok(expires)) = expires.map(HeaderValue::try_from) {
            response.headers.insert(header::EXPIRES, expires);
        }
    }
    vary(response, "Accept")
}

/// The first media type on offer that the client takes.
fn negotiate(headers: &HeaderMap, offered: &[&'static str]) -> Option<&'static str> {
    let text = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = if text.trim().is_empty() { "*/*" } else { text };
    accept::clauses(text).iter().find_map(|clause| {
        let wanted = match clause.media_type {
            "*/*" | "application/*" => JSON,
            PROTOBUF_BEFORE => PROTOBUF,
            other => other,
        };
        offered.iter().copied().find(|offer| *offer == wanted)
    })
}

fn vary(mut response: Response, on: &'static str) -> Response {
    response.headers.insert(header::VARY, HeaderValue::from_static(on));
    response
}

fn empty(status: StatusCode) -> Response {
    Response { status, headers: HeaderMap::new(), body: Bytes::new() }
}
