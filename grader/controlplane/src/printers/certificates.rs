//! `certificates.k8s.io`.

use super::printed::{Printed, condition};
use crate::custom_resources::columns::human_duration;
use serde_json::{Value, json};

pub(super) fn signing_request(request: &Printed<'_>) -> Value {
    let duration = request.at("/spec/expirationSeconds").as_i64();
    json!([
        request.name(),
        request.age(),
        request.text_or("/spec/signerName", "<none>"),
        request.text("/spec/username"),
        duration.map_or_else(|| "<none>".to_owned(), human_duration),
        status(request),
    ])
}

fn status(request: &Printed<'_>) -> String {
    let has = |type_| condition(request.list("/status/conditions"), type_).is_some();
    let mut status = match (has("Denied"), has("Approved")) {
        (true, _) => "Denied",
        (false, true) => "Approved",
        (false, false) => "Pending",
    }
    .to_owned();
    if has("Failed") {
        status.push_str(",Failed");
    }
    if !request.text("/status/certificate").is_empty() {
        status.push_str(",Issued");
    }
    status
}
