//! AdmissionReviews: what a webhook is asked, and what it answers
//! (apiserver/pkg/admission/plugin/webhook/request/admissionreview.go).

use super::Attributes;
use crate::go_text;
use crate::resources::Resource;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const API: &str = "admission.k8s.io";

/// What a webhook decided.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) allowed: bool,
    /// A JSON patch; empty for none.
    pub(super) patch: Vec<u8>,
    /// The Status of a refusal; `null` when it gives none.
    pub(super) status: Value,
    pub(super) warnings: Vec<String>,
}

/// The version of reviews that a webhook understands and we do.
pub(super) fn version(webhook: &Value) -> Option<&str> {
    let versions = webhook["admissionReviewVersions"].as_array()?;
    versions.iter().filter_map(Value::as_str).find(|version| ["v1", "v1beta1"].contains(version))
}

/// `AdmissionRequest`, as webhooks and expressions see it. `target` is the resource at the version of the rule.
pub(super) fn request(attributes: &Attributes<'_>, target: &Resource) -> Value {
    let (group, version, kind) = attributes.kind.clone();
    let own = &attributes.resource;
    let is_own = own.id == target.id && own.version == target.version;
    let request_kind = json!({"group": group, "version": version, "kind": kind});
    let shown_kind = if is_own || !attributes.subresource.is_empty() {
        request_kind.clone()
    } else {
        json!({"group": target.id.group(), "version": target.version, "kind": target.kind})
    };
    let resource =
        |of: &Resource| json!({"group": of.id.group(), "version": of.version, "resource": of.id.resource()});
    let user = &attributes.user;
    let mut info = json!({"username": user.name, "groups": user.groups});
    if !user.uid.is_empty() {
        info["uid"] = user.uid.clone().into();
    }
    if !user.extra.is_empty() {
        info["extra"] = json!(user.extra);
    }
    let mut request = json!({
        "kind": shown_kind, "resource": resource(target),
        "requestKind": request_kind, "requestResource": resource(own),
        "operation": attributes.operation, "userInfo": info,
        "dryRun": attributes.dry_run, "options": attributes.options,
    });
    for (key, text) in [
        ("subResource", attributes.subresource),
        ("requestSubResource", attributes.subresource),
        ("name", attributes.name),
        ("namespace", attributes.namespace),
    ] {
        if !text.is_empty() {
            request[key] = text.into();
        }
    }
    request
}

/// The whole body of a call; the objects are in the version of `target` already.
pub(super) fn body(attributes: &Attributes<'_>, target: &Resource, version: &str, uid: &str) -> Value {
    let mut request = request(attributes, target);
    request["uid"] = uid.into();
    request["object"] = attributes.object.clone();
    request["oldObject"] = attributes.old.clone();
    json!({"kind": "AdmissionReview", "apiVersion": format!("{API}/{version}"), "request": request})
}

/// An answer as a review of this version, if it can be one.
///
/// # Errors
/// Why it cannot.
pub(super) fn decoded(answer: Value, version: &str) -> Result<Value, String> {
    let given = |key: &str| answer[key].as_str().filter(|text| !text.is_empty());
    let wanted = format!("{API}/{version}");
    // What it does not say is taken from what was asked.
    let api_version = given("apiVersion").unwrap_or(&wanted);
    let kind = given("kind").unwrap_or("AdmissionReview");
    let known = api_version.strip_prefix(API).and_then(|rest| rest.strip_prefix('/'));
    match known.filter(|known| kind == "AdmissionReview" && ["v1", "v1beta1"].contains(known)) {
        None => Err(format!(
            "no kind {} is registered for version {} in scheme \"pkg/runtime/scheme.go:111\"",
            go_text::quote(kind),
            go_text::quote(api_version)
        )),
        Some(found) if found != version => Err(format!(
            "converting ({found}.AdmissionReview) to ({version}.AdmissionReview): unknown conversion"
        )),
        Some(_) => typed(answer),
    }
}

/// Whether a value is of a type.
type Is = fn(&Value) -> bool;

/// Members of a response whose type decides, as Go names the types.
const TYPES: [(&str, &str, Is); 5] = [
    ("uid", "types.UID", Value::is_string),
    ("allowed", "bool", Value::is_boolean),
    ("patch", "[]uint8", Value::is_string),
    ("patchType", "v1.PatchType", Value::is_string),
    ("warnings", "[]string", Value::is_array),
];

fn typed(answer: Value) -> Result<Value, String> {
    let response = &answer["response"];
    let wrong = TYPES.iter().find(|(key, _, is)| !response[key].is_null() && !is(&response[key]));
    match wrong {
        None => Ok(answer),
        Some((key, of, _)) => Err(format!(
            "json: cannot unmarshal {} into Go struct field AdmissionResponse.response.{key} of type {of}",
            go_text::json_kind(&response[key])
        )),
    }
}

/// Reads an answer.
///
/// # Errors
/// Why it is none, as kube-apiserver says it.
pub(super) fn decision(review: &Value, version: &str, uid: &str, mutating: bool) -> Result<Decision, String> {
    let invalid = |why: String| format!("received invalid webhook response: {why}");
    let response = &review["response"];
    if !response.is_object() {
        return Err(invalid("webhook response was absent".to_owned()));
    }
    if version == "v1" {
        let found = response["uid"].as_str().unwrap_or_default();
        if found != uid {
            return Err(invalid(format!("expected response.uid={uid:?}, got {found:?}")));
        }
        let (api_version, kind) = (&review["apiVersion"], &review["kind"]);
        if api_version != "admission.k8s.io/v1" || kind != "AdmissionReview" {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (api_version, kind) = (text(api_version), text(kind));
            let got = if api_version.contains('/') { api_version } else { format!("{api_version}/") };
            return Err(invalid(format!(
                "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {got}, Kind={kind}"
            )));
        }
    }
    let patch = response["patch"].as_str().unwrap_or_default();
    let patch_type = &response["patchType"];
    match (mutating, patch.is_empty(), patch_type.as_str()) {
        (true, false, None) if version == "v1" => {
            return Err(invalid("webhook returned response.patch but not response.patchType".to_owned()));
        }
        (true, true, Some(_)) if version == "v1" => {
            return Err(invalid("webhook returned response.patchType but not response.patch".to_owned()));
        }
        (true, false, Some(kind)) if kind != "JSONPatch" => {
            return Err(format!("unsupported patch type {kind:?}"));
        }
        (false, false, _) if version == "v1" => {
            return Err(invalid("validating webhook may not return response.patch".to_owned()));
        }
        (false, true, Some(_)) if version == "v1" => {
            return Err(invalid("validating webhook may not return response.patchType".to_owned()));
        }
        _ => {}
    }
    let patch = STANDARD
        .decode(patch)
        .map_err(|error| format!("received undecodable patch in webhook response: {error}"))?;
    let warnings = response["warnings"].as_array().into_iter().flatten();
    Ok(Decision {
        allowed: response["allowed"] == true,
        patch: if mutating { patch } else { Vec::new() },
        status: response["status"].clone(),
        warnings: warnings.filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}
