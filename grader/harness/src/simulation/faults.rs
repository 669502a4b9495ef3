//! Which fault strikes which request, and what the operator gets then.

use crate::fault::FaultEffect;
use crate::trace::Address;
use crate::{Fault, FaultId, Verb};
use bytes::Bytes;
use controlplane::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Faults {
    active: BTreeMap<FaultId, Fault>,
    count: u64,
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault) -> FaultId {
        self.count += 1;
        self.active.insert(FaultId(self.count), fault);
        FaultId(self.count)
    }

    pub(super) fn lift(&mut self, id: FaultId) {
        self.active.remove(&id);
    }

    /// What strikes this request, in the order in which the faults were injected.
    pub(super) fn strike(&mut self, verb: Verb, address: &Address) -> Vec<FaultEffect> {
        let mut effects = Vec::new();
        for fault in self.active.values_mut().filter(|fault| fault.matches(verb, address)) {
            fault.matched += 1;
            if fault.nth.contains(&fault.matched) {
                effects.push(fault.effect.clone());
            }
        }
        effects
    }
}

impl Fault {
    fn matches(&self, verb: Verb, address: &Address) -> bool {
        (self.verbs.is_empty() || self.verbs.contains(&verb))
            && self.kind.is_none_or(|kind| kind.plural == address.resource && kind.group == address.group)
            && self.subresource.is_none_or(|subresource| subresource == address.subresource)
            && self.name.as_deref().is_none_or(|name| name == address.name)
    }
}

/// An answer that the API server might have given, in its words where the status has usual ones.
pub(super) fn refusal(status: u16, message: Option<String>, verb: Verb, address: &Address) -> Response {
    let Address { group, resource, namespace, name, .. } = address;
    let qualified = if group.is_empty() { resource.clone() } else { format!("{resource}.{group}") };
    let (reason, usual) = match status {
        403 => {
            let place = match namespace.as_str() {
                "" => "at the cluster scope".to_owned(),
                namespace => format!("in the namespace \"{namespace}\""),
            };
            let object = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
            let verb = if verb == Verb::Apply { "patch" } else { verb.as_str() };
            let cannot = format!("cannot {verb} resource \"{resource}\" in API group \"{group}\" {place}");
            ("Forbidden", format!("{qualified}{object} is forbidden: User \"operator\" {cannot}"))
        }
        404 => ("NotFound", format!("{qualified} \"{name}\" not found")),
        409 if verb == Verb::Create => ("AlreadyExists", format!("{qualified} \"{name}\" already exists")),
        409 => (
            "Conflict",
            format!(
                "Operation cannot be fulfilled on {qualified} \"{name}\": the object has been modified; please \
                 apply your changes to the latest version and try again"
            ),
        ),
        410 => ("Expired", "The provided continue parameter is too old".to_owned()),
        422 => ("Invalid", format!("{qualified} \"{name}\" is invalid")),
        429 => ("TooManyRequests", "the server has received too many requests".to_owned()),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request".to_owned()),
        504 => ("Timeout", "the request could not be completed in time".to_owned()),
        _ => ("InternalError", "Internal error occurred: the storage does not answer".to_owned()),
    };
    let message = message.unwrap_or(usual);
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "details": {"name": name, "group": group, "kind": resource},
        "code": status,
    });
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Response { status, headers, body: Bytes::from(body.to_string()) }
}
