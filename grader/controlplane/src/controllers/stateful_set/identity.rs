//! Names, labels and volumes that make a pod the n-th of its set (pkg/controller/statefulset/stateful_set_utils.go).

use super::{KIND, claims};
use crate::controllers::{fields, pods};
use crate::object;
use serde_json::{Value, json};

pub(super) const REVISION_LABEL: &str = "controller-revision-hash";
const POD_NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX_LABEL: &str = "apps.kubernetes.io/pod-index";

/// The set's name and the number in a pod's name (`db-3`).
fn parts(pod: &Value) -> Option<(&str, i64)> {
    let (parent, ordinal) = object::name(pod).rsplit_once('-')?;
    let digits = !ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit());
    let ordinal: i32 = ordinal.parse().ok().filter(|_| digits)?;
    Some((parent, ordinal.into()))
}

pub(super) fn is_member(set: &Value, pod: &Value) -> bool {
    parts(pod).is_some_and(|(parent, _)| parent == object::name(set))
}

/// The pod's number; `None` for a name without one.
pub(super) fn ordinal(pod: &Value) -> Option<i64> {
    parts(pod).map(|(_, ordinal)| ordinal)
}

/// The numbers that pods of the set have.
pub(super) fn ordinals(set: &Value) -> std::ops::Range<i64> {
    let start = fields::int(set, "/spec/ordinals/start").unwrap_or_default();
    start..start.saturating_add(super::replicas(set))
}

pub(super) fn pod_name(set: &Value, ordinal: i64) -> String {
    format!("{}-{ordinal}", object::name(set))
}

pub(super) fn revision(pod: &Value) -> &str {
    fields::label(pod, REVISION_LABEL)
}

/// The pod of that number, from a template of the set and the name of the revision which that template is.
pub(super) fn new_pod(set: &Value, template: &Value, revision: &str, ordinal: i64) -> Value {
    let mut pod = pods::from_template(template, set, KIND.reference(set));
    let name = pod_name(set, ordinal);
    object::set_metadata(&mut pod, "name", name.clone());
    identify(&mut pod, &name, ordinal);
    pod["metadata"]["labels"][REVISION_LABEL] = revision.into();
    pod["spec"]["hostname"] = name.into();
    let service = fields::text(set, "/spec/serviceName");
    if !service.is_empty() {
        pod["spec"]["subdomain"] = service.into();
    }
    mount(set, &mut pod, ordinal);
    pod
}

/// Whether a pod that is there has the labels of its number.
pub(super) fn matches(pod: &Value) -> bool {
    fields::label(pod, POD_NAME_LABEL) == object::name(pod)
}

/// Gives a pod the labels of its number.
pub(super) fn identify(pod: &mut Value, name: &str, ordinal: i64) {
    let labels = object::metadata_mut(pod).entry("labels").or_insert_with(|| json!({}));
    if !labels.is_object() {
        *labels = json!({});
    }
    labels[POD_NAME_LABEL] = name.into();
    labels[POD_INDEX_LABEL] = ordinal.to_string().into();
}

/// The set's claims come first among the volumes, in place of volumes of the same name.
fn mount(set: &Value, pod: &mut Value, ordinal: i64) {
    let templates = claims::templates(set);
    if templates.is_empty() {
        return;
    }
    let name = |template: &Value| object::name(template).to_owned();
    let mut volumes: Vec<Value> = templates
        .iter()
        .map(|template| {
            let claim = claims::name(set, template, ordinal);
            json!({"name": name(template), "persistentVolumeClaim": {"claimName": claim}})
        })
        .collect();
    let own = fields::items(pod, "/spec/volumes").iter();
    let own = own.filter(|volume| !templates.iter().any(|template| volume["name"] == name(template)));
    let own: Vec<Value> = own.cloned().collect();
    volumes.extend(own);
    pod["spec"]["volumes"] = volumes.into();
}
