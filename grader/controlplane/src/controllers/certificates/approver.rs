//! Approves what kubelets ask for (pkg/controller/certificates/approver/sarapprove.go).

use super::{GROUP, KUBELET_CLIENT, REQUESTS, RESOURCE, has_certificate, parsed, policy, usages};
use crate::access::{ResourceAttributes, User};
use crate::controllers::work_queue::{WorkQueue, later};
use crate::controllers::{Api, Controller, fields, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Approves requests of nodes for their client certificates, if whoever asks may.
#[derive(Debug)]
pub struct CertificateApprover {
    reaction: SignedDuration,
    queue: WorkQueue<String>,
}

impl CertificateApprover {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, queue: WorkQueue::default() }
    }

    /// The answer is whether it is done with the request.
    fn sync(api: &mut Api<'_>, name: &str) -> Result<bool, ApiError> {
        let Some(request) = api.get(&REQUESTS, None, name).filter(|request| waits(request)) else {
            return Ok(true);
        };
        let Some(asked) = parsed(&request) else { return Ok(false) };
        if policy::kubelet_client(&asked, &usages(&request)).is_err() {
            return Ok(true);
        }
        let user = user(&request);
        let own = (user.name == asked.common_name()).then_some(("selfnodeclient", "self kubelet"));
        let mut grounds = own.into_iter().chain([("nodeclient", "kubelet")]);
        let may = |(subresource, _): &(&str, &str)| {
            let attributes = ResourceAttributes {
                group: GROUP,
                resource: RESOURCE,
                subresource,
                ..ResourceAttributes::default()
            };
            api.allows(&user, "create", attributes)
        };
        let Some((_, whose)) = grounds.find(may) else {
            // Whoever asks may be allowed later on.
            return Ok(false);
        };
        let mut approved = (*request).clone();
        let message = format!("Auto approving {whose} client certificate after SubjectAccessReview.");
        approved["status"]["conditions"] = json!([
            {"type": "Approved", "status": "True", "reason": "AutoApproved", "message": message},
        ]);
        api.update_subresource(&REQUESTS, approved, "approval").map(|_| true)
    }
}

impl Controller for CertificateApprover {
    fn name(&self) -> &'static str {
        "certificatesigningrequest-approving-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == REQUESTS
            && let Some(request) = change.new.as_ref().filter(|request| waits(request))
        {
            self.queue.add(object::name(request).to_owned(), later(change.at, self.reaction));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(name) = self.queue.pop(now) {
            match unless_gone(Self::sync(api, &name)) {
                Ok(Some(true) | None) => self.queue.forget(&name),
                Ok(Some(false)) | Err(_) => self.queue.retry(name, now),
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

/// Nobody has decided about it yet.
fn waits(request: &Value) -> bool {
    fields::text(request, "/spec/signerName") == KUBELET_CLIENT
        && ["Approved", "Denied"].iter().all(|verdict| fields::condition(request, verdict).is_none())
        && !has_certificate(request)
}

/// Who made the request.
fn user(request: &Value) -> User {
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let extra = fields::map(request, "/spec/extra").into_iter().flatten();
    User {
        uid: fields::text(request, "/spec/uid").to_owned(),
        extra: extra.map(|(key, values)| (key.clone(), texts(values))).collect(),
        ..User::new(fields::text(request, "/spec/username"), texts(&request["spec"]["groups"]))
    }
}
