//! TokenRequest: a token for a service account (pkg/registry/core/serviceaccount/storage/token.go).

use super::jwt;
use crate::access::User;
use crate::api_server::ApiServer;
use crate::apply::{self, Writer};
use crate::builtins;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::object;
use crate::store::ResourceId;
use crate::verbs::get;
use crate::verbs::write::Write;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) const API_VERSION: &str = "authentication.k8s.io/v1";
pub(crate) const KIND: &str = "TokenRequest";
const GROUP: &str = "authentication.k8s.io";
const LEAST_SECONDS: i64 = 10 * 60;
const MOST_SECONDS: i64 = 1 << 32;
/// What pods ask for: such a token lives for a year, for clients that do not read it again in time.
const WARN_ONLY_SECONDS: i64 = 60 * 60 + 7;
const EXTENDED_SECONDS: i64 = 365 * 24 * 60 * 60;

/// Answers a request for a token of the account that the write names.
pub(crate) fn create(
    server: &mut ApiServer,
    write: &Write<'_>,
    mut request: Value,
) -> Result<Value, ApiError> {
    let definition = builtins::definition_of(GROUP, "v1", KIND).ok_or_else(ApiError::unknown_resource)?;
    builtins::read(builtins::Reader::Json, definition, &mut request).map_err(|text| {
        ApiError::bad_request(format!("{KIND} in version \"v1\" cannot be handled as a {KIND}: {text}"))
    })?;
    request["apiVersion"] = API_VERSION.into();
    request["kind"] = KIND.into();
    write.check_namespace(&mut request)?;
    write.require_namespace(&server.store, &request)?;
    track(write, &mut request);
    let name = object::name(&request);
    if !name.is_empty() && name != write.name {
        let why = "must match the service account name if specified";
        let error = FieldError::invalid("metadata.name", name, why);
        return Err(ApiError::invalid(GROUP, KIND, &write.name, &[error]));
    }
    let account = get::get(server, &write.resource, &write.namespace, &write.name)?;
    let (sent, uid) = (object::uid(&request), object::uid(&account));
    if !sent.is_empty() && sent != uid {
        let why = format!(
            "the UID in the token request ({sent}) does not match the UID of the service account ({uid})"
        );
        return Err(ApiError::conflict(&ResourceId::known(GROUP, KIND), &write.name, &why));
    }
    let own = server.access.issuer().settings.audiences.clone();
    if request["spec"]["audiences"].as_array().is_none_or(Vec::is_empty) {
        request["spec"]["audiences"] = own.clone().into();
    }
    for (key, value) in [("name", write.name.as_str()), ("namespace", &write.namespace), ("uid", uid)] {
        object::set_metadata(&mut request, key, value);
    }
    object::set_metadata(&mut request, "creationTimestamp", object::time(write.now));
    let seconds = request["spec"]["expirationSeconds"].as_i64().unwrap_or_default();
    check_seconds(seconds)?;
    let bound = bound_object(server, write, &request["spec"]["boundObjectRef"])?;
    let for_pod = bound.as_ref().is_some_and(|bound| bound.claim == "pod");
    let for_us = texts(&request["spec"]["audiences"]).iter().all(|audience| own.contains(audience));
    let extended = for_pod && for_us && seconds == WARN_ONLY_SECONDS;

    let after =
        |seconds: i64| write.now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    let mut claims = json!({
        "iss": server.access.issuer().settings.issuer,
        "sub": User::service_account(&write.namespace, &write.name, "").name,
        "aud": request["spec"]["audiences"],
        "iat": write.now.as_second(), "nbf": write.now.as_second(),
        "exp": after(if extended { EXTENDED_SECONDS } else { seconds }).as_second(),
        "jti": server.random.uid(),
        "kubernetes.io": {
            "namespace": write.namespace, "serviceaccount": {"name": write.name, "uid": uid},
        },
    });
    if let Some(bound) = bound {
        if let Some(node) = node_of(server, &bound) {
            claims["kubernetes.io"]["node"] = node;
        }
        let object = &bound.object;
        claims["kubernetes.io"][bound.claim] =
            json!({"name": object::name(object), "uid": object::uid(object)});
    }
    if extended {
        claims["kubernetes.io"]["warnafter"] = after(seconds).as_second().into();
    }
    request["status"] = json!({
        "token": jwt::sign(&server.access.issuer().key, &claims),
        "expirationTimestamp": object::time(after(seconds)),
    });
    Ok(request)
}

fn track(write: &Write<'_>, request: &mut Value) {
    let writer = Writer {
        manager: &write.manager,
        api_version: API_VERSION,
        kind: KIND,
        subresource: "token",
        now: write.now,
        reset_fields: &[],
        is_custom: false,
        versions: None,
    };
    apply::track_update(&builtins::schema(GROUP, "v1", KIND), None, request, &writer);
}

fn check_seconds(seconds: i64) -> Result<(), ApiError> {
    let why = match seconds {
        ..LEAST_SECONDS => "may not specify a duration less than 10 minutes",
        LEAST_SECONDS..=MOST_SECONDS => return Ok(()),
        _ => "may not specify a duration larger than 2^32 seconds",
    };
    let error = FieldError::invalid("spec.expirationSeconds", seconds, why);
    Err(ApiError::invalid(GROUP, KIND, "", &[error]))
}

/// What the token is to die with.
struct BoundObject {
    claim: &'static str,
    object: Arc<Value>,
}

fn bound_object(
    server: &ApiServer,
    write: &Write<'_>,
    reference: &Value,
) -> Result<Option<BoundObject>, ApiError> {
    if reference.is_null() {
        return Ok(None);
    }
    let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind, name) = (text("apiVersion"), text("kind"), text("name"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let (claim, plural, namespace) = match (group, kind) {
        ("", "Pod") => ("pod", "pods", write.namespace.as_str()),
        ("", "Secret") => ("secret", "secrets", write.namespace.as_str()),
        ("", "Node") => ("node", "nodes", ""),
        _ => {
            let shown = if group.is_empty() { format!("/{version}") } else { api_version.to_owned() };
            let why = format!("cannot bind token to object of type {shown}, Kind={kind}");
            return Err(ApiError::bad_request(why));
        }
    };
    if name.is_empty() {
        return Err(ApiError::bad_request("Name parameter required."));
    }
    let resource = ResourceId::known("", plural);
    let stored = server.store.get(&resource, namespace, name);
    let object = stored.ok_or_else(|| ApiError::not_found(&resource, name))?.object.clone();
    if claim == "pod" && object["spec"]["serviceAccountName"] != write.name.as_str() {
        return Err(ApiError::bad_request(format!(
            "cannot bind token for serviceaccount {} to pod running with different serviceaccount name.",
            crate::go_text::quote(&write.name)
        )));
    }
    let (sent, uid) = (text("uid"), object::uid(&object));
    if !sent.is_empty() && sent != uid {
        let why = format!(
            "the UID in the bound object reference ({sent}) does not match the UID in record. The object might have \
             been deleted and then recreated"
        );
        return Err(ApiError::conflict(&ResourceId::new("", kind.to_owned()), name, &why));
    }
    Ok(Some(BoundObject { claim, object }))
}

/// The node that a bound pod runs on.
fn node_of(server: &ApiServer, bound: &BoundObject) -> Option<Value> {
    let name = bound.object["spec"]["nodeName"].as_str().filter(|_| bound.claim == "pod")?;
    let node = server.store.get(&ResourceId::known("", "nodes"), "", name);
    Some(match node {
        Some(node) => json!({"name": name, "uid": object::uid(&node.object)}),
        None => json!({"name": name}),
    })
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
