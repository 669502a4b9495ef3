//! What a webhook may not change (validateConvertedObject and restoreObjectMeta in
//! apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go).

use super::Review;
use crate::builtins::meta;
use crate::field_error::aggregate;
use crate::go_text;
use crate::object;
use serde_json::{Map, Value};

/// The object that a webhook has made of the one at `index`, with the metadata that it had; labels and annotations alone
/// are the webhook's to convert.
///
/// # Errors
/// Why it is no conversion, in the words of kube-apiserver.
pub(super) fn checked(review: &Review<'_>, index: usize, converted: Value) -> Result<Value, String> {
    let asked = &review.objects[index];
    let from = review.from();
    let is_list = review.objects.len() > 1;
    let here = if is_list { format!(" converted object at index {index}") } else { " object".to_owned() };
    if !converted.is_object() {
        let kind = go_text::type_name(&converted);
        return Err(format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"));
    }
    if object::kind(&converted).is_empty() {
        return Err(format!("Object 'Kind' is missing in '{}'", go_text::json(&converted)));
    }
    let version = object::api_version(&converted);
    if version != review.desired {
        let desired = review.desired;
        let which = if is_list { "converted object" } else { "object" };
        return Err(format!(
            "conversion webhook for {from} returned invalid {which} at index {index}: invalid groupVersion (expected \
             {desired}, received {version})"
        ));
    }
    let (kind, expected) = (object::kind(&converted), object::kind(asked));
    if kind != expected {
        let which = if is_list { "converted object" } else { "object" };
        return Err(format!(
            "conversion webhook for {from} returned invalid {which} at index {index}: invalid kind (expected \
             {expected}, received {kind})"
        ));
    }
    for (what, read) in
        [("name", object::name as fn(&Value) -> &str), ("namespace", object::namespace), ("UID", object::uid)]
    {
        let (wanted, got) = (read(asked), read(&converted));
        if wanted != got {
            return Err(format!(
                "conversion webhook for {from} returned invalid{here}: must have the same {what}: {wanted} != {got}"
            ));
        }
    }
    restored(asked, converted).map_err(|why| {
        let place = if is_list { format!(" in object at index {index}") } else { String::new() };
        format!("conversion webhook for {from} returned invalid metadata{place}: {why}")
    })
}

fn restored(asked: &Value, mut converted: Value) -> Result<Value, String> {
    let Some(sent) = converted["metadata"].as_object() else {
        return Err("missing metadata in converted object".to_owned());
    };
    let mut metadata = asked["metadata"].as_object().cloned().unwrap_or_default();
    for key in ["labels", "annotations"] {
        let before = metadata.remove(key);
        if let Some(texts) = texts(key, sent.get(key), before.as_ref())? {
            metadata.insert(key.to_owned(), texts.clone().into());
        }
    }
    converted["metadata"] = metadata.into();
    Ok(converted)
}

/// The labels or annotations of a converted object, which must be valid where they are not those from before.
fn texts<'a>(
    key: &str,
    sent: Option<&'a Value>,
    before: Option<&Value>,
) -> Result<Option<&'a Map<String, Value>>, String> {
    let Some(value) = sent.filter(|value| !value.is_null()) else { return Ok(None) };
    let Some(texts) = value.as_object() else {
        return Err(format!(
            "invalid metadata.{key} of type {} in converted object",
            go_text::type_name(value)
        ));
    };
    if let Some((name, value)) = texts.iter().find(|(_, value)| !value.is_string()) {
        let kind = go_text::type_name(value);
        return Err(format!("metadata.{key}[{name}] must be a string, but is {kind} in converted object"));
    }
    if before == sent {
        return Ok(Some(texts));
    }
    let errors = match key {
        "labels" => meta::validate_labels(Some(texts), "metadata.labels"),
        _ => meta::validate_annotations(Some(texts), "metadata.annotation"),
    };
    if errors.is_empty() { Ok(Some(texts)) } else { Err(aggregate(&errors)) }
}
