//! IPAddresses: which Service has which address, as objects (pkg/registry/core/service/ipallocator).
//!
//! They follow the Services. An address that somebody else holds by an IPAddress of his own is not given away.

use crate::random::Random;
use crate::store::{Change, ResourceId, Store};
use crate::system_objects::bootstrap;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(crate) const IP_ADDRESSES: ResourceId = ResourceId::known("networking.k8s.io", "ipaddresses");
const SERVICES: ResourceId = ResourceId::known("", "services");

/// Makes and removes the IPAddresses of a changed Service.
pub(crate) fn follow(store: &mut Store, random: &mut Random, change: &Change, now: Timestamp) {
    if change.resource != SERVICES {
        return;
    }
    let addresses = |service: Option<&Value>| -> BTreeSet<String> {
        let addresses = service.and_then(|service| service.pointer("/spec/clusterIPs")?.as_array());
        let addresses = addresses.into_iter().flatten().filter_map(Value::as_str);
        addresses.filter(|address| *address != "None").map(str::to_owned).collect()
    };
    let before = addresses(change.old.as_deref());
    let after = addresses(change.new.as_deref());
    for address in before.difference(&after) {
        store.remove(&IP_ADDRESSES, "", address, now);
    }
    for address in after.difference(&before) {
        if store.get(&IP_ADDRESSES, "", address).is_some() {
            continue;
        }
        let family = if address.contains(':') { "IPv6" } else { "IPv4" };
        let metadata = &change.object()["metadata"];
        let object = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress",
            "metadata": {"name": address, "labels": {
                "ipaddress.kubernetes.io/ip-family": family,
                "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
            }},
            "spec": {"parentRef": {
                "resource": "services", "namespace": metadata["namespace"], "name": metadata["name"],
            }},
        });
        bootstrap::put(store, random, &IP_ADDRESSES, object, now);
    }
}
