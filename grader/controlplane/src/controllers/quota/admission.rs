//! Writes are held against quotas before they are stored
//! (apiserver/pkg/admission/plugin/resourcequota/controller.go, CheckRequest).

use super::scopes;
use super::usage::{self, Amounts};
use crate::builtins::quantity::Quantity;
use crate::controllers::fields;
use crate::controllers::known::{PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES};
use crate::object;
use crate::store::ResourceId;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Holds a write against the quotas of its namespace. The answer is the quotas whose use it changes, as they have to
/// be stored with it. A write of a status is counted but never too much.
///
/// # Errors
/// Why the write is forbidden.
pub(super) fn admit(
    quotas: &[Arc<Value>],
    resource: &ResourceId,
    new: &Value,
    old: Option<&Value>,
    is_status: bool,
) -> Result<Vec<Value>, String> {
    if quotas.is_empty() {
        return Ok(Vec::new());
    }
    // Of most kinds only the number counts, and an update does not change it.
    let changes = old.is_none() || [PODS, SERVICES, PERSISTENT_VOLUME_CLAIMS].contains(resource);
    if !changes {
        return Ok(Vec::new());
    }
    let used = usage::of(resource, new);
    let more = old.map_or_else(|| used.clone(), |old| difference(&used, &usage::of(resource, old)));
    let mut changed = Vec::new();
    for quota in quotas.iter().filter(|quota| scopes::include(quota, resource, new)) {
        let hard = usage::amounts(&quota["status"]["hard"]);
        let limits: Amounts =
            hard.into_iter().filter(|(name, _)| usage::resource_of(name) == *resource).collect();
        if limits.is_empty() {
            continue;
        }
        let name = object::name(quota);
        if *resource == PODS {
            must_be_specified(new, &limits).map_err(|text| format!("failed quota: {name}: {text}"))?;
        }
        let known = usage::amounts(&quota["status"]["used"]);
        if limits.keys().any(|limit| !known.contains_key(limit)) {
            let names: Vec<&str> = limits.keys().map(String::as_str).collect();
            return Err(format!("status unknown for quota: {name}, resources: {}", names.join(",")));
        }
        // Of an object that is new to the quota everything counts.
        let was_in = old.is_some_and(|old| scopes::include(quota, resource, old));
        let used = if was_in { &more } else { &used };
        let requested: Amounts = used
            .iter()
            .filter(|(name, amount)| limits.contains_key(*name) && !amount.is_zero())
            .map(|(name, amount)| (name.clone(), amount.clone()))
            .collect();
        if requested.is_empty() {
            continue;
        }
        let mut after = known.clone();
        usage::add(&mut after, &requested);
        let exceeded: BTreeSet<&String> =
            requested.keys().filter(|name| after[*name] > limits[*name]).collect();
        if !exceeded.is_empty() && !is_status {
            return Err(format!(
                "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
                list(&requested, &exceeded),
                list(&known, &exceeded),
                list(&limits, &exceeded),
            ));
        }
        let mut quota = (**quota).clone();
        quota["status"]["used"] = usage::to_value(&after);
        changed.push(quota);
    }
    Ok(changed)
}

/// What an object uses more than before; less is given back when the quota is counted again.
fn difference(now: &Amounts, before: &Amounts) -> Amounts {
    let more = now.iter().filter_map(|(name, amount)| {
        let more = before.get(name).map_or_else(|| amount.clone(), |before| amount.minus(before));
        (!more.is_negative()).then(|| (name.clone(), more))
    });
    more.collect()
}

fn list(amounts: &Amounts, names: &BTreeSet<&String>) -> String {
    let amount = |name: &String| amounts.get(name).map_or_else(|| "0".to_owned(), Quantity::to_string);
    let parts: Vec<String> = names.iter().map(|name| format!("{name}={}", amount(name))).collect();
    parts.join(",")
}

/// Where cpu or memory is limited, every container has to say how much it wants.
fn must_be_specified(pod: &Value, limits: &Amounts) -> Result<(), String> {
    const WANTED: [&str; 6] =
        ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let containers = fields::items(pod, "/spec/containers").iter();
    for container in containers.chain(fields::items(pod, "/spec/initContainers")) {
        let given = usage::of_container(container);
        for name in WANTED.into_iter().filter(|name| limits.contains_key(*name) && !given.contains_key(*name))
        {
            missing.entry(name).or_default().insert(fields::text(container, "/name"));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let texts = missing.into_iter().map(|(name, containers)| {
        let containers: Vec<&str> = containers.into_iter().collect();
        format!("{name} for: {}", containers.join(","))
    });
    let texts: Vec<String> = texts.collect();
    Err(format!("must specify {}", texts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SETS: ResourceId = ResourceId::known("apps", "statefulsets");

    fn quota(hard: Value, used: Value) -> Vec<Arc<Value>> {
        vec![Arc::new(json!({
            "metadata": {"name": "q", "namespace": "default"},
            "spec": {"hard": hard}, "status": {"hard": hard, "used": used},
        }))]
    }

    #[test]
    fn what_fits_is_charged_and_what_does_not_is_refused() {
        let pod = json!({"spec": {"containers": [
            {"name": "c", "resources": {"requests": {"cpu": "500m"}}},
            {"name": "d", "resources": {"requests": {"cpu": "700m"}}},
        ]}});
        let table = [
            (
                quota(json!({"count/statefulsets.apps": "1"}), json!({"count/statefulsets.apps": "0"})),
                SETS,
                json!({}),
                Ok(json!({"count/statefulsets.apps": "1"})),
            ),
            (
                quota(json!({"count/statefulsets.apps": "0"}), json!({"count/statefulsets.apps": "0"})),
                SETS,
                json!({}),
                Err(
                    "exceeded quota: q, requested: count/statefulsets.apps=1, used: count/statefulsets.apps=0, \
                     limited: count/statefulsets.apps=0",
                ),
            ),
            (
                quota(json!({"count/statefulsets.apps": "1"}), json!({})),
                SETS,
                json!({}),
                Err("status unknown for quota: q, resources: count/statefulsets.apps"),
            ),
            (
                quota(
                    json!({"pods": "2", "requests.cpu": "2"}),
                    json!({"pods": "1", "requests.cpu": "100m"}),
                ),
                PODS,
                pod.clone(),
                Ok(json!({"pods": "2", "requests.cpu": "1300m"})),
            ),
            (
                quota(json!({"requests.cpu": "1"}), json!({"requests.cpu": "0"})),
                PODS,
                pod.clone(),
                Err(
                    "exceeded quota: q, requested: requests.cpu=1200m, used: requests.cpu=0, limited: requests.cpu=1",
                ),
            ),
            (
                quota(json!({"limits.cpu": "1"}), json!({"limits.cpu": "0"})),
                PODS,
                pod,
                Err("failed quota: q: must specify limits.cpu for: c,d"),
            ),
        ];
        for (quotas, resource, object, expected) in table {
            let admitted = admit(&quotas, &resource, &object, None, false);
            let used = admitted.map(|changed| changed[0]["status"]["used"].clone());
            assert_eq!(used, expected.map_err(str::to_owned), "{:?}", quotas[0]["spec"]);
        }
    }

    #[test]
    fn quotas_about_other_things_do_not_matter() {
        let quotas = quota(json!({"count/deployments.apps": "0", "pods": "0"}), json!({}));
        assert_eq!(admit(&quotas, &SETS, &json!({}), None, false), Ok(Vec::new()));
    }
}
