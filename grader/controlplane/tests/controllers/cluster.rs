//! A cluster whose time the test moves.

use controlplane::controllers::{ControllerSet, NodeControls, Settings, start};
use controlplane::store::ResourceId;
use controlplane::{ControlPlane, Options, Timestamp};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const CONFIG_MAPS: ResourceId = ResourceId::known("", "configmaps");
pub(crate) const EVENTS: ResourceId = ResourceId::known("", "events");
pub(crate) const NAMESPACES: ResourceId = ResourceId::known("", "namespaces");
pub(crate) const PODS: ResourceId = ResourceId::known("", "pods");
pub(crate) const CERTIFICATE_REQUESTS: ResourceId =
    ResourceId::known("certificates.k8s.io", "certificatesigningrequests");
pub(crate) const CLAIMS: ResourceId = ResourceId::known("", "persistentvolumeclaims");
pub(crate) const DEPLOYMENTS: ResourceId = ResourceId::known("apps", "deployments");
pub(crate) const JOBS: ResourceId = ResourceId::known("batch", "jobs");
pub(crate) const QUOTAS: ResourceId = ResourceId::known("", "resourcequotas");
pub(crate) const REPLICA_SETS: ResourceId = ResourceId::known("apps", "replicasets");
pub(crate) const REPLICATION_CONTROLLERS: ResourceId = ResourceId::known("", "replicationcontrollers");
pub(crate) const CRON_JOBS: ResourceId = ResourceId::known("batch", "cronjobs");
pub(crate) const DAEMON_SETS: ResourceId = ResourceId::known("apps", "daemonsets");
pub(crate) const BUDGETS: ResourceId = ResourceId::known("policy", "poddisruptionbudgets");
pub(crate) const NODES: ResourceId = ResourceId::known("", "nodes");
pub(crate) const SERVICES: ResourceId = ResourceId::known("", "services");
pub(crate) const ENDPOINTS: ResourceId = ResourceId::known("", "endpoints");
pub(crate) const ENDPOINT_SLICES: ResourceId = ResourceId::known("discovery.k8s.io", "endpointslices");
pub(crate) const ATTRIBUTES_CLASSES: ResourceId =
    ResourceId::known("storage.k8s.io", "volumeattributesclasses");
pub(crate) const STATEFUL_SETS: ResourceId = ResourceId::known("apps", "statefulsets");

const CLUSTER_SCOPED: [ResourceId; 4] = [NAMESPACES, NODES, ATTRIBUTES_CLASSES, CERTIFICATE_REQUESTS];

/// More wake-ups than any story needs: a controller that never rests is found, not waited for.
const ENDLESS: usize = 100_000;

