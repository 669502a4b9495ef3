//! Signs what is approved (pkg/controller/certificates/signer/signer.go).

use super::{CertificateAuthority, REQUESTS, has_certificate, parsed, policy, usages};
use crate::controllers::work_queue::{WorkQueue, later};
use crate::controllers::{Api, Controller, fields, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

/// How long certificates live when nobody asks for less (`--cluster-signing-duration`).
const LONGEST: SignedDuration = SignedDuration::from_hours(8760);
const SHORTEST: SignedDuration = SignedDuration::from_mins(10);

/// Makes certificates of the approved requests to the built-in signers. Without an authority it does nothing, as
/// kube-controller-manager without `--cluster-signing-cert-file`.
#[derive(Debug)]
pub struct CertificateSigner {
    reaction: SignedDuration,
    authority: Option<Arc<CertificateAuthority>>,
    queue: WorkQueue<String>,
}

impl CertificateSigner {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration, authority: Option<Arc<CertificateAuthority>>) -> Self {
        Self { reaction, authority, queue: WorkQueue::default() }
    }

    /// The answer is whether it is done with the request.
    fn sync(&self, api: &mut Api<'_>, name: &str, now: Timestamp) -> Result<bool, ApiError> {
        let (Some(authority), Some(request)) = (&self.authority, api.get(&REQUESTS, None, name)) else {
            return Ok(true);
        };
        if !waits(&request) {
            return Ok(true);
        }
        let Some(asked) = parsed(&request) else { return Ok(false) };
        let usages = usages(&request);
        let Some(verdict) = policy::check(fields::text(&request, "/spec/signerName"), &asked, &usages) else {
            return Ok(true);
        };
        let mut answered = (*request).clone();
        match verdict {
            Err(why) => fail(&mut answered, &why, now),
            Ok(()) => {
                let signed = authority.sign(&asked, &usages, lifetime(&request), object::uid(&request), now);
                let Ok(certificate) = signed else { return Ok(false) };
                answered["status"]["certificate"] = STANDARD.encode(certificate).into();
            }
        }
        api.update_status(&REQUESTS, answered).map(|_| true)
    }
}

impl Controller for CertificateSigner {
    fn name(&self) -> &'static str {
        "certificatesigningrequest-signing-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == REQUESTS
            && self.authority.is_some()
            && let Some(request) = change.new.as_ref().filter(|request| waits(request))
        {
            self.queue.add(object::name(request).to_owned(), later(change.at, self.reaction));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(name) = self.queue.pop(now) {
            match unless_gone(self.sync(api, &name, now)) {
                Ok(Some(true) | None) => self.queue.forget(&name),
                Ok(Some(false)) | Err(_) => self.queue.retry(name, now),
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

/// Approved, and nothing has come of it yet.
fn waits(request: &Value) -> bool {
    let has = |kind: &str| fields::condition(request, kind).is_some();
    has("Approved") && !has("Denied") && !has("Failed") && !has_certificate(request)
}

fn lifetime(request: &Value) -> SignedDuration {
    let asked = fields::int(request, "/spec/expirationSeconds").map(fields::seconds);
    asked.map_or(LONGEST, |asked| asked.clamp(SHORTEST, LONGEST))
}

fn fail(request: &mut Value, why: &str, now: Timestamp) {
    let condition = json!({
        "type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": why,
        "lastUpdateTime": object::time(now),
    });
    if let Some(conditions) = request["status"]["conditions"].as_array_mut() {
        conditions.push(condition);
    }
}
