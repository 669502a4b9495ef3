//! Tokens with which nodes join a cluster: they sign what new nodes have to know, and they end
//! (pkg/controller/bootstrap). Neither controller runs unless it is asked for by name.

use super::known::{CONFIG_MAPS, SECRETS};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const TOKEN_TYPE: &str = "bootstrap.kubernetes.io/token";
const TOKENS_NAMESPACE: &str = "kube-system";
const TOKEN_NAME: &str = "bootstrap-token-";
const SIGNED_NAMESPACE: &str = "kube-public";
const SIGNED_NAME: &str = "cluster-info";
const SIGNED_KEY: &str = "kubeconfig";
const SIGNATURE_KEY: &str = "jws-kubeconfig-";

/// Signs the ConfigMap `cluster-info` with every token that may, so that a node can tell whether it is the right one.
#[derive(Debug)]
pub struct BootstrapSigner {
    reaction: SignedDuration,
    queue: WorkQueue<()>,
}

/// Deletes tokens whose time has come.
#[derive(Debug)]
pub struct TokenCleaner {
    reaction: SignedDuration,
    queue: WorkQueue<String>,
}

impl BootstrapSigner {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, queue: WorkQueue::default() }
    }
}

impl Controller for BootstrapSigner {
    fn name(&self) -> &'static str {
        "bootstrap-signer-controller"
    }

    fn observe(&mut self, change: &Change) {
        let about = change.object();
        let is_signed = change.resource == CONFIG_MAPS
            && object::namespace(about) == SIGNED_NAMESPACE
            && object::name(about) == SIGNED_NAME;
        if is_signed || is_token(change) {
            self.queue.add((), later(change.at, self.reaction));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while self.queue.pop(now).is_some() {
            let visit = unless_gone(sign(api, now));
            self.queue.finish((), visit.map(|_| None), now);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

impl TokenCleaner {
    /// A controller that acts `reaction` after a token's time has come.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, queue: WorkQueue::default() }
    }

    fn sync(&mut self, api: &mut Api<'_>, name: &str, now: Timestamp) -> Result<(), ApiError> {
        let Some(token) = api.get(&SECRETS, Some(TOKENS_NAMESPACE), name) else { return Ok(()) };
        match expiry(&token) {
            Expiry::Never => Ok(()),
            Expiry::At(end) if end > now => {
                self.queue.add(name.to_owned(), end);
                Ok(())
            }
            Expiry::At(_) | Expiry::Unknown => {
                let options = json!({
                    "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": object::uid(&token)},
                });
                api.delete(&SECRETS, Some(TOKENS_NAMESPACE), name, &options).map(drop)
            }
        }
    }
}

impl Controller for TokenCleaner {
    fn name(&self) -> &'static str {
        "token-cleaner-controller"
    }

    fn observe(&mut self, change: &Change) {
        if is_token(change) && change.new.is_some() {
            self.queue.add(object::name(change.object()).to_owned(), later(change.at, self.reaction));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(name) = self.queue.pop(now) {
            if unless_gone(self.sync(api, &name, now)).is_err() {
                self.queue.retry(name, now);
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

fn is_token(change: &Change) -> bool {
    let secret = change.object();
    change.resource == SECRETS
        && object::namespace(secret) == TOKENS_NAMESPACE
        && secret["type"] == TOKEN_TYPE
}

fn sign(api: &mut Api<'_>, now: Timestamp) -> Result<(), ApiError> {
    let Some(info) = api.get(&CONFIG_MAPS, Some(SIGNED_NAMESPACE), SIGNED_NAME) else { return Ok(()) };
    let Some(content) = info["data"][SIGNED_KEY].as_str() else { return Ok(()) };
    let others = fields::map(&info, "/data").into_iter().flatten();
    let others = others.filter(|(key, _)| !key.starts_with(SIGNATURE_KEY));
    let mut data: Map<String, Value> = others.map(|(key, value)| (key.clone(), value.clone())).collect();
    for (id, secret) in signing_tokens(api, now) {
        data.insert(format!("{SIGNATURE_KEY}{id}"), signature(content, &id, &secret).into());
    }
    if info["data"].as_object() == Some(&data) {
        return Ok(());
    }
    let mut signed = (*info).clone();
    signed["data"] = data.into();
    api.update(&CONFIG_MAPS, signed).map(drop)
}

/// The tokens that may sign: what they are called, and their secret halves.
fn signing_tokens(api: &Api<'_>, now: Timestamp) -> BTreeMap<String, String> {
    let secrets = api.list(&SECRETS, Some(TOKENS_NAMESPACE));
    let tokens = secrets.iter().filter(|secret| secret["type"] == TOKEN_TYPE).filter_map(|secret| {
        let (id, half) = (data(secret, "token-id"), data(secret, "token-secret"));
        let is_well_named = object::name(secret).strip_prefix(TOKEN_NAME) == Some(&id) && is_id(&id);
        let is_over = match expiry(secret) {
            Expiry::Never => false,
            Expiry::At(end) => end <= now,
            Expiry::Unknown => true,
        };
        let may = is_well_named && !half.is_empty() && !is_over;
        (may && data(secret, "usage-bootstrap-signing") == "true").then_some((id, half))
    });
    tokens.collect()
}

fn is_id(id: &str) -> bool {
    id.len() == 6 && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// A signature without what it signs (RFC 7515, appendix F).
fn signature(content: &str, id: &str, secret: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "kid": id}).to_string());
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = hmac::sign(&key, format!("{header}.{}", URL_SAFE_NO_PAD.encode(content)).as_bytes());
    format!("{header}..{}", URL_SAFE_NO_PAD.encode(signed))
}

/// When a token ends.
enum Expiry {
    Never,
    At(Timestamp),
    /// It says something that is no time, which is taken for the past.
    Unknown,
}

fn expiry(token: &Value) -> Expiry {
    match data(token, "expiration").as_str() {
        "" => Expiry::Never,
        text => text.parse().map_or(Expiry::Unknown, Expiry::At),
    }
}

/// A text in a Secret.
fn data(secret: &Value, key: &str) -> String {
    let bytes = secret["data"][key].as_str().and_then(|text| STANDARD.decode(text).ok());
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}
