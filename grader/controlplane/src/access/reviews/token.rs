//! TokenReview: whose is this token? (pkg/registry/authentication/tokenreview/storage.go)

use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::field_error::aggregate_texts;
use crate::verbs::write::Write;
use serde_json::{Map, Value};

pub(super) fn review(server: &ApiServer, write: &Write<'_>, mut review: Value) -> Result<Value, ApiError> {
    let spec = &review["spec"];
    let token = spec.get("token").and_then(Value::as_str).unwrap_or_default();
    if token.is_empty() {
        return Err(ApiError::bad_request("token is required for TokenReview in authentication"));
    }
    let named = spec.get("audiences").and_then(Value::as_array).into_iter().flatten();
    let named: Vec<String> = named.filter_map(Value::as_str).map(str::to_owned).collect();
    let wanted = if named.is_empty() { server.access.issuer().settings.audiences.clone() } else { named };
    // The token comes as the part of a header that ends at a blank.
    let token = token.split(' ').next().unwrap_or_default();
    let mut status = Map::new();
    match server.access.user_of_token(&server.store, token, &wanted, write.now) {
        Ok(verified) => {
            status.insert("authenticated".into(), true.into());
            status.insert("user".into(), verified.user.authenticated().to_value());
            status.insert("audiences".into(), verified.audiences.into());
        }
        Err(problem) => {
            status.insert("user".into(), Map::new().into());
            let problems: Vec<String> =
                std::iter::once("invalid bearer token".to_owned()).chain(problem).collect();
            status.insert("error".into(), aggregate_texts(&problems).into());
        }
    }
    review["status"] = status.into();
    Ok(review)
}
