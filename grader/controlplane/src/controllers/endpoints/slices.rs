//! EndpointSlices of Services that select pods (k8s.io/endpointslice/reconciler.go).

use super::services::DueServices;
use super::trigger_times;
use super::{HEADLESS, addresses, is_headless, label_and_annotate};
use crate::builtins::names;
use crate::controllers::known::{ENDPOINT_SLICES, NODES, SERVICES};
use crate::controllers::owners::{Key, OwnerKind};
use crate::controllers::pod_control::is_namespace_terminating;
use crate::controllers::recorder::{EventType, Recorder};
use crate::controllers::{Api, Controller, fields, pods, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const KIND: OwnerKind = OwnerKind { api_version: "v1", kind: "Service" };
pub(super) const SERVICE_NAME: &str = "kubernetes.io/service-name";
pub(super) const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";
/// Endpoints in one slice.
pub(super) const MOST_ENDPOINTS: usize = 100;

/// Keeps the EndpointSlices of every Service that selects pods.
#[derive(Debug)]
pub struct EndpointSlices {
    services: DueServices,
    recorder: Recorder,
}

impl EndpointSlices {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { services: DueServices::new(reaction), recorder: Recorder::new("endpoint-slice-controller") }
    }

    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<(), ApiError> {
        let Some(service) = api.get(&SERVICES, Some(&key.0), &key.1) else {
            self.services.triggers.forget(key);
            return Ok(());
        };
        let Some(selected) = self.services.selecting.pods(api, key) else { return Ok(()) };
        let trigger = self.services.triggers.latest(key, &service, &selected);
        let mut slices = managed(api, key, MANAGER);
        let families = addresses::families(&service);
        for slice in slices.extract_if(.., |slice| !families.contains(&fields::text(slice, "/addressType"))) {
            delete(api, &slice)?;
        }
        let mut lost = Vec::new();
        for family in families {
            let (of_family, others) =
                slices.into_iter().partition(|slice| fields::text(slice, "/addressType") == family);
            slices = others;
            let groups = groups(api, &service, &selected, family, &mut lost);
            reconcile(api, &service, family, of_family, groups, trigger)?;
        }
        match lost.first() {
            None => Ok(()),
            // Endpoints of a node that nobody knows (yet) are left out, and tried again.
            Some(_) => Err(ApiError::unexpected(lost.join("; "))),
        }
    }
}

