//! What admission plugins do to pods: Priority, DefaultTolerationSeconds
//! (plugin/pkg/admission in the Kubernetes repository).

use super::pod_service_account;
use crate::builtins::fields::{at, has, list, number, put, text};
use crate::builtins::names;
use crate::builtins::rules::Cluster;
use crate::error::ApiError;
use crate::object;
use crate::store::ResourceId;
use serde_json::{Value, json};

const PODS: ResourceId = ResourceId::known("", "pods");
const PRIORITY_CLASSES: ResourceId = ResourceId::known("scheduling.k8s.io", "priorityclasses");

/// Fills in a new pod, or refuses it.
pub(super) fn create(pod: &mut Value, cluster: &mut dyn Cluster) -> Result<(), ApiError> {
    pod_service_account::admit(pod, cluster)?;
    priority(pod, cluster)?;
    tolerations(pod);
    Ok(())
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
    let selector = at(pod, "/spec/nodeSelector").as_object();
    for key in selector.into_iter().flat_map(|selector| selector.keys()) {
        let instead = match key.as_str() {
            "beta.kubernetes.io/arch" => "kubernetes.io/arch",
            "beta.kubernetes.io/os" => "kubernetes.io/os",
            "failure-domain.beta.kubernetes.io/region" => "topology.kubernetes.io/region",
            "failure-domain.beta.kubernetes.io/zone" => "topology.kubernetes.io/zone",
            "beta.kubernetes.io/instance-type" => "node.kubernetes.io/instance-type",
            _ => continue,
        };
        let since = if key.ends_with("/arch") || key.ends_with("/os") { "v1.14" } else { "v1.17" };
        warnings
            .push(format!("spec.nodeSelector[{key}]: deprecated since {since}; use \"{instead}\" instead"));
    }
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
