//! APIServices: the aggregation layer's word for each group version, all of them served here
//! (kube-aggregator/pkg/controllers/autoregister, pkg/controlplane/apiserver/aggregator.go).
//!
//! A cluster with RBAC has them from its start, and those of custom resources come and go with the definitions.

use crate::api_server::ApiServer;
use crate::apply::{self, Writer};
use crate::builtins;
use crate::builtins::fields::{list, text};
use crate::object;
use crate::random::Random;
use crate::resources::CRDS;
use crate::store::{Change, ResourceId, Store};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const API_SERVICES: ResourceId = ResourceId::known("apiregistration.k8s.io", "apiservices");
const API_VERSION: &str = "apiregistration.k8s.io/v1";
/// Says who made an APIService, and how long it is kept.
const AUTOMANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";

/// How far up a group stands among groups, and a version among its versions.
#[derive(Clone, Copy)]
struct Priority {
    group: u32,
    version: u32,
}

/// The priority of custom resources (pkg/controlplane/controller/crdregistration).
const CUSTOM: Priority = Priority { group: 1000, version: 100 };

fn built_in(group: &str, version: &str) -> Priority {
    let minimum = match group {
        "" => 18_000,
        "apps" => 17_800,
        "events.k8s.io" => 17_750,
        "authentication.k8s.io" => 17_700,
        "authorization.k8s.io" => 17_600,
        "autoscaling" => 17_500,
        "batch" => 17_400,
        "certificates.k8s.io" => 17_300,
        "networking.k8s.io" => 17_200,
        "policy" => 17_100,
        "rbac.authorization.k8s.io" => 17_000,
        "storage.k8s.io" => 16_800,
        "admissionregistration.k8s.io" | "apiextensions.k8s.io" => 16_700,
        "scheduling.k8s.io" => 16_600,
        "coordination.k8s.io" => 16_500,
        "node.k8s.io" => 16_300,
        "discovery.k8s.io" | "resource.k8s.io" => 16_200,
        _ => 16_100,
    };
    let version = match (group, version) {
        ("", _) => 1,
        ("autoscaling", "v2") => 30,
        ("flowcontrol.apiserver.k8s.io" | "resource.k8s.io", _) => 21,
        _ => 15,
    };
    Priority { group: minimum, version }
}

/// Stores those of built-in groups. The aggregation layer's own group has none.
pub(crate) fn load(store: &mut Store, random: &mut Random, now: Timestamp) {
    let served: BTreeSet<(&str, &str)> = builtins::resources()
        .iter()
        .map(|resource| (resource.group, resource.version))
        .filter(|(group, _)| *group != API_SERVICES.group())
        .collect();
    for (group, version) in served {
        put(store, random, (group, version), built_in(group, version), "onstart", now);
    }
}

/// Makes those of custom resources agree with what is served, in a cluster that has APIServices: looks at the versions
/// of changed definitions, and at the APIServices that somebody has removed.
pub(crate) fn follow(server: &mut ApiServer, changes: &[Arc<Change>], now: Timestamp) {
    let mut concerned: BTreeSet<(String, String)> = BTreeSet::new();
    for change in changes {
        if change.resource == CRDS {
            let definitions = change.old.iter().chain(&change.new);
            concerned.extend(definitions.flat_map(|definition| group_versions(definition)));
        } else if change.resource == API_SERVICES && change.new.is_none() {
            let spec = &change.object()["spec"];
            concerned.insert((text(spec, "/group").to_owned(), text(spec, "/version").to_owned()));
        }
    }
    if concerned.is_empty() || server.store.get(&API_SERVICES, "", "v1.").is_none() {
        return;
    }
    for (group, version) in concerned {
        let name = format!("{version}.{group}");
        let known = server.store.get(&API_SERVICES, "", &name);
        let is_own = known.is_some_and(|known| known.object["metadata"]["labels"][AUTOMANAGED] == "true");
        match (server.resources.serves_custom(&group, &version), known.is_some()) {
            (true, false) => {
                put(&mut server.store, &mut server.random, (&group, &version), CUSTOM, "true", now);
            }
            (false, true) if is_own => drop(server.store.remove(&API_SERVICES, "", &name, now)),
            _ => {}
        }
    }
}

fn group_versions(definition: &Value) -> impl Iterator<Item = (String, String)> {
    let group = text(definition, "/spec/group");
    let versions = list(definition, "/spec/versions").iter();
    versions.map(move |version| (group.to_owned(), text(version, "/name").to_owned()))
}

fn put(
    store: &mut Store,
    random: &mut Random,
    (group, version): (&str, &str),
    priority: Priority,
    automanaged: &str,
    now: Timestamp,
) {
    let mut service = json!({
        "apiVersion": API_VERSION, "kind": "APIService",
        "metadata": {"name": format!("{version}.{group}"), "labels": {AUTOMANAGED: automanaged}},
        "spec": {"version": version, "groupPriorityMinimum": priority.group, "versionPriority": priority.version},
    });
    if !group.is_empty() {
        service["spec"]["group"] = group.into();
    }
    let writer = Writer {
        manager: "kube-apiserver",
        api_version: API_VERSION,
        kind: "APIService",
        subresource: "",
        now,
        reset_fields: &[],
        is_custom: false,
        versions: None,
    };
    let schema = builtins::schema(API_SERVICES.group(), "v1", "APIService");
    apply::track_update(&schema, None, &mut service, &writer);
    object::set_metadata(&mut service, "uid", random.uid());
    object::set_metadata(&mut service, "creationTimestamp", object::time(now));
    service["status"] = json!({"conditions": [{
        "type": "Available", "status": "True", "lastTransitionTime": object::time(now), "reason": "Local",
        "message": "Local APIServices are always available",
    }]});
    store.put(&API_SERVICES, service, now);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Access, Authorization};

    fn names(server: &ApiServer) -> Vec<String> {
        server.store.list(&API_SERVICES, None).map(|stored| object::name(&stored.object).to_owned()).collect()
    }

    #[test]
    fn api_services_come_and_go_with_definitions() {
        let now = Timestamp::UNIX_EPOCH;
        let access = Access { authorization: Authorization::Rbac, ..Access::default() };
        let mut server = crate::system_objects::bootstrap::api_server(1, now, access, None);
        let before = names(&server);
        assert!(
            before.contains(&"v1.".to_owned()) && before.contains(&"v2.autoscaling".to_owned()),
            "{before:?}"
        );
        assert!(!before.contains(&"v1.apiregistration.k8s.io".to_owned()));
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "gizmos.example.com"},
            "spec": {
                "group": "example.com", "scope": "Cluster",
                "names": {"plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GizmoList"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}],
            },
        });
        server.store.put(&CRDS, definition, now);
        server.publish(now);
        let with = names(&server);
        assert_eq!((with.len(), with.contains(&"v1.example.com".to_owned())), (before.len() + 1, true));
        server.store.remove(&API_SERVICES, "", "v1.example.com", now);
        server.publish(now);
        assert_eq!(names(&server), with);
        server.store.remove(&CRDS, "", "gizmos.example.com", now);
        server.publish(now);
        assert_eq!(names(&server), before);
    }
}
