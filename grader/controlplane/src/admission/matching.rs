//! Whether a configuration is about a write: rules, selectors, the same resource at another version
//! (apiserver/pkg/admission/plugin/webhook/predicates, plugin/policy/matching).

use super::Attributes;
use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::resources::{NAMESPACES, Resource};
use crate::selector::LabelSelector;
use serde_json::Value;
use std::sync::Arc;

/// The resource at the version that the rule is about: that of the request, or an equivalent one. Nothing when the
/// configuration is not about the write.
///
/// # Errors
/// 404 when there is no such namespace, 500 for a selector that cannot be read.
pub(super) fn invocation(
    server: &ApiServer,
    configuration: &Value,
    rules: &str,
    attributes: &Attributes<'_>,
) -> Result<Option<Arc<Resource>>, ApiError> {
    let in_namespace = matches_namespace(server, &configuration["namespaceSelector"], attributes);
    if matches!(in_namespace, Ok(false)) {
        return Ok(None);
    }
    if !matches_object(&configuration["objectSelector"], attributes)? {
        return Ok(None);
    }
    if is_excluded(configuration, attributes) {
        return Ok(None);
    }
    let rules = configuration[rules].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = find_rule(server, rules, configuration["matchPolicy"] != "Exact", attributes);
    // A namespace that is not there matters only to those who are about the write.
    if found.is_some() {
        in_namespace?;
    }
    Ok(found)
}

fn find_rule(
    server: &ApiServer,
    rules: &[Value],
    equivalent: bool,
    attributes: &Attributes<'_>,
) -> Option<Arc<Resource>> {
    if rules.iter().any(|rule| matches_rule(rule, &attributes.resource, attributes)) {
        return Some(attributes.resource.clone());
    }
    if !equivalent {
        return None;
    }
    let others = server.resources.sharing(&attributes.resource);
    let matching =
        |rule: &Value| others.iter().find(|resource| matches_rule(rule, resource, attributes)).cloned();
    rules.iter().find_map(matching)
}

/// `excludeResourceRules` of policies.
fn is_excluded(configuration: &Value, attributes: &Attributes<'_>) -> bool {
    let rules = configuration["excludeResourceRules"].as_array();
    rules.into_iter().flatten().any(|rule| matches_rule(rule, &attributes.resource, attributes))
}

fn matches_rule(rule: &Value, resource: &Resource, attributes: &Attributes<'_>) -> bool {
    let names = |key: &str, wanted: &str| {
        let listed = rule[key].as_array();
        listed.into_iter().flatten().any(|value| value == "*" || value == wanted)
    };
    let of_names = rule["resourceNames"]
        .as_array()
        .is_none_or(|listed| listed.is_empty() || listed.iter().any(|name| name == attributes.name));
    let scope = match rule["scope"].as_str() {
        Some("Cluster") => !resource.namespaced || resource.id == NAMESPACES,
        Some("Namespaced") => resource.namespaced,
        _ => true,
    };
    of_names
        && scope
        && names("operations", attributes.operation)
        && names("apiGroups", resource.id.group())
        && names("apiVersions", &resource.version)
        && matches_resource(rule, resource, attributes.subresource)
}

fn matches_resource(rule: &Value, resource: &Resource, subresource: &str) -> bool {
    let mut listed = rule["resources"].as_array().into_iter().flatten().filter_map(Value::as_str);
    listed.any(|pattern| {
        let (of_resource, of_subresource) = pattern.split_once('/').unwrap_or((pattern, ""));
        (of_resource == "*" || of_resource == resource.id.resource())
            && (of_subresource == "*" || of_subresource == subresource)
    })
}

fn selector(selector: &Value) -> Result<LabelSelector, ApiError> {
    LabelSelector::from_value(Some(selector)).map_err(|text| ApiError::internal(&text))
}

fn matches_namespace(
    server: &ApiServer,
    wanted: &Value,
    attributes: &Attributes<'_>,
) -> Result<bool, ApiError> {
    if wanted.is_null() {
        return Ok(true);
    }
    let selector = selector(wanted)?;
    if selector.is_empty() {
        return Ok(true);
    }
    let is_namespace = attributes.resource.id == NAMESPACES;
    if attributes.namespace.is_empty() && !is_namespace {
        return Ok(true);
    }
    let is_written = !attributes.object.is_null();
    if is_namespace && is_written && attributes.subresource.is_empty() {
        return Ok(selector.matches_object(&attributes.object));
    }
    let name = if is_namespace { attributes.name } else { attributes.namespace };
    let namespace = server.store.get(&NAMESPACES, "", name);
    let namespace = namespace.ok_or_else(|| ApiError::not_found(&NAMESPACES, name))?;
    Ok(selector.matches_object(&namespace.object))
}

fn matches_object(wanted: &Value, attributes: &Attributes<'_>) -> Result<bool, ApiError> {
    if wanted.is_null() {
        return Ok(true);
    }
    let selector = selector(wanted)?;
    let labelled = |object: &Value| object.is_object() && selector.matches_object(object);
    Ok(selector.is_empty() || labelled(&attributes.object) || labelled(&attributes.old))
}
