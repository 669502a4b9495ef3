//! How much of what an object uses (pkg/quota/v1/evaluator/core).

use crate::builtins::quantity::Quantity;
use crate::controllers::known::{PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES};
use crate::controllers::{fields, pods};
use crate::store::ResourceId;
use serde_json::Value;
use std::collections::BTreeMap;

/// Amounts by the names that quotas use.
pub(super) type Amounts = BTreeMap<String, Quantity>;

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

/// Amounts in a quota or a container; what is no amount is left out.
pub(super) fn amounts(list: &Value) -> Amounts {
    let parse = |(name, amount): (&String, &Value)| {
        let amount = match amount {
            Value::String(text) => Quantity::parse(text).ok()?,
            Value::Number(number) => Quantity::parse(&number.to_string()).ok()?,
            _ => return None,
        };
        Some((name.clone(), amount))
    };
    list.as_object().into_iter().flatten().filter_map(parse).collect()
}

/// The same as JSON.
pub(super) fn to_value(amounts: &Amounts) -> Value {
    amounts.iter().map(|(name, amount)| (name.clone(), Value::from(amount.to_string()))).collect()
}

pub(super) fn add(to: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        match to.get_mut(name) {
            Some(sum) => *sum = sum.plus(amount),
            None => {
                to.insert(name.clone(), amount.clone());
            }
        }
    }
}

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
        let storage = amounts(&object["spec"]["resources"]["requests"]);
        used.extend(storage.get("storage").map(|storage| ("requests.storage".to_owned(), storage.clone())));
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
        name if ALIASES.contains(&name) => ResourceId::new("", name.to_owned()),
        _ => PODS,
    }
}

/// Requests and limits of the containers that run together, or of one that runs before them when that is more.
fn of_pod(pod: &Value) -> Amounts {
    let sum = |kind: &str| {
        let mut sum = Amounts::new();
        for container in fields::items(pod, "/spec/containers") {
            add(&mut sum, &amounts(&container["resources"][kind]));
        }
        for container in fields::items(pod, "/spec/initContainers") {
            for (name, amount) in amounts(&container["resources"][kind]) {
                let most = sum.entry(name).or_insert_with(|| amount.clone());
                if *most < amount {
                    *most = amount;
                }
            }
        }
        add(&mut sum, &amounts(&pod["spec"]["overhead"]));
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
