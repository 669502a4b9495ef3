//! What the server serves: groups, versions, resources (apiserver/pkg/endpoints/discovery).

mod aggregated;
mod groups;
mod resources;

use super::accept::{self, Accept};
use super::represent::Representation;
use super::respond;
use super::table::IncludeObject;
use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::request::{Reply, Request, Response};
use crate::routing::Route;
use groups::Group;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};

/// Answers a discovery path.
pub(crate) fn answer(server: &ApiServer, request: &Request, route: &Route) -> Reply {
    Reply::Complete(found(server, request, route).unwrap_or_else(|error| respond::error(request, &error)))
}

/// The paths of discovery.
pub(crate) fn paths(server: &ApiServer) -> Vec<String> {
    let mut paths = vec!["/api".to_owned(), "/apis".to_owned()];
    for group in groups::of(server) {
        let root = if group.name.is_empty() { "/api".to_owned() } else { format!("/apis/{}", group.name) };
        paths.extend(group.versions.iter().map(|version| format!("{root}/{version}")));
        paths.push(root);
    }
    paths
}

fn found(server: &ApiServer, request: &Request, route: &Route) -> Result<Response, ApiError> {
    let groups = groups::of(server);
    match route {
        Route::CoreVersions => {
            only_get(request)?;
            if let Some(format) = aggregated::wanted(request) {
                let core = groups.iter().filter(|group| group.name.is_empty());
                return Ok(aggregated::answer(server, request, format, core));
            }
            let address = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
            let document = json!({
                "kind": "APIVersions", "versions": ["v1"],
                "serverAddressByClientCIDRs": [
                    {"clientCIDR": "0.0.0.0/0", "serverAddress": address.unwrap_or("127.0.0.1:6443")},
                ],
            });
            routed(request, &document)
        }
        Route::Groups => {
            let named = || groups.iter().filter(|group| !group.name.is_empty());
            // The aggregated form has no slash behind.
            if let Some(format) = aggregated::wanted(request).filter(|_| !request.path.ends_with('/')) {
                return Ok(aggregated::answer(server, request, format, named()));
            }
            let document = json!({
                "kind": "APIGroupList", "apiVersion": "v1", "groups": named().map(Group::document).collect::<Value>(),
            });
            Ok(document_of(accept::negotiate_plain(request)?, &document))
        }
        Route::Group(name) => match groups.iter().find(|group| group.name == name && !name.is_empty()) {
            Some(group) => {
                let mut group = group.document();
                group["kind"] = "APIGroup".into();
                group["apiVersion"] = "v1".into();
                Ok(document_of(accept::negotiate_plain(request)?, &group))
            }
            None => Ok(respond::not_found()),
        },
        Route::GroupVersion { group, version } if server.resources.serves(group, version) => {
            let document = resources::list(server, group, version);
            if groups::is_built_in(group) {
                only_get(request)?;
                return routed(request, &document);
            }
            Ok(document_of(accept::negotiate_plain(request)?, &document))
        }
        Route::GroupVersion { group, .. } if groups::is_built_in(group) => Err(ApiError::unknown_resource()),
        _ => Ok(respond::not_found()),
    }
}

/// What custom resources and lists of groups are served by does not look at the method.
fn only_get(request: &Request) -> Result<(), ApiError> {
    if request.method == Method::GET { Ok(()) } else { Err(ApiError::method_not_allowed()) }
}

/// A document from behind the router of built-in groups, which has its own words for what it cannot write.
fn routed(request: &Request, document: &Value) -> Result<Response, ApiError> {
    let formats: Vec<&str> = accept::PLAIN_TYPES.split(", ").collect();
    if !accept::passes_router(request, &formats) {
        return Err(accept::refused_by_router(accept::PLAIN_TYPES));
    }
    Ok(document_of(accept::negotiate_plain(request)?, document))
}

fn document_of(accept: Accept, document: &Value) -> Response {
    let representation = Representation { accept, include: IncludeObject::default() };
    respond::bytes(StatusCode::OK, representation.content_type(), representation.bytes_of_struct(document))
}
