//! Which service account a pod runs as, and what that brings (plugin/pkg/admission/serviceaccount/admission.go).

use super::pod_admission::forbidden;
use crate::builtins::fields::{at, list, list_mut, put, set, text};
use crate::builtins::rules::Cluster;
use crate::error::ApiError;
use crate::object;
use crate::store::ResourceId;
use serde_json::{Value, json};

const SERVICE_ACCOUNTS: ResourceId = ResourceId::known("", "serviceaccounts");
/// Where containers find the credentials of their service account.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The API's picture of a pod that a kubelet runs by itself.
pub(super) const MIRROR: &str = "kubernetes.io/config.mirror";
/// Pods of such an account use the Secrets that it lists, and no others.
const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";

/// Fills in the account of a new pod and what it brings, or refuses the pod.
pub(super) fn admit(pod: &mut Value, cluster: &mut dyn Cluster) -> Result<(), ApiError> {
    if at(pod, "/metadata/annotations").get(MIRROR).is_some() {
        return check_mirror(pod);
    }
    if text(pod, "/spec/serviceAccountName").is_empty() {
        put(pod, &["spec", "serviceAccountName"], "default");
    }
    let name = text(pod, "/spec/serviceAccountName").to_owned();
    put(pod, &["spec", "serviceAccount"], name.as_str());
    let namespace = object::namespace(pod).to_owned();
    let account = match cluster.get(&SERVICE_ACCOUNTS, &namespace, &name) {
        Some(account) => account.as_ref().clone(),
        // The server waits for this one, which a controller makes soon after the namespace.
        None if name == "default" => json!({}),
        None => {
            let why = format!(
                "error looking up service account {namespace}/{name}: serviceaccount \"{name}\" not found"
            );
            return Err(forbidden(pod, &why));
        }
    };
    let wanted = |object: &Value| at(object, "/automountServiceAccountToken").as_bool();
    if wanted(at(pod, "/spec")).or(wanted(&account)).unwrap_or(true) {
        mount_token(pod, cluster);
    }
    if list(pod, "/spec/imagePullSecrets").is_empty() && !list(&account, "/imagePullSecrets").is_empty() {
        put(pod, &["spec", "imagePullSecrets"], list(&account, "/imagePullSecrets").to_vec());
    }
    let enforced = at(&account, "/metadata/annotations").get(ENFORCE).and_then(Value::as_str);
    match enforced.and_then(go_bool) {
        Some(true) => check_secrets(pod, &account).map_err(|why| forbidden(pod, &why)),
        _ => Ok(()),
    }
}

fn mount_token(pod: &mut Value, cluster: &mut dyn Cluster) {
    const PREFIX: &str = "kube-api-access-";
    let known = list(pod, "/spec/volumes").iter().map(|volume| text(volume, "/name"));
    let known = known.into_iter().find(|name| name.starts_with(PREFIX)).map(str::to_owned);
    let name = known.clone().unwrap_or_else(|| format!("{PREFIX}{}", cluster.suffix()));
    let mut needed = false;
    for containers in ["/spec/initContainers", "/spec/containers"] {
        for container in list_mut(pod, containers) {
            let mut mounts = list(container, "/volumeMounts").to_vec();
            if mounts.iter().any(|mount| text(mount, "/mountPath") == TOKEN_PATH) {
                continue;
            }
            mounts.push(json!({"name": name, "readOnly": true, "mountPath": TOKEN_PATH}));
            set(container, "volumeMounts", Some(mounts.into()));
            needed = true;
        }
    }
    if known.is_none() && needed {
        let mut volumes = list(pod, "/spec/volumes").to_vec();
        let field = json!({"apiVersion": "v1", "fieldPath": "metadata.namespace"});
        volumes.push(json!({"name": name, "projected": {"defaultMode": 0o644, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
        ]}}));
        put(pod, &["spec", "volumes"], volumes);
    }
}

/// Nobody can give a mirror pod anything that the kubelet does not have.
fn check_mirror(pod: &Value) -> Result<(), ApiError> {
    let why = if !text(pod, "/spec/serviceAccountName").is_empty() {
        "a mirror pod may not reference service accounts"
    } else if uses_secrets(pod) {
        "a mirror pod may not reference secrets"
    } else if projections(pod).any(|source| source.get("serviceAccountToken").is_some()) {
        "a mirror pod may not use ServiceAccountToken volume projections"
    } else {
        return Ok(());
    };
    Err(forbidden(pod, why))
}

fn projections(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, "/spec/volumes").iter().flat_map(|volume| list(volume, "/projected/sources"))
}

fn uses_secrets(pod: &Value) -> bool {
    let in_containers = ["/spec/initContainers", "/spec/containers", "/spec/ephemeralContainers"]
        .into_iter()
        .flat_map(|containers| list(pod, containers))
        .any(|container| secrets_of(container).next().is_some());
    let in_volumes =
        list(pod, "/spec/volumes").iter().filter_map(Value::as_object).flatten().any(|(source, volume)| {
            let references = ["secretRef", "nodePublishSecretRef", "secretName"];
            source != "name" && references.iter().any(|key| volume.get(*key).is_some())
        });
    !list(pod, "/spec/imagePullSecrets").is_empty()
        || in_containers
        || in_volumes
        || projections(pod).any(|source| source.get("secret").is_some())
}

/// The Secrets that a container's environment comes from: how it says so, and their names.
fn secrets_of(container: &Value) -> impl Iterator<Item = (String, &str)> {
    let variables = list(container, "/env").iter().filter_map(|variable| {
        let secret = variable.pointer("/valueFrom/secretKeyRef")?;
        Some((format!("envVar {}", text(variable, "/name")), text(secret, "/name")))
    });
    let sources = list(container, "/envFrom")
        .iter()
        .filter_map(|source| Some(("envFrom".to_owned(), text(source.get("secretRef")?, "/name"))));
    variables.chain(sources)
}

/// # Errors
/// The first Secret that the account does not list.
fn check_secrets(pod: &Value, account: &Value) -> Result<(), String> {
    let account_name = object::name(account);
    let lists =
        |key: &str, secret: &str| list(account, key).iter().any(|known| text(known, "/name") == secret);
    for volume in list(pod, "/spec/volumes").iter().filter_map(|volume| volume.get("secret")) {
        let secret = text(volume, "/secretName");
        if !lists("/secrets", secret) {
            return Err(format!(
                "volume with secret.secretName=\"{secret}\" is not allowed because service account {account_name} \
                 does not reference that secret"
            ));
        }
    }
    for (containers, title) in [("/spec/initContainers", "init container"), ("/spec/containers", "container")]
    {
        for container in list(pod, containers) {
            if let Some((how, secret)) = secrets_of(container).find(|(_, secret)| !lists("/secrets", secret))
            {
                let name = text(container, "/name");
                return Err(format!(
                    "{title} {name} with {how} referencing secret.secretName=\"{secret}\" is not allowed because \
                     service account {account_name} does not reference that secret"
                ));
            }
        }
    }
    for (index, reference) in list(pod, "/spec/imagePullSecrets").iter().enumerate() {
        let secret = text(reference, "/name");
        if !lists("/imagePullSecrets", secret) {
            return Err(format!(
                "imagePullSecrets[{index}].name=\"{secret}\" is not allowed because service account {account_name} \
                 does not reference that imagePullSecret"
            ));
        }
    }
    Ok(())
}

/// As Go's `strconv.ParseBool` reads it.
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