impl Controller for EndpointSlices {
    fn name(&self) -> &'static str {
        "endpointslice-controller"
    }

    fn observe(&mut self, change: &Change) {
        self.services.observe(change);
        let object = change.object();
        if change.resource == ENDPOINT_SLICES && fields::label(object, MANAGED_BY) == MANAGER {
            let service = fields::label(object, SERVICE_NAME).to_owned();
            self.services.observe_published((object::namespace(object).to_owned(), service), change.at);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(key) = self.services.queue.pop(now) {
            match self.sync(api, &key) {
                Err(error) if !error.is_not_found() => {
                    if let Some(service) = api.get(&SERVICES, Some(&key.0), &key.1) {
                        let (namespace, name) = &key;
                        let message =
                            format!("Error updating Endpoint Slices for Service {namespace}/{name}: {error}");
                        let reason = "FailedToUpdateEndpointSlices";
                        self.recorder.record(api, &service, EventType::Warning, reason, &message);
                    }
                    self.services.queue.retry(key, now);
                }
                _ => self.services.queue.forget(&key),
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.services.queue.next_wake()
    }
}

/// Endpoints that serve the same ports.
pub(super) struct Group {
    pub(super) ports: Vec<Value>,
    pub(super) endpoints: Vec<Value>,
}

/// The slices of a Service that `manager` keeps.
pub(super) fn managed(api: &Api<'_>, service: &Key, manager: &str) -> Vec<Arc<Value>> {
    let ours = |slice: &Arc<Value>| {
        fields::label(slice, SERVICE_NAME) == service.1
            && fields::label(slice, MANAGED_BY) == manager
            && !object::is_deleting(slice)
    };
    api.list(&ENDPOINT_SLICES, Some(&service.0)).into_iter().filter(ours).collect()
}

pub(super) fn delete(api: &mut Api<'_>, slice: &Value) -> Result<(), ApiError> {
    let namespace = object::namespace(slice);
    unless_gone(api.delete(&ENDPOINT_SLICES, Some(namespace), object::name(slice), &Value::Null)).map(drop)
}

fn groups(
    api: &Api<'_>,
    service: &Value,
    selected: &[Arc<Value>],
    family: &str,
    lost: &mut Vec<String>,
) -> Vec<Group> {
    let publish_all = fields::flag(service, "/spec/publishNotReadyAddresses");
    let mut groups: Vec<Group> = Vec::new();
    for pod in selected.iter().filter(|pod| addresses::has_endpoint(pod)) {
        let node_name = fields::text(pod, "/spec/nodeName");
        let node = api.get(&NODES, None, node_name);
        if node.is_none() && !publish_all {
            lost.push(format!(
                "skipping Pod {} for Service {}/{}: Node {node_name} Not Found",
                object::name(pod),
                object::namespace(service),
                object::name(service)
            ));
            continue;
        }
        let Some(endpoint) = endpoint(service, pod, node.as_deref(), family, publish_all) else { continue };
        let ports = addresses::ports(service, pod, true);
        match groups.iter_mut().find(|group| group.ports == ports) {
            Some(group) => group.endpoints.push(endpoint),
            None => groups.push(Group { ports, endpoints: vec![endpoint] }),
        }
    }
    groups
}

fn endpoint(
    service: &Value,
    pod: &Value,
    node: Option<&Value>,
    family: &str,
    publish_all: bool,
) -> Option<Value> {
    let address = addresses::of_family(pod, family)?;
    let (serving, terminating) = (pods::is_ready(pod), object::is_deleting(pod));
    let ready = publish_all || (serving && !terminating);
    let mut endpoint = json!({
        "addresses": [address],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": addresses::target(pod),
    });
    let zone = node.map(|node| fields::label(node, "topology.kubernetes.io/zone")).unwrap_or_default();
    let hostname = addresses::hostname(service, pod).unwrap_or_default();
    for (key, text) in
        [("nodeName", fields::text(pod, "/spec/nodeName")), ("zone", zone), ("hostname", hostname)]
    {
        if !text.is_empty() {
            endpoint[key] = text.into();
        }
    }
    Some(endpoint)
}

/// Makes the slices of one address family say what `groups` say: endpoints stay in their slices, new ones fill up
/// slices that are there, and slices that are not needed any more are used for what needs a new one.
fn reconcile(
    api: &mut Api<'_>,
    service: &Value,
    family: &str,
    slices: Vec<Arc<Value>>,
    mut groups: Vec<Group>,
    trigger: Option<Timestamp>,
) -> Result<(), ApiError> {
    if groups.is_empty() {
        // A Service always has a slice, if only an empty one.
        groups.push(Group { ports: Vec::new(), endpoints: Vec::new() });
    }
    let owned = |slice: &Arc<Value>| {
        object::owner_references(slice).any(|owner| owner["uid"] == object::uid(service))
    };
    let (mut slices, foreign): (Vec<_>, Vec<_>) = slices.into_iter().partition(owned);
    let mut left = Vec::new();
    let mut kept: Vec<(Arc<Value>, Vec<Value>, Vec<Value>)> = Vec::new();
    for Group { ports, endpoints } in groups {
        let same_ports = |slice: &mut Arc<Value>| fields::items(slice, "/ports") == ports;
        let of_group: Vec<Arc<Value>> = slices.extract_if(.., same_ports).collect();
        let (placed, rest) = place(of_group, endpoints);
        kept.extend(placed.into_iter().map(|(slice, endpoints)| (slice, ports.clone(), endpoints)));
        left.extend(rest.into_iter().map(|endpoints| (ports.clone(), endpoints)));
    }
    let emptied = kept.extract_if(.., |(_, ports, endpoints)| endpoints.is_empty() && !ports.is_empty());
    slices.extend(emptied.map(|(slice, ..)| slice));
    if kept.is_empty() && left.is_empty() {
        left.push((Vec::new(), Vec::new()));
    }
    for (ports, endpoints) in left {
        match slices.pop() {
            Some(slice) => kept.push((slice, ports, endpoints)),
            None if object::is_deleting(service) => {}
            None => {
                let slice = desired(service, None, family, ports, endpoints, trigger);
                match api.create(&ENDPOINT_SLICES, Some(object::namespace(service)), slice) {
                    Err(error) if is_namespace_terminating(&error) => return Ok(()),
                    created => drop(created?),
                }
            }
        }
    }
    for (slice, ports, endpoints) in kept {
        let new = desired(service, Some(&slice), family, ports, endpoints, trigger);
        let same = ["endpoints", "ports"].iter().all(|key| slice[key] == new[key])
            && slice["metadata"]["labels"] == new["metadata"]["labels"];
        if !same {
            api.update(&ENDPOINT_SLICES, new)?;
        }
    }
    slices.iter().chain(&foreign).try_for_each(|slice| delete(api, slice))
}

/// Slices with the endpoints that each is to have.
type Placed = Vec<(Arc<Value>, Vec<Value>)>;

/// Endpoints by the slices they are in, and those that need new slices.
pub(super) fn place(slices: Vec<Arc<Value>>, mut endpoints: Vec<Value>) -> (Placed, Vec<Vec<Value>>) {
    let identity = |endpoint: &Value| (endpoint["addresses"].clone(), endpoint["targetRef"].clone());
    let mut placed: Placed = Vec::new();
    for slice in slices {
        let mut kept = Vec::new();
        for old in fields::items(&slice, "/endpoints") {
            if let Some(index) = endpoints.iter().position(|new| identity(new) == identity(old)) {
                kept.push(endpoints.remove(index));
            }
        }
        placed.push((slice, kept));
    }
    let mut rest = endpoints.into_iter().peekable();
    for (_, kept) in &mut placed {
        kept.extend(rest.by_ref().take(MOST_ENDPOINTS.saturating_sub(kept.len())));
    }
    let mut new = Vec::new();
    while rest.peek().is_some() {
        new.push(rest.by_ref().take(MOST_ENDPOINTS).collect());
    }
    (placed, new)
}

fn desired(
    service: &Value,
    current: Option<&Value>,
    family: &str,
    ports: Vec<Value>,
    endpoints: Vec<Value>,
    trigger: Option<Timestamp>,
) -> Value {
    let mut slice = current.cloned().unwrap_or_else(|| {
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
            "metadata": {
                "generateName": name_prefix(object::name(service)), "namespace": object::namespace(service),
                "ownerReferences": [KIND.reference(service)],
            },
        })
    });
    let mut labels = Map::new();
    let reserved = |key: &str| [HEADLESS, SERVICE_NAME, MANAGED_BY].contains(&key);
    for (key, value) in fields::map(service, "/metadata/labels").into_iter().flatten() {
        if !reserved(key) {
            labels.insert(key.clone(), value.clone());
        }
    }
    if is_headless(service) {
        labels.insert(HEADLESS.into(), "".into());
    }
    labels.insert(SERVICE_NAME.into(), object::name(service).into());
    labels.insert(MANAGED_BY.into(), MANAGER.into());
    let mut annotations = fields::map(&slice, "/metadata/annotations").cloned().unwrap_or_default();
    trigger_times::annotate(&mut annotations, trigger);
    label_and_annotate(&mut slice, labels, annotations);
    slice["endpoints"] = endpoints.into();
    slice["ports"] = if ports.is_empty() { Value::Null } else { ports.into() };
    slice
}

/// A dash makes the name of a slice prettier, if there is room for it.
pub(super) fn name_prefix(service: &str) -> String {
    let prefix = format!("{service}-");
    let fits = names::dns_subdomain(&format!("{service}-a")).is_empty();
    if fits { prefix } else { service.to_owned() }
}
