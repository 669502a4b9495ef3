//! JSON web tokens in their compact form (RFC 7515, RFC 7519).

use super::key::{ALGORITHM, SigningKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How much clocks may differ.
const LEEWAY: SignedDuration = SignedDuration::from_mins(1);

/// Signs claims.
pub(super) fn sign(key: &SigningKey, claims: &Value) -> String {
    let header = json!({"alg": ALGORITHM, "kid": key.id()});
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(&header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// The claims of a token, not to be trusted before [`check_signature`]. None for what is no token.
pub(super) fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    claims.is_object().then_some(claims)
}

/// # Errors
/// Why the key did not make this signature.
pub(super) fn check_signature(key: &SigningKey, token: &str) -> Result<(), String> {
    let (message, signature) = token.rsplit_once('.').unwrap_or_default();
    let header = message.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let header: Value = header.unwrap_or_default();
    if header.get("kid").is_some_and(|kid| *kid != key.id().as_str()) {
        return Err("invalid signature, no keys found".to_owned());
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    let genuine = header["alg"] == ALGORITHM && key.verifies(message.as_bytes(), &signature);
    if genuine { Ok(()) } else { Err("go-jose/go-jose: error in cryptographic primitive".to_owned()) }
}

/// # Errors
/// Why the token is not good now.
pub(super) fn check_time(claims: &Value, now: Timestamp) -> Result<(), String> {
    let at = |claim: &str| Timestamp::from_second(claims.get(claim)?.as_i64()?).ok();
    if at("nbf").is_some_and(|start| now + LEEWAY < start) {
        return Err("service account token is not valid yet".to_owned());
    }
    if at("exp").is_some_and(|end| now - LEEWAY > end) {
        return Err("service account token has expired".to_owned());
    }
    if at("iat").is_some_and(|issued| now + LEEWAY < issued) {
        return Err("service account token is issued in the future".to_owned());
    }
    Ok(())
}
