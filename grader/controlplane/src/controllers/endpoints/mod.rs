//! Where the pods of a Service are: Endpoints (pkg/controller/endpoint) and EndpointSlices
//! (pkg/controller/endpointslice, k8s.io/endpointslice).

mod addresses;
mod mirroring;
mod services;
mod slices;
mod trigger_times;

pub use mirroring::EndpointSliceMirroring;
pub use slices::EndpointSlices;

use super::known::{ENDPOINTS, SERVICES};
use super::owners::{self, Key};
use super::pod_control::is_namespace_terminating;
use super::recorder::{EventType, Recorder};
use super::{Api, Controller, fields, pods, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use services::DueServices;
use std::sync::Arc;

/// Endpoints hold no more addresses than this; there are EndpointSlices for the rest.
const MOST_ADDRESSES: usize = 1000;
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";
const HEADLESS: &str = "service.kubernetes.io/headless";

/// Keeps the Endpoints of every Service that selects pods.
#[derive(Debug)]
pub struct EndpointsOfServices {
    services: DueServices,
    recorder: Recorder,
}

impl EndpointsOfServices {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { services: DueServices::new(reaction), recorder: Recorder::new("endpoint-controller") }
    }

    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<(), ApiError> {
        let Some(service) = api.get(&SERVICES, Some(&key.0), &key.1) else {
            self.services.triggers.forget(key);
            return api.delete(&ENDPOINTS, Some(&key.0), &key.1, &Value::Null).map(drop);
        };
        let Some(selected) = self.services.selecting.pods(api, key) else { return Ok(()) };
        let trigger = self.services.triggers.latest(key, &service, &selected);
        let current = api.get(&ENDPOINTS, Some(&key.0), &key.1);
        let new = endpoints(&service, subsets(&service, &selected), current.as_deref(), trigger);
        let same = |current: &Arc<Value>| {
            current["subsets"] == new["subsets"] && current["metadata"]["labels"] == new["metadata"]["labels"]
        };
        if current.as_ref().is_some_and(same) {
            return Ok(());
        }
        let written = match current {
            None => api.create(&ENDPOINTS, Some(&key.0), new.clone()),
            Some(_) => api.update(&ENDPOINTS, new.clone()),
        };
        match written {
            Err(error) if is_namespace_terminating(&error) => Ok(()),
            Err(error) => {
                let message = format!("Failed to update endpoint {}/{}: {error}", key.0, key.1);
                let reason = "FailedToUpdateEndpoint";
                self.recorder.record(api, &new, EventType::Warning, reason, &message);
                Err(error)
            }
            Ok(_) => Ok(()),
        }
    }
}

