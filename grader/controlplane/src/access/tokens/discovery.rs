//! How others find out which key signs (pkg/routes/openidmetadata.go, pkg/serviceaccount/openidmetadata.go).

use super::Issuer;
use super::key::ALGORITHM;
use crate::endpoint::respond;
use crate::request::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// What is served under a path of OpenID discovery.
pub(crate) fn answer(issuer: &Issuer, path: &str) -> Option<Response> {
    let (content_type, document) = match path {
        "/openid/v1/jwks" => ("application/jwk-set+json", json!({"keys": [issuer.key.public_jwk()]})),
        "/.well-known/openid-configuration" => ("application/json", configuration(issuer)),
        _ => return None,
    };
    let mut response = respond::bytes(StatusCode::OK, content_type, Bytes::from(document.to_string()));
    response.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    Some(response)
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
