//! EndpointSlices for Endpoints that somebody writes by hand, for a Service without a selector
//! (pkg/controller/endpointslicemirroring).

use super::label_and_annotate;
use super::slices::{self, MANAGED_BY, SERVICE_NAME, managed};
use crate::controllers::known::{ENDPOINT_SLICES, ENDPOINTS, SERVICES};
use crate::controllers::owners::{self, Key, OwnerKind};
use crate::controllers::pod_control::is_namespace_terminating;
use crate::controllers::recorder::{EventType, Recorder};
use crate::controllers::work_queue::{WorkQueue, later};
use crate::controllers::{Api, Controller, fields, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::net::IpAddr;

const KIND: OwnerKind = OwnerKind { api_version: "v1", kind: "Endpoints" };
const MANAGER: &str = "endpointslicemirroring-controller.k8s.io";
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";
/// Somebody keeps a lock in these Endpoints, not addresses.
const LOCK: &str = "control-plane.alpha.kubernetes.io/leader";
/// Annotations that mean the Endpoints themselves.
const NOT_MIRRORED: [&str; 2] =
    ["endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration"];
/// Addresses of one subset.
const MOST_ADDRESSES: usize = 1000;

/// Mirrors Endpoints of Services without a selector.
#[derive(Debug)]
pub struct EndpointSliceMirroring {
    reaction: SignedDuration,
    queue: WorkQueue<Key>,
    recorder: Recorder,
}

impl EndpointSliceMirroring {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        let recorder = Recorder::new("endpoint-slice-mirroring-controller");
        Self { reaction, queue: WorkQueue::default(), recorder }
    }

    fn sync(&mut self, api: &mut Api<'_>, key: &Key) -> Result<(), ApiError> {
        let mut slices = managed(api, key, MANAGER);
        let service = api.get(&SERVICES, Some(&key.0), &key.1);
        let wanted = service.is_some_and(|service| service["spec"]["selector"].is_null());
        let endpoints = api.get(&ENDPOINTS, Some(&key.0), &key.1).filter(|_| wanted);
        let Some(endpoints) = endpoints.filter(|endpoints| is_mirrored(endpoints)) else {
            return slices.iter().try_for_each(|slice| slices::delete(api, slice));
        };
        let mut invalid = 0;
        let mut wanted = Vec::new();
        for subset in fields::items(&endpoints, "/subsets") {
            mirror(subset, &mut wanted, &mut invalid);
        }
        if invalid > 0 {
            let message = format!("Skipped {invalid} invalid IP addresses when mirroring to EndpointSlices");
            let reason = "InvalidIPAddress";
            self.recorder.record(api, &endpoints, EventType::Warning, reason, &message);
        }
        for Mirrored { family, ports, endpoints: addresses } in wanted {
            let fits = |slice: &Value, family: &str, ports: &[Value]| {
                slice["addressType"] == family && fields::items(slice, "/ports") == ports
            };
            let same = slices.iter().position(|slice| fits(slice, family, &ports));
            // A slice that is not needed any more says something else from now on; its family never changes.
            let other = || slices.iter().position(|slice| slice["addressType"] == family);
            let current = same.or_else(other).map(|index| slices.remove(index));
            let new = desired(&endpoints, current.as_deref(), family, ports, addresses);
            let written = match &current {
                None => api.create(&ENDPOINT_SLICES, Some(&key.0), new),
                Some(current) if **current == new => continue,
                Some(_) => api.update(&ENDPOINT_SLICES, new),
            };
            match written {
                Err(error) if is_namespace_terminating(&error) => return Ok(()),
                written => drop(written?),
            }
        }
        slices.iter().try_for_each(|slice| slices::delete(api, slice))
    }
}

