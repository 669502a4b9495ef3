//! What every cluster has from its start: namespaces, the range that Services have their addresses
//! from, priorities, how requests queue (pkg/controlplane in the Kubernetes repository).

use super::api_services;
use crate::access::{Access, rbac};
use crate::api_server::ApiServer;
use crate::apply::{self, Writer};
use crate::builtins;
use crate::object;
use crate::random::Random;
use crate::resources::NAMESPACES;
use crate::store::{ResourceId, Snapshot, Store};
use jiff::Timestamp;
use serde_json::{Value, json};

const CONFIG_MAPS: ResourceId = ResourceId::known("", "configmaps");
const SERVICE_CIDRS: ResourceId = ResourceId::known("networking.k8s.io", "servicecidrs");

/// An API server that begins with what `restore` holds, or with what every new cluster has: namespaces, and with RBAC
/// everything else that a real one begins with.
pub(crate) fn api_server(
    seed: u64,
    start: Timestamp,
    mut access: Access,
    restore: Option<Snapshot>,
) -> ApiServer {
    let client_authority = access.client_authority.take();
    let mut server = ApiServer::new(seed, access);
    let ApiServer { store, random, access, .. } = &mut server;
    if let Some(snapshot) = restore {
        store.restore(snapshot, start);
        return server;
    }
    namespaces(store, random, start);
    if access.index().is_some() {
        load(store, random, start);
        config_maps(store, random, client_authority.as_deref(), start);
        rbac::bootstrap::load(store, random, start);
        api_services::load(store, random, start);
    }
    server
}

/// Stores the namespaces that every cluster has.
fn namespaces(store: &mut Store, random: &mut Random, now: Timestamp) {
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {
                "name": name, "uid": random.uid(), "creationTimestamp": object::time(now),
                "labels": {"kubernetes.io/metadata.name": name},
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        store.put(&NAMESPACES, namespace, now);
    }
}

/// Stores what else a real cluster begins with.
pub(crate) fn load(store: &mut Store, random: &mut Random, now: Timestamp) {
    for line in include_str!("../../data/bootstrap.jsonl").lines() {
        let Ok(mut object) = serde_json::from_str::<Value>(line) else { continue };
        let conditions = object.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
        for condition in conditions.into_iter().flatten() {
            condition["lastTransitionTime"] = object::time(now).into();
        }
        let group = object::api_version(&object).split_once('/').map_or("", |(group, _)| group).to_owned();
        let kind = object::kind(&object).to_lowercase();
        let plural = if kind.ends_with('s') { format!("{kind}es") } else { format!("{kind}s") };
        put(store, random, &ResourceId::new(group, plural), object, now);
    }
    put(store, random, &SERVICE_CIDRS, service_cidr(now), now);
}

/// Stores what a server tells others about itself: by whose certificates it knows clients, and since when it notes the use
/// of token Secrets (pkg/controlplane/controller/clusterauthenticationtrust, .../legacytokentracking).
fn config_maps(store: &mut Store, random: &mut Random, client_authority: Option<&str>, now: Timestamp) {
    let authentication = client_authority
        .map(|authority| config_map("extension-apiserver-authentication", "client-ca-file", authority));
    let since = now.strftime("%Y-%m-%d").to_string();
    let tracking = config_map("kube-apiserver-legacy-service-account-token-tracking", "since", &since);
    for config_map in authentication.into_iter().chain([tracking]) {
        put(store, random, &CONFIG_MAPS, config_map, now);
    }
}

fn config_map(name: &str, key: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "kube-system"},
        "data": {key: value},
    })
}

/// An object that a real cluster begins with.
pub(crate) fn object(kind: &str, name: &str) -> Option<Value> {
    let lines = include_str!("../../data/bootstrap.jsonl").lines();
    let mut objects = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    objects.find(|object| object::kind(object) == kind && object::name(object) == name)
}

/// Stores an object of the server's own.
pub(crate) fn put(
    store: &mut Store,
    random: &mut Random,
    resource: &ResourceId,
    mut object: Value,
    now: Timestamp,
) {
    let (api_version, kind) = (object::api_version(&object).to_owned(), object::kind(&object).to_owned());
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let writer = Writer {
        manager: "kube-apiserver",
        api_version: &api_version,
        kind: &kind,
        subresource: "",
        now,
        reset_fields: &[&["status"]],
        is_custom: false,
        versions: None,
    };
    apply::track_update(&builtins::schema(group, version, &kind), None, &mut object, &writer);
    object::set_metadata(&mut object, "uid", random.uid());
    object::set_metadata(&mut object, "creationTimestamp", object::time(now));
    store.put(resource, object, now);
}

fn service_cidr(now: Timestamp) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
        "metadata": {"name": "kubernetes", "finalizers": ["networking.k8s.io/service-cidr-finalizer"]},
        "spec": {"cidrs": ["10.96.0.0/12"]},
        "status": {"conditions": [{
            "type": "Ready", "status": "True", "reason": "", "message": "Kubernetes Service CIDR is ready",
            "lastTransitionTime": object::time(now),
        }]},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtins::Reader;

    #[test]
    fn every_object_is_as_it_would_be_stored() {
        let mut store = Store::default();
        load(&mut store, &mut Random::new(1), Timestamp::UNIX_EPOCH);
        config_maps(&mut store, &mut Random::new(2), Some("a certificate"), Timestamp::UNIX_EPOCH);
        let changes = store.take_fresh();
        assert!(changes.len() > 20);
        for change in &changes {
            let object = change.object();
            let api_version = object::api_version(object);
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            let definition = builtins::definition_of(group, version, object::kind(object));
            let mut read = (**object).clone();
            let unknown = builtins::read(Reader::Json, definition.expect("a built-in kind"), &mut read);
            read["apiVersion"] = object["apiVersion"].clone();
            read["kind"] = object["kind"].clone();
            assert_eq!((unknown, &read), (Ok(Vec::new()), &**object));
        }
    }
}
