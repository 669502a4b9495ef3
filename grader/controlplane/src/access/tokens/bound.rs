//! Checking a token (pkg/serviceaccount/jwt.go, pkg/serviceaccount/claims.go).

use super::{Issuer, LEGACY_ISSUER, jwt, legacy};
use crate::access::User;
use crate::access::rbac::quoted;
use crate::access::user::CREDENTIAL_ID;
use crate::go_text;
use crate::object;
use crate::store::{ResourceId, Store};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::Arc;

const SERVICE_ACCOUNTS: ResourceId = ResourceId::known("", "serviceaccounts");
const PODS: ResourceId = ResourceId::known("", "pods");
const SECRETS: ResourceId = ResourceId::known("", "secrets");
const NODES: ResourceId = ResourceId::known("", "nodes");
/// What is deleted counts a little longer, as long as clocks may differ.
const LEEWAY: SignedDuration = SignedDuration::from_mins(1);
const INVALIDATED: &str = "service account token has been invalidated";

/// Whose a token is.
#[derive(Clone, Debug)]
pub(crate) struct Verified {
    pub(crate) user: User,
    /// The wanted audiences that the token is for.
    pub(crate) audiences: Vec<String>,
}

/// Checks a token. None when it is not one that this server could have made.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn verify(
    issuer: &Issuer,
    store: &Store,
    token: &str,
    wanted: &[String],
    now: Timestamp,
) -> Option<Result<Verified, String>> {
    let claims = jwt::claims(token)?;
    let issued_by = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    if issued_by != issuer.settings.issuer && issued_by != LEGACY_ISSUER {
        return None;
    }
    Some(checked(issuer, store, token, &claims, wanted, now))
}

fn checked(
    issuer: &Issuer,
    store: &Store,
    token: &str,
    claims: &Value,
    wanted: &[String],
    now: Timestamp,
) -> Result<Verified, String> {
    issuer.check_signature(token)?;
    let named = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => issuer.settings.audiences.clone(),
    };
    let audiences: Vec<String> = named.iter().filter(|audience| wanted.contains(audience)).cloned().collect();
    if audiences.is_empty() {
        return Err(format!(
            "token audiences {} is invalid for the target audiences {}",
            quoted(&named),
            quoted(wanted)
        ));
    }
    let user = if claims["iss"] == LEGACY_ISSUER {
        legacy::owner(store, token, claims)?
    } else {
        jwt::check_time(claims, now)?;
        Bound { store, claims: &claims["kubernetes.io"], now }.owner(claims)?
    };
    Ok(Verified { user, audiences })
}

/// What a token is bound to.
struct Bound<'a> {
    store: &'a Store,
    claims: &'a Value,
    now: Timestamp,
}

impl Bound<'_> {
    fn owner(&self, token: &Value) -> Result<User, String> {
        let namespace = text(self.claims, "namespace");
        let (name, uid) = self.reference("serviceaccount").unwrap_or_default();
        let account = self
            .store
            .get(&SERVICE_ACCOUNTS, namespace, name)
            .ok_or_else(|| format!("{SERVICE_ACCOUNTS} {} not found", go_text::quote(name)))?;
        let found = object::uid(&account.object);
        if found != uid {
            return Err(format!("service account UID ({found}) does not match claim ({uid})"));
        }
        if self.is_gone(&account.object) {
            return Err(format!("service account {namespace}/{name} has been deleted"));
        }
        let mut user = User::service_account(namespace, name, uid);
        let mut say = |key: &str, value: &str| {
            if !value.is_empty() {
                let key = format!("authentication.kubernetes.io/{key}");
                user.extra.insert(key, vec![value.to_owned()]);
            }
        };
        if let Some((name, uid)) = self.reference("secret") {
            self.check(&SECRETS, namespace, name, uid, "secret")?;
        }
        if let Some((name, uid)) = self.reference("pod") {
            self.check(&PODS, namespace, name, uid, "pod")?;
            say("pod-name", name);
            say("pod-uid", uid);
        }
        if let Some((name, uid)) = self.reference("node") {
            // The node of a pod is information; a token for a node needs it.
            if self.reference("pod").is_none() {
                self.check(&NODES, "", name, uid, "node")?;
            }
            say("node-name", name);
            say("node-uid", uid);
        }
        let id = text(token, "jti");
        if !id.is_empty() {
            user.extra.insert(CREDENTIAL_ID.to_owned(), vec![format!("JTI={id}")]);
        }
        Ok(user)
    }

    fn check(
        &self,
        resource: &ResourceId,
        namespace: &str,
        name: &str,
        uid: &str,
        kind: &str,
    ) -> Result<(), String> {
        let object: &Arc<Value> =
            &self.store.get(resource, namespace, name).ok_or_else(|| INVALIDATED.to_owned())?.object;
        let found = object::uid(object);
        if found != uid {
            return Err(format!(
                "{kind} UID ({found}) does not match service account {kind} ref claim ({uid})"
            ));
        }
        if self.is_gone(object) { Err(INVALIDATED.to_owned()) } else { Ok(()) }
    }

    fn is_gone(&self, object: &Value) -> bool {
        let deleted: Option<Timestamp> = object::metadata_text(object, "deletionTimestamp").parse().ok();
        deleted.is_some_and(|deleted| deleted < self.now - LEEWAY)
    }

    /// Name and uid of a claim.
    fn reference(&self, claim: &str) -> Option<(&str, &str)> {
        let reference = self.claims.get(claim)?;
        Some((text(reference, "name"), text(reference, "uid")))
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
