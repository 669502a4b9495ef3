//! Admission policies: rules in CEL, bound to what they are about by bindings
//! (apiserver/pkg/admission/plugin/policy).

pub(super) mod conditions;
mod mutating;
mod params;
pub(super) mod type_check;
mod validating;
mod variables;

pub(super) use mutating::mutate;
pub(super) use validating::validate;

use super::{Attributes, matching};
use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::resources::Resource;
use crate::store::ResourceId;
use serde_json::Value;
use std::sync::Arc;

/// A policy that is about the write, with the bindings that are.
struct Bound {
    policy: Arc<Value>,
    /// The resource at the version that the policy is about.
    target: Arc<Resource>,
    bindings: Vec<Arc<Value>>,
}

/// The policies that are about the write, by name; an error of matching is one of the policy.
fn bound(
    server: &ApiServer,
    policies: &ResourceId,
    bindings: &ResourceId,
    attributes: &Attributes<'_>,
) -> Vec<(Bound, Option<ApiError>)> {
    let mut found = Vec::new();
    for stored in server.store.list(policies, None) {
        let policy = stored.object.clone();
        let name = crate::object::name(&policy).to_owned();
        let of_policy = server
            .store
            .list(bindings, None)
            .map(|stored| stored.object.clone())
            .filter(|binding| binding["spec"]["policyName"] == name.as_str());
        let of_policy: Vec<Arc<Value>> = of_policy.collect();
        if of_policy.is_empty() {
            continue;
        }
        let constraints = &policy["spec"]["matchConstraints"];
        match matching::invocation(server, constraints, "resourceRules", attributes) {
            Ok(None) => {}
            Ok(Some(target)) => {
                let matching = |binding: &Arc<Value>| matches_binding(server, binding, attributes);
                let bindings = of_policy.into_iter().filter(matching).collect();
                found.push((Bound { policy, target, bindings }, None));
            }
            Err(error) => {
                let target = attributes.resource.clone();
                found.push((Bound { policy, target, bindings: Vec::new() }, Some(error)));
            }
        }
    }
    found
}

/// Whether a binding is about the write: it may narrow down what its policy is about.
fn matches_binding(server: &ApiServer, binding: &Value, attributes: &Attributes<'_>) -> bool {
    let narrowed = &binding["spec"]["matchResources"];
    if narrowed.is_null() {
        return true;
    }
    let mut constraints = narrowed.clone();
    if constraints["resourceRules"].as_array().is_none_or(Vec::is_empty) {
        // Without rules of its own it is about everything that the policy is about.
        constraints["resourceRules"] = serde_json::json!([{
            "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*", "*/*"], "operations": ["*"], "scope": "*",
        }]);
    }
    matching::invocation(server, &constraints, "resourceRules", attributes)
        .is_ok_and(|target| target.is_some())
}

/// Its failures are no obstacle.
fn may_fail(policy: &Value) -> bool {
    policy["spec"]["failurePolicy"] == "Ignore"
}
