//! VolumeAttachments (pkg/apis/storage/validation/validation.go, pkg/registry/storage/volumeattachment/strategy.go).

use super::{csi, storage};
use crate::builtins::fields::{at, has, list, members, text};
use crate::builtins::names;
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use serde_json::{Value, json};

const LONGEST_MESSAGE: usize = 1024;
const MOST_METADATA: usize = 256 * 1024;

pub(super) struct VolumeAttachment;

impl Rules for VolumeAttachment {
    fn requires_resource_version(&self) -> bool {
        true
    }

    fn prepare_for_create(&self, attachment: &mut Value) {
        attachment["status"] = json!({"attached": false});
    }

    fn validate_create(&self, attachment: &Value) -> Vec<FieldError> {
        let spec = at(attachment, "/spec");
        let mut errors = Vec::new();
        csi::driver_name(text(spec, "/attacher"), "spec.attacher", &mut errors);
        source(at(spec, "/source"), &mut errors);
        let node = text(spec, "/nodeName");
        errors.extend(FieldError::invalid_for_each("spec.nodeName", node, names::dns_subdomain(node)));
        errors.extend(status(at(attachment, "/status")));
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = self.validate_create(new);
        if at(new, "/spec") != at(old, "/spec") {
            errors.push(FieldError::invalid("spec", at(new, "/spec").clone(), "field is immutable"));
        }
        errors
    }
}

fn source(source: &Value, errors: &mut Vec<FieldError>) {
    const PATH: &str = "spec.source";
    let detail = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    let volume = at(source, "/persistentVolumeName").as_str();
    match (has(source, "inlineVolumeSpec"), volume) {
        (false, None) => errors.push(FieldError::required(PATH, detail)),
        (true, Some(_)) => errors.push(FieldError::forbidden(PATH, detail)),
        (false, Some("")) => {
            let detail = "must specify non empty persistentVolumeName";
            errors.push(FieldError::required(format!("{PATH}.persistentVolumeName"), detail));
        }
        (false, Some(_)) => {}
        (true, None) => inline(at(source, "/inlineVolumeSpec"), &format!("{PATH}.inlineVolumeSpec"), errors),
    }
    if let Some(volume) = volume {
        let wrong = names::dns_subdomain(volume);
        errors.extend(FieldError::invalid_for_each(&format!("{PATH}.persistentVolumeName"), volume, wrong));
    }
}

/// A volume without an object of its own is a driver's.
fn inline(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if list(spec, "/accessModes").is_empty() {
        errors.push(FieldError::required(format!("{path}.accessModes"), ""));
    }
    if !has(spec, "csi") {
        let detail = "has to be specified in the context of inline volumes";
        errors.push(FieldError::required(format!("{path}.csi"), detail));
    }
}

fn status(status: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if storage::size(members(status, "/attachmentMetadata")) > MOST_METADATA {
        errors.push(FieldError::too_long("status.attachmentMetadata", MOST_METADATA));
    }
    for key in ["attachError", "detachError"] {
        if text(status, &format!("/{key}/message")).len() > LONGEST_MESSAGE {
            // Upstream names the limit of the metadata.
            errors.push(FieldError::too_long(format!("status.{key}.message"), MOST_METADATA));
        }
    }
    errors
}
