//! Defaults of the core group (pkg/apis/core/v1/defaults.go).

use super::Default;
use crate::builtins::amounts;
use crate::builtins::fields::{at, default_to, has, list_mut, number, put, set, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub(super) fn of(name: &str) -> Option<Default> {
    Some(match name {
        "core.v1.Pod" => pod,
        "core.v1.PodSpec" => pod_spec,
        "core.v1.Container" | "core.v1.EphemeralContainer" => container,
        "core.v1.Probe" => probe,
        "core.v1.HTTPGetAction" => http_get,
        "core.v1.ObjectFieldSelector" => |field| default_to(field, "apiVersion", "v1"),
        "core.v1.Volume" => volume,
        "core.v1.SecretVolumeSource"
        | "core.v1.ConfigMapVolumeSource"
        | "core.v1.DownwardAPIVolumeSource"
        | "core.v1.ProjectedVolumeSource" => |source| default_to(source, "defaultMode", 0o644),
        "core.v1.ServiceAccountTokenProjection" => |source| default_to(source, "expirationSeconds", 3600),
        "core.v1.HostPathVolumeSource" => |source| default_to(source, "type", ""),
        "core.v1.Service" => service,
        "core.v1.Secret" => secret,
        "core.v1.PodStatus" => pod_status,
        "core.v1.Namespace" => namespace,
        "core.v1.NamespaceStatus" => |status| default_to(status, "phase", "Active"),
        "core.v1.PersistentVolume" => persistent_volume,
        "core.v1.PersistentVolumeClaim" => |claim| default_to(&mut claim["status"], "phase", "Pending"),
        "core.v1.PersistentVolumeClaimSpec" => |spec| default_to(spec, "volumeMode", "Filesystem"),
        "core.v1.EndpointPort" => |port| default_to(port, "protocol", "TCP"),
        "core.v1.ReplicationController" => replication_controller,
        "core.v1.NodeSpec" => node_spec,
        "core.v1.NodeStatus" => node_status,
        "core.v1.LimitRangeItem" => limit_range_item,
        _ => return None,
    })
}

fn pod(pod: &mut Value) {
    // Only Pods ask for what limits them; templates keep what they say.
    for containers in ["/spec/containers", "/spec/initContainers"] {
        for container in list_mut(pod, containers) {
            let limits = at(container, "/resources/limits").as_object().cloned().unwrap_or_default();
            for (name, limit) in limits {
                if at(container, "/resources/requests").get(&name).is_none() {
                    put(container, &["resources", "requests", &name], limit);
                }
            }
        }
    }
    amounts::default_whole_requests(pod);
    default_to(&mut pod["spec"], "enableServiceLinks", true);
    if number(pod, "/spec/terminationGracePeriodSeconds").is_some_and(|seconds| seconds < 0) {
        put(pod, &["spec", "terminationGracePeriodSeconds"], 1);
    }
    if at(pod, "/spec/hostNetwork") == true {
        for containers in ["/spec/containers", "/spec/initContainers"] {
            for container in list_mut(pod, containers) {
                for port in list_mut(container, "/ports") {
                    let number = number(port, "/containerPort").unwrap_or_default();
                    default_to(port, "hostPort", number);
                }
            }
        }
    }
}

fn pod_spec(spec: &mut Value) {
    default_to(spec, "dnsPolicy", "ClusterFirst");
    default_to(spec, "restartPolicy", "Always");
    default_to(spec, "securityContext", json!({}));
    default_to(spec, "terminationGracePeriodSeconds", 30);
    default_to(spec, "schedulerName", "default-scheduler");
    // The old name of serviceAccountName is kept equal to it.
    let account = match text(spec, "/serviceAccountName") {
        "" => text(spec, "/serviceAccount").to_owned(),
        name => name.to_owned(),
    };
    if !account.is_empty() {
        set(spec, "serviceAccountName", Some(account.clone().into()));
        set(spec, "serviceAccount", Some(account.into()));
    }
}

fn container(container: &mut Value) {
    let policy = pull_policy(text(container, "/image"));
    default_to(container, "imagePullPolicy", policy);
    default_to(container, "terminationMessagePath", "/dev/termination-log");
    default_to(container, "terminationMessagePolicy", "File");
}

/// `Always` for the tag `latest`, which an image without tag and digest has.
fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
    let last = name.rsplit('/').next().unwrap_or_default();
    let tag = match last.split_once(':') {
        Some((_, tag)) => tag,
        None if digest || name.is_empty() => "",
        None => "latest",
    };
    if tag == "latest" { "Always" } else { "IfNotPresent" }
}

fn probe(probe: &mut Value) {
    default_to(probe, "timeoutSeconds", 1);
    default_to(probe, "periodSeconds", 10);
    default_to(probe, "successThreshold", 1);
    default_to(probe, "failureThreshold", 3);
}

fn http_get(action: &mut Value) {
    default_to(action, "path", "/");
    default_to(action, "scheme", "HTTP");
}

