//! How others find out which key signs (pkg/routes/openidmetadata.go, pkg/serviceaccount/openidmetadata.go).

use super::Issuer;
use super::key::ALGORITHM;
use crate::endpoint::{accept, respond};
use crate::error::ApiError;
use crate::request::{Request, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// What is served under a path of OpenID discovery.
///
/// # Errors
/// 406 for whoever takes no such document.
pub(crate) fn answer(issuer: &Issuer, request: &Request, path: &str) -> Result<Option<Response>, ApiError> {
    let (content_type, document) = match path {
        "/openid/v1/jwks" => ("application/jwk-set+json", json!({"keys": [issuer.key.public_jwk()]})),
        "/.well-known/openid-configuration" => ("application/json", configuration(issuer)),
        _ => return Ok(None),
    };
    if !accept::passes_router(request, &[content_type]) {
        return Err(accept::refused_by_router(content_type));
    }
    let mut response = respond::bytes(StatusCode::OK, content_type, Bytes::from(document.to_string()));
    response.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    Ok(Some(response))
}

fn configuration(issuer: &Issuer) -> Value {
    json!({
        "issuer": issuer.settings.issuer,
        "jwks_uri": issuer.settings.jwks_uri,
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
    })
}
