//! Tokens that live in Secrets of the type `kubernetes.io/service-account-token` and never expire
//! (pkg/serviceaccount/legacy.go).

use super::{Issuer, LEGACY_ISSUER, jwt};
use crate::access::User;
use crate::access::user::service_account_of;
use crate::go_text;
use crate::object;
use crate::store::{ResourceId, Store};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const SERVICE_ACCOUNTS: ResourceId = ResourceId::known("", "serviceaccounts");
const SECRETS: ResourceId = ResourceId::known("", "secrets");
const NAMESPACE: &str = "kubernetes.io/serviceaccount/namespace";
const SECRET_NAME: &str = "kubernetes.io/serviceaccount/secret.name";
const ACCOUNT_NAME: &str = "kubernetes.io/serviceaccount/service-account.name";
const ACCOUNT_UID: &str = "kubernetes.io/serviceaccount/service-account.uid";
/// A token that an administrator has declared useless.
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";

/// The token for a Secret of an account.
pub(crate) fn token(issuer: &Issuer, account: &Value, secret: &str) -> String {
    let (namespace, name) = (object::namespace(account), object::name(account));
    let claims = json!({
        "iss": LEGACY_ISSUER, "sub": User::service_account(namespace, name, "").name,
        NAMESPACE: namespace, SECRET_NAME: secret, ACCOUNT_NAME: name, ACCOUNT_UID: object::uid(account),
    });
    jwt::sign(&issuer.key, &claims)
}

/// Whose a legacy token is.
pub(super) fn owner(store: &Store, token: &str, claims: &Value) -> Result<User, String> {
    let claim = |key: &str, name: &str| match claims.get(key).and_then(Value::as_str) {
        None | Some("") => Err(format!("{name} claim is missing")),
        Some(text) => Ok(text),
    };
    let subject = claim("sub", "sub")?;
    let namespace = claim(NAMESPACE, "namespace")?;
    let secret_name = claim(SECRET_NAME, "secretName")?;
    let name = claim(ACCOUNT_NAME, "serviceAccountName")?;
    let uid = claim(ACCOUNT_UID, "serviceAccountUID")?;
    if service_account_of(subject) != Some((namespace, name)) {
        return Err("sub claim is invalid".to_owned());
    }
    let secret = store.get(&SECRETS, namespace, secret_name).map(|stored| &stored.object);
    let secret = secret.filter(|secret| !object::is_deleting(secret));
    let secret = secret.ok_or_else(|| "Token has been invalidated".to_owned())?;
    if secret["data"]["token"] != STANDARD.encode(token).as_str() {
        return Err("Token does not match server's copy".to_owned());
    }
    let account = store.get(&SERVICE_ACCOUNTS, namespace, name).map(|stored| &stored.object);
    let account = account.ok_or_else(|| format!("{SERVICE_ACCOUNTS} {} not found", go_text::quote(name)))?;
    if object::is_deleting(account) {
        return Err(format!("ServiceAccount {namespace}/{name} has been deleted"));
    }
    if object::uid(account) != uid {
        let found = object::uid(account);
        return Err(format!("ServiceAccount UID ({found}) does not match claim ({uid})"));
    }
    if secret["metadata"]["labels"].get(INVALID_SINCE).is_some_and(|since| since != "") {
        return Err(format!(
            "the token in secret {namespace}/{secret_name} for service account {namespace}/{name} has been marked \
             invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the \
             '{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
        ));
    }
    Ok(User::service_account(namespace, name, uid))
}
