//! What admission plugins do to pods: LimitRanger, Priority, DefaultTolerationSeconds, RuntimeClass
//! (plugin/pkg/admission in the Kubernetes repository).

use super::{limits, pod_service_account, pod_warnings};
use crate::builtins::amounts::amounts;
use crate::builtins::fields::{at, has, list, number, put, set, text};
use crate::builtins::names;
use crate::builtins::rules::Cluster;
use crate::error::ApiError;
use crate::object;
use crate::store::ResourceId;
use serde_json::{Value, json};

const PODS: ResourceId = ResourceId::known("", "pods");
const RUNTIME_CLASSES: ResourceId = ResourceId::known("node.k8s.io", "runtimeclasses");
const PRIORITY_CLASSES: ResourceId = ResourceId::known("scheduling.k8s.io", "priorityclasses");
const MOST_COMPARED_TOLERATIONS: usize = 1_000;

/// Fills in a new pod, or refuses it.
pub(super) fn create(pod: &mut Value, cluster: &mut dyn Cluster) -> Result<(), ApiError> {
    limits::default_pod(pod, cluster)?;
    pod_service_account::admit(pod, cluster)?;
    priority(pod, cluster)?;
    tolerations(pod);
    runtime_class(pod, cluster)
}

/// Keeps what was filled in when an update leaves it out.
pub(super) fn update(pod: &mut Value, old: &Value) {
    for key in ["priority", "preemptionPolicy"] {
        if !has(&pod["spec"], key) && has(at(old, "/spec"), key) {
            put(pod, &["spec", key], at(old, "/spec")[key].clone());
        }
    }
    tolerations(pod);
}

/// What is odd about a new pod.
pub(super) fn warnings(pod: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    let bad = names::dns_label(object::name(pod));
    if !bad.is_empty() {
        warnings.push(format!(
            "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is \
             recommended: [{}]",
            bad.join(" ")
        ));
    }
    warnings.extend(pod_warnings::of(pod, ""));
    warnings
}

pub(super) fn forbidden(pod: &Value, why: &str) -> ApiError {
    ApiError::forbidden(&PODS, object::name(pod), why)
}

fn priority(pod: &mut Value, cluster: &mut dyn Cluster) -> Result<(), ApiError> {
    let name = text(pod, "/spec/priorityClassName").to_owned();
    let class = match name.as_str() {
        "" => cluster
            .list(&PRIORITY_CLASSES, None)
            .into_iter()
            .filter(|class| at(class, "/globalDefault") == true)
            .min_by_key(|class| number(class, "/value")),
        name => match cluster.get(&PRIORITY_CLASSES, "", name) {
            None if !name.starts_with("system-") => {
                let why = format!("no PriorityClass with name {name} was found");
                return Err(forbidden(pod, &why));
            }
            class => class,
        },
    };
    let value = match (&class, name.as_str()) {
        (Some(class), _) => number(class, "/value").unwrap_or_default(),
        (None, "system-cluster-critical") => 2_000_000_000,
        (None, "system-node-critical") => 2_000_001_000,
        (None, _) => 0,
    };
    if let Some(class) = &class {
        put(pod, &["spec", "priorityClassName"], object::name(class));
    }
    if let Some(given) = number(pod, "/spec/priority").filter(|given| *given != value) {
        let why = format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller \
             computed {value} from the given PriorityClass name"
        );
        return Err(forbidden(pod, &why));
    }
    put(pod, &["spec", "priority"], value);
    let policy =
        class.as_deref().map(|class| text(class, "/preemptionPolicy")).filter(|policy| !policy.is_empty());
    let policy = policy.unwrap_or("PreemptLowerPriority");
    let given = text(pod, "/spec/preemptionPolicy");
    if !given.is_empty() && given != policy {
        let why = format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission \
             controller computed {policy} from the given PriorityClass name"
        );
        return Err(forbidden(pod, &why));
    }
    put(pod, &["spec", "preemptionPolicy"], policy);
    Ok(())
}

