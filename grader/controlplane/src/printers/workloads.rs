//! What runs pods (`apps`, and ReplicationControllers).

use super::printed::Printed;
use crate::object;
use crate::selector::label;
use serde_json::{Value, json};

pub(super) fn pod_template(template: &Printed<'_>) -> Value {
    let (names, images) = template.containers("/template/spec");
    json!([template.name(), names, images, template.labels("/template/metadata/labels")])
}

pub(super) fn replication_controller(controller: &Printed<'_>) -> Value {
    replicas(controller, controller.labels("/spec/selector"))
}

pub(super) fn replica_set(set: &Printed<'_>) -> Value {
    replicas(set, selector(set))
}

fn replicas(object: &Printed<'_>, selector: String) -> Value {
    let (names, images) = object.containers("/spec/template/spec");
    json!([
        object.name(),
        object.number("/spec/replicas"),
        object.number("/status/replicas"),
        object.number("/status/readyReplicas"),
        object.age(),
        names,
        images,
        selector,
    ])
}

pub(super) fn deployment(deployment: &Printed<'_>) -> Value {
    let (names, images) = deployment.containers("/spec/template/spec");
    let selector = label::scale_selector(deployment.object.pointer("/spec/selector"));
    json!([
        deployment.name(),
        ready(deployment),
        deployment.number("/status/updatedReplicas"),
        deployment.number("/status/availableReplicas"),
        deployment.age(),
        names,
        images,
        selector.unwrap_or_else(|_| "<invalid>".to_owned()),
    ])
}

pub(super) fn stateful_set(set: &Printed<'_>) -> Value {
    let (names, images) = set.containers("/spec/template/spec");
    json!([set.name(), ready(set), set.age(), names, images])
}

fn ready(object: &Printed<'_>) -> String {
    format!("{}/{}", object.number("/status/readyReplicas"), object.number("/spec/replicas"))
}

pub(super) fn daemon_set(set: &Printed<'_>) -> Value {
    let (names, images) = set.containers("/spec/template/spec");
    json!([
        set.name(),
        set.number("/status/desiredNumberScheduled"),
        set.number("/status/currentNumberScheduled"),
        set.number("/status/numberReady"),
        set.number("/status/updatedNumberScheduled"),
        set.number("/status/numberAvailable"),
        set.labels("/spec/template/spec/nodeSelector"),
        set.age(),
        names,
        images,
        selector(set),
    ])
}

pub(super) fn controller_revision(revision: &Printed<'_>) -> Value {
    let controller = object::owner_references(revision.object).find(|owner| owner["controller"] == true);
    let controller = controller.map_or_else(
        || "<none>".to_owned(),
        |owner| {
            let kind = object::kind(owner).to_lowercase();
            let name = owner["name"].as_str().unwrap_or_default();
            match object::api_version(owner).split_once('/') {
                Some((group, _)) => format!("{kind}.{group}/{name}"),
                None => format!("{kind}/{name}"),
            }
        },
    );
    json!([revision.name(), controller, revision.number("/revision"), revision.age()])
}

fn selector(object: &Printed<'_>) -> String {
    label::format(object.object.pointer("/spec/selector"))
}
