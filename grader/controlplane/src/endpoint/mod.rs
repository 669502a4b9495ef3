//! HTTP without a connection: from a request to a verb, and from its outcome to an answer
//! (apiserver/pkg/endpoints).

pub(crate) mod accept;
pub(crate) mod decode;
mod discovery;
mod etag;
mod gzip;
mod health;
pub(crate) mod json;
pub(crate) mod keys;
mod openapi;
pub(crate) mod query;
pub(crate) mod represent;
mod resource;
pub(crate) mod respond;
mod system;
pub(crate) mod table;
pub(crate) mod written;
pub(crate) mod yaml;

use crate::access::{Flow, tokens};
use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::go_text;
use crate::request::{Reply, Request};
use crate::routing::{self, Route};
use crate::schema::validation::parse_duration;
use http::{HeaderValue, header};
use jiff::Timestamp;

/// Answers one request. This is the one place where an error becomes an answer.
pub(crate) fn handle(server: &mut ApiServer, request: &Request, now: Timestamp) -> Reply {
    let route = routing::route(&request.path);
    let mut flow = None;
    let answer = route
        .as_ref()
        .ok_or_else(|| ApiError::bad_request("the path is not encoded correctly"))
        .and_then(|route| admitted(server, request, route, now, &mut flow));
    let mut reply = answer.unwrap_or_else(|error| Reply::Complete(respond::error(request, &error)));
    if let Reply::Complete(response) = &mut reply {
        gzip::compress(&request.headers, response);
    }
    if let Reply::Complete(response) | Reply::Watch { head: response, .. } = &mut reply {
        // What one client may see is nothing for a cache between it and the server, unless somebody said so.
        let entry = response.headers.entry(header::CACHE_CONTROL);
        entry.or_insert(HeaderValue::from_static("no-cache, private"));
        if let Some(flow) = &flow {
            flow.tell(&mut response.headers);
        }
    }
    server.requests.count(request, route.as_ref(), &reply);
    reply
}

/// Answers whoever is let in.
fn admitted(
    server: &mut ApiServer,
    request: &Request,
    route: &Route,
    now: Timestamp,
    flow: &mut Option<Flow>,
) -> Result<Reply, ApiError> {
    let user = server.access.admit(&server.store, request, route, now, flow)?;
    check_timeout(request)?;
    match route {
        Route::Resource(path) => resource::answer(server, request, path, user, now),
        Route::Other(path) if path.starts_with("/openapi/") => {
            Ok(Reply::Complete(openapi::answer(server, request, path, now)))
        }
        Route::Other(path) => match tokens::discovery::answer(server.access.issuer(), request, path)? {
            Some(document) => Ok(Reply::Complete(document)),
            None => Ok(Reply::Complete(system::answer(server, request, path)?)),
        },
        route => Ok(discovery::answer(server, request, route)),
    }
}

/// Requests end long before any timeout; only one that is no duration is refused
/// (apiserver/pkg/endpoints/filters/request_deadline.go).
fn check_timeout(request: &Request) -> Result<(), ApiError> {
    if !request.query.contains("timeout=") {
        return Ok(());
    }
    let query = query::Query::parse(&request.query);
    let timeout = query.text("timeout");
    let goes_on = ["1", "true"].contains(&query.text("watch"));
    if timeout.is_empty() || goes_on || parse_duration(timeout).is_some() {
        return Ok(());
    }
    let quoted = go_text::quote(timeout);
    Err(ApiError::bad_request(format!(
        "invalid timeout specified in the request URL - time: invalid duration {quoted}"
    )))
}
