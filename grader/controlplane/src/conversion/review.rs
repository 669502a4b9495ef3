//! ConversionReviews: what a conversion webhook is asked, and what it answers
//! (apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go).

use crate::go_text;
use serde_json::{Value, json};

const API: &str = "apiextensions.k8s.io";

/// The version of reviews that a webhook understands and we do: the first that it names.
pub(super) fn version(webhook: &Value) -> Option<&str> {
    let versions = webhook["conversionReviewVersions"].as_array()?;
    versions.iter().filter_map(Value::as_str).find(|version| ["v1", "v1beta1"].contains(version))
}

/// The whole body of a call. Go writes the empty response as well.
pub(super) fn body(version: &str, uid: &str, desired: &str, objects: &[Value]) -> Value {
    json!({
        "kind": "ConversionReview", "apiVersion": format!("{API}/{version}"),
        "request": {"uid": uid, "desiredAPIVersion": desired, "objects": objects},
        "response": {"uid": "", "convertedObjects": null, "result": {"metadata": {}}},
    })
}

/// Reads an answer to a review of this version: the converted objects, as they came.
///
/// # Errors
/// Why it is none, as kube-apiserver says it.
pub(super) fn converted(review: &Value, version: &str, uid: &str) -> Result<Vec<Value>, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // Nobody checked the kind and the uid when reviews were v1beta1, and webhooks may rely on that.
    let strict = version == "v1";
    let (api_version, kind) = (text(&review["apiVersion"]), text(&review["kind"]));
    if strict && (api_version != format!("{API}/{version}") || kind != "ConversionReview") {
        let got = if api_version.contains('/') { api_version } else { format!("{api_version}/") };
        return Err(format!(
            "expected webhook response of {API}/{version}, Kind=ConversionReview, got {got}, Kind={kind}"
        ));
    }
    let Some(response) = review["response"].as_object() else {
        return Err("no response provided".to_owned());
    };
    let member = |key: &str| response.get(key).unwrap_or(&Value::Null);
    let found = text(member("uid"));
    if strict && found != uid {
        let (wanted, got) = (go_text::quote(uid), go_text::quote(&found));
        return Err(format!("expected response.uid={wanted}, got {got}"));
    }
    let result = member("result");
    let outcome = text(&result["status"]);
    if outcome != "Success" {
        let message = text(&result["message"]);
        return Err(match message.as_str() {
            "" => format!("response.result.status was '{outcome}', not 'Success'"),
            _ => message,
        });
    }
    Ok(member("convertedObjects").as_array().cloned().unwrap_or_default())
}
