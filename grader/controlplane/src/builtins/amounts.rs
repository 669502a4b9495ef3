//! Amounts of resources by their names, and what a pod asks for (component-helpers/resource/helpers.go).

use super::fields::{at, list, put};
use super::quantity::Quantity;
use serde_json::Value;
use std::collections::BTreeMap;

/// Amounts by the names of resources.
pub(crate) type Amounts = BTreeMap<String, Quantity>;

/// What pods may ask for as a whole.
fn is_of_whole_pods(name: &str) -> bool {
    ["cpu", "memory"].contains(&name) || name.starts_with("hugepages-")
}

/// Amounts in an object; what is no amount is left out.
pub(crate) fn amounts(list: &Value) -> Amounts {
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
pub(crate) fn to_value(amounts: &Amounts) -> Value {
    amounts.iter().map(|(name, amount)| (name.clone(), Value::from(amount.to_string()))).collect()
}

pub(crate) fn add(to: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        match to.get_mut(name) {
            Some(sum) => *sum = sum.plus(amount),
            None => {
                to.insert(name.clone(), amount.clone());
            }
        }
    }
}

fn at_least(to: &mut Amounts, name: &str, least: &Quantity) {
    match to.get_mut(name) {
        Some(most) if *most < *least => *most = least.clone(),
        Some(_) => {}
        None => drop(to.insert(name.to_owned(), least.clone())),
    }
}

/// The `requests` or `limits` of a pod without its overhead: of the containers that run together, or of one that runs
/// before them when that is more; what the pod says as a whole goes before both.
pub(crate) fn of_pod(pod: &Value, kind: &str) -> Amounts {
    let of = |container: &Value| amounts(&at(container, "/resources")[kind]);
    let mut sum = Amounts::new();
    for container in list(pod, "/spec/containers") {
        add(&mut sum, &of(container));
    }
    let (mut beside, mut before) = (Amounts::new(), Amounts::new());
    for container in list(pod, "/spec/initContainers") {
        let own = of(container);
        let stays = at(container, "/restartPolicy") == "Always";
        if stays {
            add(&mut sum, &own);
            add(&mut beside, &own);
        }
        // Of everything else it is as much as for the container before.
        for (name, amount) in &own {
            match beside.get(name) {
                Some(others) if stays => at_least(&mut before, name, others),
                Some(others) => at_least(&mut before, name, &amount.plus(others)),
                None => at_least(&mut before, name, amount),
            }
        }
    }
    before.iter().for_each(|(name, amount)| at_least(&mut sum, name, amount));
    let whole = amounts(&at(pod, "/spec/resources")[kind]).into_iter();
    sum.extend(whole.filter(|(name, _)| is_of_whole_pods(name)));
    sum
}

/// A pod with limits as a whole asks as a whole for what its containers ask for, or else for what limits it
/// (pkg/apis/core/v1/defaults.go, defaultPodRequests).
pub(crate) fn default_whole_requests(pod: &mut Value) {
    let limits = amounts(at(pod, "/spec/resources/limits"));
    if limits.is_empty() {
        return;
    }
    let asked = of_pod(pod, "requests");
    let asked = asked.into_iter().filter(|(name, _)| ["cpu", "memory"].contains(&name.as_str()));
    let limits = limits.into_iter().filter(|(name, _)| is_of_whole_pods(name));
    for (name, amount) in asked.chain(limits) {
        if at(pod, "/spec/resources/requests").get(&name).is_none() {
            put(pod, &["spec", "resources", "requests", &name], amount.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_asks_for_what_runs_at_once() {
        let with = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
        let sidecar = json!({"resources": {"requests": {"cpu": "2"}}, "restartPolicy": "Always"});
        let table = [
            (json!({"containers": [with("1"), with("500m")]}), "1500m"),
            (json!({"containers": [with("1")], "initContainers": [with("3"), with("2")]}), "3"),
            (json!({"containers": [with("1")], "initContainers": [sidecar, with("2")]}), "4"),
            (json!({"containers": [with("1")], "initContainers": [with("2"), sidecar]}), "3"),
            (json!({"containers": [with("1")], "initContainers": [sidecar, sidecar, with("1")]}), "5"),
            (json!({"containers": [with("1")], "resources": {"requests": {"cpu": "5"}}}), "5"),
        ];
        for (spec, expected) in table {
            let asked = of_pod(&json!({"spec": spec}), "requests");
            assert_eq!(to_value(&asked), json!({"cpu": expected}), "{spec}");
        }
    }
}