fn tolerations(pod: &mut Value) {
    let mut tolerations = list(pod, "/spec/tolerations").to_vec();
    let before = tolerations.len();
    for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = tolerations[..before].iter().any(|toleration| {
            ["", taint].contains(&text(toleration, "/key"))
                && ["", "NoExecute"].contains(&text(toleration, "/effect"))
        });
        if !tolerated {
            tolerations.push(json!({
                "key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            }));
        }
    }
    if tolerations.len() > before {
        put(pod, &["spec", "tolerations"], tolerations);
    }
}

fn runtime_class(pod: &mut Value, cluster: &dyn Cluster) -> Result<(), ApiError> {
    let name = at(pod, "/spec/runtimeClassName").as_str();
    let class = match name {
        None => None,
        Some(name) => match cluster.get(&RUNTIME_CLASSES, "", name) {
            None => return Err(forbidden(pod, &format!("pod rejected: RuntimeClass \"{name}\" not found"))),
            class => class,
        },
    };
    let class = class.as_deref().unwrap_or(&Value::Null);
    let overhead = at(class, "/overhead");
    let given = at(pod, "/spec/overhead");
    if overhead.is_object() {
        let fixed = at(overhead, "/podFixed");
        if given.as_object().is_some_and(|given| !given.is_empty()) && amounts(given) != amounts(fixed) {
            let why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
            return Err(forbidden(pod, why));
        }
        let fixed = fixed.clone();
        set(&mut pod["spec"], "overhead", Some(fixed).filter(|fixed| !fixed.is_null()));
    } else if !given.is_null() {
        let why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
        return Err(forbidden(pod, why));
    }
    for (key, value) in at(class, "/scheduling/nodeSelector").as_object().into_iter().flatten() {
        let own = at(pod, "/spec/nodeSelector").get(key);
        if let Some(own) = own.filter(|own| *own != value) {
            let shown = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let why = format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {}; pod.spec.nodeSelector[{key}] = {}",
                shown(value),
                shown(own),
            );
            return Err(forbidden(pod, &why));
        }
        put(pod, &["spec", "nodeSelector", key], value.clone());
    }
    let more = list(class, "/scheduling/tolerations");
    if !more.is_empty() {
        let merged = merge_tolerations(list(pod, "/spec/tolerations"), more);
        put(pod, &["spec", "tolerations"], merged);
    }
    Ok(())
}

/// All of both, but none that another one covers (pkg/util/tolerations). A covered one does no harm, and stays where
/// there are too many to be held against each other.
fn merge_tolerations(first: &[Value], second: &[Value]) -> Vec<Value> {
    let all: Vec<&Value> = first.iter().chain(second).collect();
    if all.len() > MOST_COMPARED_TOLERATIONS {
        return all.into_iter().cloned().collect();
    }
    let mut merged: Vec<&Value> = Vec::new();
    for (i, one) in all.iter().enumerate() {
        let covered = merged.iter().any(|kept| covers(kept, one))
            || all[i + 1..].iter().any(|later| later != one && covers(later, one));
        if !covered {
            merged.push(one);
        }
    }
    merged.into_iter().cloned().collect()
}

/// Whether what `other` tolerates is tolerated by `toleration`, too.
fn covers(toleration: &Value, other: &Value) -> bool {
    let same = |pointer: &str| text(toleration, pointer) == text(other, pointer);
    let any = |pointer: &str| text(toleration, pointer).is_empty();
    let is_exists = |value: &Value| text(value, "/operator") == "Exists";
    if toleration == other {
        return true;
    }
    if !(same("/key") || (any("/key") && is_exists(toleration))) || !(same("/effect") || any("/effect")) {
        return false;
    }
    if text(toleration, "/effect") == "NoExecute"
        && let Some(seconds) = number(toleration, "/tolerationSeconds")
        && number(other, "/tolerationSeconds").is_none_or(|other| seconds < other)
    {
        return false;
    }
    is_exists(toleration) || (!is_exists(other) && same("/value"))
}
