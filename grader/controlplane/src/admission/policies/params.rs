//! The parameters of policies (CollectParams in apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go).

use crate::api_server::ApiServer;
use crate::selector::LabelSelector;
use serde_json::Value;
use std::sync::Arc;

/// The objects with which a policy is evaluated for one binding, once for each; `None` is evaluating without any.
///
/// # Errors
/// Why there are none.
pub(super) fn collect(
    server: &ApiServer,
    policy: &Value,
    binding: &Value,
    namespace: &str,
) -> Result<Vec<Option<Value>>, String> {
    let (kind, reference) = (&policy["spec"]["paramKind"], &binding["spec"]["paramRef"]);
    if kind.is_null() || reference.is_null() {
        return Ok(vec![None]);
    }
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text(kind, "apiVersion"), text(kind, "kind"));
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let resource = server.resources.by_kind(group, &kind).cloned();
    let resource = resource.ok_or_else(|| {
        format!("failed to find resource referenced by paramKind: '{api_version}, Kind={kind}'")
    })?;
    let given = text(reference, "namespace");
    let namespace = match (resource.namespaced, given.as_str()) {
        (false, "") => "",
        (false, _) => {
            return Err("paramRef.namespace must not be provided for a cluster-scoped `paramKind`".into());
        }
        (true, "") if namespace.is_empty() => {
            let why =
                "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources";
            return Err(why.into());
        }
        (true, "") => namespace,
        (true, given) => given,
    };
    let name = text(reference, "name");
    let found: Vec<Arc<Value>> = if name.is_empty() {
        let selector = LabelSelector::from_value(reference.get("selector"))?;
        let objects = server.store.list(&resource.storage, Some(namespace));
        objects.map(|stored| stored.object.clone()).filter(|object| selector.matches_object(object)).collect()
    } else {
        let found = server.store.get(&resource.storage, namespace, &name);
        found.map(|stored| stored.object.clone()).into_iter().collect()
    };
    if found.is_empty() && reference["parameterNotFoundAction"] == "Deny" {
        return Err("no params found for policy binding with `Deny` parameterNotFoundAction".into());
    }
    Ok(found.iter().map(|object| Some((*resource.present(object, u64::MAX)).clone())).collect())
}