impl Controller for EndpointsOfServices {
    fn name(&self) -> &'static str {
        "endpoints-controller"
    }

    fn observe(&mut self, change: &Change) {
        self.services.observe(change);
        if change.resource == ENDPOINTS {
            self.services.observe_published(owners::key(change.object()), change.at);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(key) = self.services.queue.pop(now) {
            let visit = unless_gone(self.sync(api, &key));
            self.services.queue.finish(key, visit.map(|_| None), now);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.services.queue.next_wake()
    }
}

/// What Endpoints of a Service have to be.
fn endpoints(
    service: &Value,
    mut subsets: Vec<Value>,
    current: Option<&Value>,
    trigger: Option<Timestamp>,
) -> Value {
    let name = object::name(service);
    let mut new = current.cloned().unwrap_or_else(|| {
        json!({"apiVersion": "v1", "kind": "Endpoints",
            "metadata": {"name": name, "namespace": object::namespace(service)}})
    });
    let mut annotations = fields::map(&new, "/metadata/annotations").cloned().unwrap_or_default();
    trigger_times::annotate(&mut annotations, trigger);
    annotations.remove(OVER_CAPACITY);
    if truncate(&mut subsets) {
        annotations.insert(OVER_CAPACITY.into(), "truncated".into());
    }
    let mut labels = fields::map(service, "/metadata/labels").cloned().unwrap_or_default();
    labels.remove(HEADLESS);
    if is_headless(service) {
        labels.insert(HEADLESS.into(), "".into());
    }
    labels.insert("endpoints.kubernetes.io/managed-by".into(), "endpoint-controller".into());
    label_and_annotate(&mut new, labels, annotations);
    if let Some(new) = new.as_object_mut() {
        if subsets.is_empty() {
            new.remove("subsets");
        } else {
            new.insert("subsets".into(), subsets.into());
        }
    }
    new
}

/// Gives an object these labels and annotations and no others.
fn label_and_annotate(object: &mut Value, labels: Map<String, Value>, annotations: Map<String, Value>) {
    let metadata = object::metadata_mut(object);
    metadata.insert("labels".into(), labels.into());
    if annotations.is_empty() {
        metadata.remove("annotations");
    } else {
        metadata.insert("annotations".into(), annotations.into());
    }
}

/// A Service without an address of its own.
fn is_headless(service: &Value) -> bool {
    matches!(fields::text(service, "/spec/clusterIP"), "" | "None")
}

/// Groups of pods that serve the same ports.
fn subsets(service: &Value, selected: &[Arc<Value>]) -> Vec<Value> {
    let publish_all = fields::flag(service, "/spec/publishNotReadyAddresses");
    let mut groups: Vec<(Vec<Value>, Vec<Value>, Vec<Value>)> = Vec::new();
    for pod in selected {
        if !addresses::has_endpoint(pod) || (object::is_deleting(pod) && !publish_all) {
            continue;
        }
        let Some(address) = addresses::of_family(pod, addresses::first_family(service)) else { continue };
        let ports = addresses::ports(service, pod, false);
        if ports.is_empty() && !(is_headless(service) && fields::items(service, "/spec/ports").is_empty()) {
            continue;
        }
        let mut entry = json!({"ip": address, "targetRef": addresses::target(pod)});
        if !fields::text(pod, "/spec/nodeName").is_empty() {
            entry["nodeName"] = pod["spec"]["nodeName"].clone();
        }
        if let Some(hostname) = addresses::hostname(service, pod) {
            entry["hostname"] = hostname.into();
        }
        let index = groups.iter().position(|(known, ..)| *known == ports).unwrap_or_else(|| {
            groups.push((ports, Vec::new(), Vec::new()));
            groups.len() - 1
        });
        let (_, ready, not_ready) = &mut groups[index];
        if publish_all || pods::is_ready(pod) { ready } else { not_ready }.push(entry);
    }
    let order = |address: &Value| {
        let text = |pointer: &str| fields::text(address, pointer).to_owned();
        (text("/ip"), text("/targetRef/uid"))
    };
    let subset = |(ports, mut ready, mut not_ready): (Vec<Value>, Vec<Value>, Vec<Value>)| {
        ready.sort_by_key(order);
        not_ready.sort_by_key(order);
        let lists = [("addresses", ready), ("notReadyAddresses", not_ready), ("ports", ports)];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        Value::from(lists.map(|(key, list)| (key.to_owned(), list.into())).collect::<Map<String, Value>>())
    };
    groups.into_iter().map(subset).collect()
}

/// Leaves out addresses over the limit, those of pods that are not ready first.
fn truncate(subsets: &mut [Value]) -> bool {
    let mut room = MOST_ADDRESSES;
    let mut truncated = false;
    for key in ["addresses", "notReadyAddresses"] {
        for subset in subsets.iter_mut() {
            let Some(list) = subset[key].as_array_mut() else { continue };
            truncated |= list.len() > room;
            list.truncate(room);
            room -= list.len();
        }
    }
    for subset in subsets.iter_mut().filter_map(Value::as_object_mut) {
        subset.retain(|_, list| !list.is_null() && list.as_array().is_none_or(|list| !list.is_empty()));
    }
    truncated
}