fn volume(volume: &mut Value) {
    let sources = volume.as_object().map_or(0, |members| members.keys().filter(|key| *key != "name").count());
    if sources == 0 {
        set(volume, "emptyDir", Some(json!({})));
    }
    if let Some(image) = volume.get_mut("image") {
        let policy = pull_policy(text(image, "/reference"));
        default_to(image, "pullPolicy", policy);
    }
}

fn service(service: &mut Value) {
    let spec = &mut service["spec"];
    default_to(spec, "sessionAffinity", "None");
    default_to(spec, "type", "ClusterIP");
    match text(spec, "/sessionAffinity") {
        "None" => set(spec, "sessionAffinityConfig", None),
        "ClientIP" if at(spec, "/sessionAffinityConfig/clientIP/timeoutSeconds").is_null() => {
            set(spec, "sessionAffinityConfig", Some(json!({"clientIP": {"timeoutSeconds": 10800}})));
        }
        _ => {}
    }
    for port in list_mut(spec, "/ports") {
        default_to(port, "protocol", "TCP");
        if [json!(0), json!(""), Value::Null].contains(at(port, "/targetPort")) {
            let number = at(port, "/port").clone();
            set(port, "targetPort", Some(number));
        }
    }
    let kind = text(spec, "/type").to_owned();
    let external_ips = !at(spec, "/externalIPs").is_null() && kind == "ClusterIP";
    if ["NodePort", "LoadBalancer"].contains(&kind.as_str()) || external_ips {
        default_to(spec, "externalTrafficPolicy", "Cluster");
    }
    if ["NodePort", "LoadBalancer", "ClusterIP"].contains(&kind.as_str()) {
        default_to(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        default_to(spec, "allocateLoadBalancerNodePorts", true);
        for ingress in list_mut(service, "/status/loadBalancer/ingress") {
            if has(ingress, "ip") {
                default_to(ingress, "ipMode", "VIP");
            }
        }
    }
}

fn secret(secret: &mut Value) {
    default_to(secret, "type", "Opaque");
    // stringData is for writing only, and wins.
    let texts = at(secret, "/stringData").as_object().cloned().unwrap_or_default();
    set(secret, "stringData", None);
    for (key, text) in texts {
        put(secret, &["data", &key], STANDARD.encode(text.as_str().unwrap_or_default()));
    }
}

fn pod_status(status: &mut Value) {
    // The first of several addresses is the one that older clients read.
    for (one, all) in [("podIP", "podIPs"), ("hostIP", "hostIPs")] {
        let first = text(status, &format!("/{all}/0/ip")).to_owned();
        let single = text(status, &format!("/{one}")).to_owned();
        if first.is_empty() && !single.is_empty() {
            set(status, all, Some(json!([{"ip": single}])));
        } else if !first.is_empty() && single.is_empty() {
            set(status, one, Some(first.into()));
        }
    }
}

fn namespace(namespace: &mut Value) {
    let name = text(namespace, "/metadata/name").to_owned();
    // A name that is still to be generated is labelled later.
    if !name.is_empty() {
        put(namespace, &["metadata", "labels", "kubernetes.io/metadata.name"], name);
    }
}

fn persistent_volume(volume: &mut Value) {
    default_to(&mut volume["status"], "phase", "Pending");
    default_to(&mut volume["spec"], "persistentVolumeReclaimPolicy", "Retain");
    default_to(&mut volume["spec"], "volumeMode", "Filesystem");
}

fn replication_controller(controller: &mut Value) {
    let labels = at(controller, "/spec/template/metadata/labels").clone();
    if labels.is_object() {
        default_to(&mut controller["spec"], "selector", labels.clone());
        default_to(&mut controller["metadata"], "labels", labels);
    }
}

/// The older `podCIDR` is the first of `podCIDRs`, and counts where they differ (pkg/apis/core/v1/conversion.go).
fn node_spec(spec: &mut Value) {
    let range = text(spec, "/podCIDR").to_owned();
    let first = text(spec, "/podCIDRs/0").to_owned();
    if range.is_empty() && !first.is_empty() {
        set(spec, "podCIDR", Some(first.into()));
    } else if !range.is_empty() && range != first {
        set(spec, "podCIDRs", Some(json!([range])));
    }
}

fn node_status(status: &mut Value) {
    let capacity = at(status, "/capacity").clone();
    if capacity.is_object() {
        default_to(status, "allocatable", capacity);
    }
}

fn limit_range_item(item: &mut Value) {
    if text(item, "/type") != "Container" {
        return;
    }
    for (from, to) in [("/max", "default"), ("/default", "defaultRequest"), ("/min", "defaultRequest")] {
        let amounts = at(item, from).as_object().cloned().unwrap_or_default();
        for (name, amount) in amounts {
            if at(item, &format!("/{to}")).get(&name).is_none() {
                put(item, &[to, &name], amount);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pull_policies() {
        for (image, expected) in [
            ("img", "Always"),
            ("img:latest", "Always"),
            ("img:1", "IfNotPresent"),
            ("localhost:5000/img", "Always"),
            ("localhost:5000/img:1", "IfNotPresent"),
            ("img@sha256:00", "IfNotPresent"),
            ("img:latest@sha256:00", "Always"),
        ] {
            assert_eq!(pull_policy(image), expected, "{image}");
        }
    }
}