impl Controller for EndpointSliceMirroring {
    fn name(&self) -> &'static str {
        "endpointslice-mirroring-controller"
    }

    fn observe(&mut self, change: &Change) {
        let due = later(change.at, self.reaction);
        let object = change.object();
        if change.resource == ENDPOINTS {
            // Most Endpoints are kept by a controller for a Service with a selector.
            let by_controller = !fields::label(object, "endpoints.kubernetes.io/managed-by").is_empty();
            if !by_controller || change.new.is_none() {
                self.queue.add(owners::key(object), due);
            }
        } else if change.resource == SERVICES {
            let selector = |service: &Value| service["spec"]["selector"].clone();
            let before = change.old.as_deref().map(selector);
            if before != change.new.as_deref().map(selector) {
                self.queue.add(owners::key(object), due);
            }
        } else if change.resource == ENDPOINT_SLICES && fields::label(object, MANAGED_BY) == MANAGER {
            let service = fields::label(object, SERVICE_NAME).to_owned();
            self.queue.add((object::namespace(object).to_owned(), service), due);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(key) = self.queue.pop(now) {
            let visit = unless_gone(self.sync(api, &key));
            self.queue.finish(key, visit.map(|_| None), now);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

fn is_mirrored(endpoints: &Value) -> bool {
    fields::label(endpoints, SKIP) != "true" && fields::annotation(endpoints, LOCK).is_empty()
}

/// One slice to be.
struct Mirrored {
    family: &'static str,
    ports: Vec<Value>,
    endpoints: Vec<Value>,
}

/// Adds what a subset says; subsets with the same ports become one slice.
fn mirror(subset: &Value, wanted: &mut Vec<Mirrored>, invalid: &mut usize) {
    let ports = fields::items(subset, "/ports").iter().map(|port| {
        let mut port = port.clone();
        port["name"] = fields::text(&port, "/name").into();
        port
    });
    let ports: Vec<Value> = ports.collect();
    let ready = fields::items(subset, "/addresses").iter().map(|address| (address, true));
    let not_ready = fields::items(subset, "/notReadyAddresses").iter().map(|address| (address, false));
    for (address, is_ready) in ready.chain(not_ready).take(MOST_ADDRESSES) {
        let Ok(ip) = fields::text(address, "/ip").parse::<IpAddr>() else {
            *invalid += 1;
            continue;
        };
        let mut endpoint = json!({"addresses": [ip.to_string()], "conditions": {"ready": is_ready}});
        for key in ["targetRef", "nodeName", "hostname"] {
            if !address[key].is_null() {
                endpoint[key] = address[key].clone();
            }
        }
        let family = if ip.is_ipv6() { "IPv6" } else { "IPv4" };
        let known = wanted.iter_mut().find(|slice| slice.family == family && slice.ports == ports);
        match known {
            Some(slice) => slice.endpoints.push(endpoint),
            None => wanted.push(Mirrored { family, ports: ports.clone(), endpoints: vec![endpoint] }),
        }
    }
}

fn desired(
    endpoints: &Value,
    current: Option<&Value>,
    family: &str,
    ports: Vec<Value>,
    addresses: Vec<Value>,
) -> Value {
    let name = object::name(endpoints);
    let mut slice = current.cloned().unwrap_or_else(|| {
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
            "metadata": {
                "generateName": slices::name_prefix(name), "namespace": object::namespace(endpoints),
                "ownerReferences": [KIND.reference(endpoints)],
            },
        })
    });
    let mut labels = fields::map(endpoints, "/metadata/labels").cloned().unwrap_or_default();
    labels.insert(SERVICE_NAME.into(), name.into());
    labels.insert(MANAGED_BY.into(), MANAGER.into());
    let annotations = fields::map(endpoints, "/metadata/annotations").into_iter().flatten();
    let annotations = annotations.filter(|(key, _)| !NOT_MIRRORED.contains(&key.as_str()));
    let annotations: Map<String, Value> =
        annotations.map(|(key, value)| (key.clone(), value.clone())).collect();
    label_and_annotate(&mut slice, labels, annotations);
    slice["ports"] = if ports.is_empty() { Value::Null } else { ports.into() };
    slice["endpoints"] = addresses.into();
    slice
}
