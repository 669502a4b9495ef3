//! How much of what an object uses (pkg/quota/v1/evaluator/core).

use super::devices;
use crate::builtins::amounts;
pub(super) use crate::builtins::amounts::{Amounts, add, amounts, to_value};
use crate::builtins::quantity::Quantity;
use crate::controllers::known::{PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_CLAIMS, SERVICES};
use crate::controllers::{fields, pods};
use crate::store::ResourceId;
use serde_json::Value;

/// Resources with a name for their number from before there was `count/`.
const ALIASES: [&str; 7] = [
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
];

/// What stands between the name of a storage class and that of an amount.
const BY_CLASS: &str = ".storageclass.storage.k8s.io/";

/// What one object uses.
pub(super) fn of(resource: &ResourceId, object: &Value) -> Amounts {
    let mut used = Amounts::from([(format!("count/{resource}"), Quantity::count(1))]);
    let counts = *resource != PODS || !pods::is_finished(object);
    if resource.group().is_empty() && ALIASES.contains(&resource.resource()) && counts {
        used.insert(resource.resource().to_owned(), Quantity::count(1));
    }
    if *resource == PODS && counts {
        add(&mut used, &of_pod(object));
    } else if *resource == SERVICES {
        add(&mut used, &of_service(object));
    } else if *resource == PERSISTENT_VOLUME_CLAIMS {
        used.extend(of_claim(object));
    } else if *resource == RESOURCE_CLAIMS {
        used.extend(devices::of(object));
    }
    used
}

/// The resource whose objects use an amount of that name.
pub(super) fn resource_of(name: &str) -> ResourceId {
    if let Some(counted) = name.strip_prefix("count/") {
        let (resource, group) = counted.split_once('.').unwrap_or((counted, ""));
        return ResourceId::new(group.to_owned(), resource.to_owned());
    }
    match name {
        "services.nodeports" | "services.loadbalancers" => SERVICES,
        "requests.storage" => PERSISTENT_VOLUME_CLAIMS,
        name if name.contains(BY_CLASS) => PERSISTENT_VOLUME_CLAIMS,
        name if name.ends_with(devices::BY_CLASS) => RESOURCE_CLAIMS,
        name if ALIASES.contains(&name) => ResourceId::new("", name.to_owned()),
        _ => PODS,
    }
}

fn of_pod(pod: &Value) -> Amounts {
    let overhead = amounts(&pod["spec"]["overhead"]);
    let sum = |kind: &str| {
        let mut sum = amounts::of_pod(pod, kind);
        add(&mut sum, &overhead);
        sum
    };
    named(&sum("requests"), &sum("limits"))
}

/// Requests and limits of one container, by the names that quotas use.
pub(super) fn of_container(container: &Value) -> Amounts {
    let resources = &container["resources"];
    named(&amounts(&resources["requests"]), &amounts(&resources["limits"]))
}

fn named(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut used = Amounts::new();
    for name in ["cpu", "memory", "ephemeral-storage"] {
        if let Some(amount) = requests.get(name) {
            used.insert(name.to_owned(), amount.clone());
            used.insert(format!("requests.{name}"), amount.clone());
        }
        if let Some(amount) = limits.get(name) {
            used.insert(format!("limits.{name}"), amount.clone());
        }
    }
    let extended = requests.iter().filter(|(name, _)| name.contains('/') || name.starts_with("hugepages-"));
    used.extend(extended.map(|(name, amount)| (format!("requests.{name}"), amount.clone())));
    used
}

/// What a claim uses of all storage and of that of its class.
fn of_claim(claim: &Value) -> Amounts {
    let wanted = amounts(&claim["spec"]["resources"]["requests"]).remove("storage");
    let allocated = amounts(&claim["status"]["allocatedResources"]).remove("storage");
    let storage = wanted.map(|wanted| allocated.filter(|allocated| *allocated > wanted).unwrap_or(wanted));
    let annotated = claim["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"].as_str();
    let class = annotated.unwrap_or_else(|| fields::text(claim, "/spec/storageClassName"));
    let mut used = Amounts::new();
    if !class.is_empty() {
        used.insert(format!("{class}{BY_CLASS}persistentvolumeclaims"), Quantity::count(1));
    }
    if let Some(storage) = storage {
        if !class.is_empty() {
            used.insert(format!("{class}{BY_CLASS}requests.storage"), storage.clone());
        }
        used.insert("requests.storage".to_owned(), storage);
    }
    used
}

fn of_service(service: &Value) -> Amounts {
    let ports = fields::items(service, "/spec/ports");
    let given = ports.iter().filter(|port| port["nodePort"].as_i64().is_some_and(|port| port != 0)).count();
    let none_allocated = service["spec"]["allocateLoadBalancerNodePorts"] == false;
    let (balancers, node_ports) = match fields::text(service, "/spec/type") {
        "NodePort" => (0, ports.len()),
        "LoadBalancer" => (1, if none_allocated { given } else { ports.len() }),
        _ => (0, 0),
    };
    Amounts::from([
        ("services.loadbalancers".to_owned(), Quantity::count(balancers)),
        ("services.nodeports".to_owned(), Quantity::count(node_ports)),
    ])
}