pub(crate) struct Cluster {
    pub(crate) plane: ControlPlane,
    pub(crate) nodes: NodeControls,
    pub(crate) now: Timestamp,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        Self::with(&ControllerSet::all())
    }

    pub(crate) fn without_node() -> Self {
        Self::with(&ControllerSet::all().without("node-simulator"))
    }

    /// Without anybody who ends pods.
    pub(crate) fn without_collector() -> Self {
        let set = ControllerSet::all().without("node-simulator");
        Self::with(&set.without("pod-garbage-collector-controller"))
    }

    fn with(set: &ControllerSet) -> Self {
        let started = start(set, &Settings::default());
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let plane = ControlPlane::new(Options {
            seed: 1,
            start: now,
            controllers: started.controllers,
            ..Options::default()
        });
        let mut cluster = Self { plane, nodes: started.nodes, now };
        cluster.pass(seconds(10));
        cluster
    }

    /// Lets time pass, stopping wherever somebody wants to act.
    pub(crate) fn pass(&mut self, duration: SignedDuration) {
        let end = self.now + duration;
        for _ in 0..ENDLESS {
            match self.plane.next_wake().filter(|wake| *wake <= end) {
                Some(wake) => {
                    self.now = self.now.max(wake);
                    self.plane.advance(self.now);
                }
                None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("the controllers never rest");
    }

    pub(crate) fn create(&mut self, resource: &ResourceId, object: Value) -> Arc<Value> {
        let now = self.now;
        let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
        let created =
            self.plane.act_as("test", now, |api| api.create(resource, namespace.as_deref(), object));
        created.expect("the object is fine")
    }

    pub(crate) fn patch(&mut self, resource: &ResourceId, name: &str, patch: Value) {
        self.patch_through(resource, name, None, &patch);
    }

    pub(crate) fn patch_status(&mut self, resource: &ResourceId, name: &str, patch: Value) {
        self.patch_through(resource, name, Some("status"), &patch);
    }

    pub(crate) fn patch_through(
        &mut self,
        resource: &ResourceId,
        name: &str,
        subresource: Option<&str>,
        patch: &Value,
    ) {
        let now = self.now;
        let namespace = (!CLUSTER_SCOPED.contains(resource)).then_some("default");
        let patched = self
            .plane
            .act_as("test", now, |api| api.merge_patch(resource, namespace, name, subresource, patch));
        patched.expect("the patch is fine");
    }

    pub(crate) fn delete(&mut self, resource: &ResourceId, name: &str, options: Value) {
        let now = self.now;
        let namespace = (!CLUSTER_SCOPED.contains(resource)).then_some("default");
        let deleted = self.plane.act_as("test", now, |api| api.delete(resource, namespace, name, &options));
        deleted.expect("the object is there");
    }

    pub(crate) fn get(&mut self, resource: &ResourceId, name: &str) -> Option<Arc<Value>> {
        let now = self.now;
        let namespace = (!CLUSTER_SCOPED.contains(resource)).then_some("default");
        self.plane.act_as("test", now, |api| api.get(resource, namespace, name))
    }

    pub(crate) fn list(&mut self, resource: &ResourceId) -> Vec<Arc<Value>> {
        let now = self.now;
        self.plane.act_as("test", now, |api| api.list(resource, Some("default")))
    }

    pub(crate) fn names(&mut self, resource: &ResourceId) -> Vec<String> {
        let name = |object: &Arc<Value>| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.list(resource).iter().map(name).filter(|name| name != "kube-root-ca.crt").collect()
    }

    /// `name phase` of each pod, `!` for ready, `-` for terminating.
    pub(crate) fn pods(&mut self) -> String {
        let state = |pod: &Arc<Value>| {
            let ready = pod["status"]["conditions"].as_array().into_iter().flatten();
            let ready =
                ready.filter(|condition| condition["type"] == "Ready" && condition["status"] == "True");
            let ready = if ready.count() > 0 { "!" } else { "" };
            let deleting = if pod["metadata"]["deletionTimestamp"].is_null() { "" } else { "-" };
            let (name, phase) = (&pod["metadata"]["name"], &pod["status"]["phase"]);
            format!("{} {}{ready}{deleting}", name.as_str().unwrap_or("?"), phase.as_str().unwrap_or("?"))
        };
        self.list(&PODS).iter().map(state).collect::<Vec<_>>().join(", ")
    }

    /// `type reason message (count)` of each event about what is in the namespace, sorted.
    pub(crate) fn events(&mut self) -> String {
        self.events_about(|kind| kind != "Node")
    }

    pub(crate) fn events_about(&mut self, is_wanted: impl Fn(&str) -> bool) -> String {
        let all = self.list(&EVENTS);
        let wanted = all
            .iter()
            .filter(|event| is_wanted(event["involvedObject"]["kind"].as_str().unwrap_or_default()));
        let mut events: Vec<String> = wanted
            .map(|event| {
                let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
                format!("{} {}: {} ({})", text("type"), text("reason"), text("message"), event["count"])
            })
            .collect();
        events.sort();
        events.join("\n")
    }
}

pub(crate) fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

pub(crate) fn milliseconds(milliseconds: i64) -> SignedDuration {
    SignedDuration::from_millis(milliseconds)
}

/// A ConfigMap with these owners.
pub(crate) fn config_map(name: &str, owners: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "ownerReferences": owners},
    })
}

/// A reference to an owner.
pub(crate) fn owned_by(owner: &Value, blocking: bool) -> Value {
    json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "blockOwnerDeletion": blocking,
    })
}

/// A StatefulSet `db` with one container; `spec` is merged over it.
pub(crate) fn stateful_set(spec: Value) -> Value {
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "default"},
        "spec": {
            "replicas": 3, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{"name": "c", "image": "img:1"}]},
            },
        },
    });
    merge(&mut set["spec"], spec);
    set
}

/// A Deployment `web` with one container; `spec` is merged over it.
pub(crate) fn deployment(spec: Value) -> Value {
    let mut deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 3, "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "img:1"}]},
            },
        },
    });
    merge(&mut deployment["spec"], spec);
    deployment
}

/// A patch that gives a workload's container another image.
pub(crate) fn image(image: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}})
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            let parts: BTreeMap<String, Value> = from.into_iter().collect();
            for (key, value) in parts {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
