//! Secrets that hold the token of a service account (pkg/controller/serviceaccount/tokens_controller.go).

use super::known::{SECRETS, SERVICE_ACCOUNTS};
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const TYPE: &str = "kubernetes.io/service-account-token";
const ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";
const ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";

/// Fills Secrets of the type `kubernetes.io/service-account-token`, and deletes them with their account.
#[derive(Debug)]
pub struct ServiceAccountTokenSecrets {
    reaction: SignedDuration,
    root_ca: String,
    queue: WorkQueue<Work>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Work {
    /// Namespace and name of a Secret.
    Secret(String, String),
    /// Namespace, name and uid of an account that is gone.
    Gone(String, String, String),
    /// A Secret (namespace, name) of an account (name) is gone: the account must not refer to it.
    Unlink(String, String, String),
}

impl ServiceAccountTokenSecrets {
    /// A controller that acts `reaction` after what it saw and puts this PEM text into Secrets.
    pub fn new(reaction: SignedDuration, root_ca: String) -> Self {
        Self { reaction, root_ca, queue: WorkQueue::default() }
    }

    fn work(&self, api: &mut Api<'_>, work: &Work) -> Result<(), ApiError> {
        match work {
            Work::Secret(namespace, name) => self.fill(api, namespace, name),
            Work::Gone(namespace, name, uid) => {
                let same = api.get(&SERVICE_ACCOUNTS, Some(namespace), name);
                if same.is_some_and(|account| object::uid(&account) == uid) {
                    return Ok(());
                }
                let secrets = api.list(&SECRETS, Some(namespace));
                let of_account = |secret: &&std::sync::Arc<Value>| {
                    is_token(secret)
                        && annotation(secret, ACCOUNT_NAME) == name
                        && annotation(secret, ACCOUNT_UID) == uid
                };
                secrets.iter().filter(of_account).try_for_each(|secret| delete(api, secret))
            }
            Work::Unlink(namespace, secret, account) => unlink(api, namespace, secret, account),
        }
    }

    fn fill(&self, api: &mut Api<'_>, namespace: &str, name: &str) -> Result<(), ApiError> {
        let secret = api.get(&SECRETS, Some(namespace), name).filter(|secret| is_token(secret));
        let Some(secret) = secret else { return Ok(()) };
        let uid = annotation(&secret, ACCOUNT_UID);
        let account = api.get(&SERVICE_ACCOUNTS, Some(namespace), annotation(&secret, ACCOUNT_NAME));
        let Some(account) = account.filter(|account| uid.is_empty() || object::uid(account) == uid) else {
            return delete(api, &secret);
        };
        let has = |key: &str| secret["data"].get(key).is_some_and(|value| value != "");
        let root_ca = STANDARD.encode(&self.root_ca);
        let mut missing = Vec::new();
        if !self.root_ca.is_empty()
            && secret["data"].get("ca.crt").is_none_or(|known| *known != root_ca.as_str())
        {
            missing.push(("ca.crt", root_ca));
        }
        if !has("namespace") {
            missing.push(("namespace", STANDARD.encode(namespace)));
        }
        if !has("token") {
            missing.push(("token", STANDARD.encode(api.legacy_token(&account, name))));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let mut filled = (*secret).clone();
        for (key, value) in missing {
            filled["data"][key] = value.into();
        }
        let annotations = object::metadata_mut(&mut filled).entry("annotations").or_insert_with(|| json!({}));
        annotations[ACCOUNT_NAME] = object::name(&account).into();
        annotations[ACCOUNT_UID] = object::uid(&account).into();
        api.update(&SECRETS, filled).map(drop)
    }
}

impl Controller for ServiceAccountTokenSecrets {
    fn name(&self) -> &'static str {
        "serviceaccount-token-controller"
    }

    fn observe(&mut self, change: &Change) {
        let object = change.object();
        let (namespace, name) = (object::namespace(object).to_owned(), object::name(object).to_owned());
        let work = if change.resource == SECRETS && is_token(object) {
            match change.new {
                Some(_) => Work::Secret(namespace, name),
                None => Work::Unlink(namespace, name, annotation(object, ACCOUNT_NAME).to_owned()),
            }
        } else if change.resource == SERVICE_ACCOUNTS && change.new.is_none() {
            Work::Gone(namespace, name, object::uid(object).to_owned())
        } else {
            return;
        };
        self.queue.add(work, later(change.at, self.reaction));
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(work) = self.queue.pop(now) {
            match self.work(api, &work) {
                Err(error) if !error.is_not_found() && !error.is_conflict() => self.queue.retry(work, now),
                _ => self.queue.forget(&work),
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

fn is_token(secret: &Value) -> bool {
    secret["type"] == TYPE
}

fn annotation<'a>(secret: &'a Value, key: &str) -> &'a str {
    secret["metadata"]["annotations"].get(key).and_then(Value::as_str).unwrap_or_default()
}

fn delete(api: &mut Api<'_>, secret: &Value) -> Result<(), ApiError> {
    let options = json!({"preconditions": {"uid": object::uid(secret)}});
    api.delete(&SECRETS, Some(object::namespace(secret)), object::name(secret), &options).map(drop)
}

fn unlink(api: &mut Api<'_>, namespace: &str, secret: &str, account: &str) -> Result<(), ApiError> {
    let Some(account) = api.get(&SERVICE_ACCOUNTS, Some(namespace), account) else { return Ok(()) };
    let linked = |reference: &Value| reference["name"] == secret;
    let references = account.get("secrets").and_then(Value::as_array);
    let Some(references) = references.filter(|references| references.iter().any(linked)) else {
        return Ok(());
    };
    let kept: Vec<Value> = references.iter().filter(|reference| !linked(reference)).cloned().collect();
    let mut changed = (*account).clone();
    changed["secrets"] = kept.into();
    api.update(&SERVICE_ACCOUNTS, changed).map(drop)
}
