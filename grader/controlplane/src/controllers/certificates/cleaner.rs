//! Deletes requests that nobody needs any more (pkg/controller/certificates/cleaner/cleaner.go).

use super::{REQUESTS, authority, has_certificate};
use crate::certificates;
use crate::controllers::work_queue::later;
use crate::controllers::{Api, Controller, fields};
use crate::object;
use crate::store::Change;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How long requests stay that have come to an end.
const DECIDED: SignedDuration = SignedDuration::from_hours(1);
/// How long requests stay that wait for somebody.
const PENDING: SignedDuration = SignedDuration::from_hours(24);

/// Looks every hour for requests that are old, as long as there are any.
#[derive(Debug, Default)]
pub struct CertificateCleaner {
    next: Option<Timestamp>,
}

impl CertificateCleaner {
    /// A controller that looks for the first time an hour after the first request.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Controller for CertificateCleaner {
    fn name(&self) -> &'static str {
        "certificatesigningrequest-cleaner-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == REQUESTS && change.new.is_some() && self.next.is_none() {
            self.next = Some(later(change.at, EVERY));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        if self.next.is_none_or(|next| next > now) {
            return;
        }
        let requests = api.list(&REQUESTS, None);
        self.next = (!requests.is_empty()).then(|| later(now, EVERY));
        for request in requests.iter().filter(|request| is_old(request, now)) {
            // One that cannot be deleted is looked at again an hour later.
            let _ = api.delete(&REQUESTS, None, object::name(request), &Value::Null);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.next
    }
}

fn is_old(request: &Value, now: Timestamp) -> bool {
    let older = |since: Option<Timestamp>, than| since.is_some_and(|since| now.duration_since(since) > than);
    let decided = |kind: &str, than| {
        let conditions = fields::items(request, "/status/conditions").iter();
        let mut of_kind = conditions.filter(|condition| condition["type"] == kind);
        of_kind.any(|condition| older(fields::time(condition, "/lastUpdateTime"), than))
    };
    let is_issued = has_certificate(request);
    let is_pending = fields::items(request, "/status/conditions").is_empty();
    (is_pending && older(fields::time(request, "/metadata/creationTimestamp"), PENDING))
        || decided("Denied", DECIDED)
        || decided("Failed", DECIDED)
        || decided("Approved", if is_issued { DECIDED } else { PENDING })
        || (is_issued && fields::condition(request, "Approved").is_some() && has_expired(request, now))
}

fn has_expired(request: &Value, now: Timestamp) -> bool {
    let text = STANDARD.decode(fields::text(request, "/status/certificate")).unwrap_or_default();
    let certificate = certificates::first_certificate(&text);
    certificate.is_some_and(|certificate| {
        authority::time_of(certificate.tbs_certificate().validity().not_after) < now
    })
}
