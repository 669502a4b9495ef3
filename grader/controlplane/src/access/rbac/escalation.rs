//! Nobody gives away what they do not have (pkg/registry/rbac/*/policybased/storage.go,
//! component-helpers/auth/rbac/validation/policy_comparator.go).
//!
//! Who writes a role needs every right in it, or the verb `escalate`; who writes a binding needs every right of the
//! role it names, or the verb `bind`.

use super::index::{Index, RoleReference};
use super::rules::{PolicyRule, has, quoted, url_covers};
use super::{CLUSTER_ROLES, GROUP, ROLES};
use crate::access::user::MASTERS;
use crate::access::{AccessControl, Attributes, ResourceAttributes, User};
use crate::error::ApiError;
use crate::field_error::aggregate_texts;
use crate::go_text;
use crate::object;
use crate::verbs::write::Write;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const ALL: &str = "*";
/// A rule with long lists means each verb on each resource of each group: not more of them together are compared.
const MOST_RIGHTS: usize = 10_000;
const NEEDS_CLUSTER_ADMIN: &str = "must have cluster-admin privileges to use the aggregationRule";

/// Checks a write that makes `new` (out of `old`).
///
/// # Errors
/// 403 that lists the missing rights, 404 for a binding to a role that is not there.
pub(crate) fn check(
    control: &AccessControl,
    write: &Write<'_>,
    new: &Value,
    old: Option<&Value>,
) -> Result<(), ApiError> {
    let id = &write.resource.id;
    let Some(index) = control.index().filter(|_| id.group() == GROUP) else { return Ok(()) };
    let user = &write.user;
    if user.is_in(MASTERS) || old.is_some_and(|old| changes_only_ownership(new, old)) {
        return Ok(());
    }
    let may = |verb: &str, resource: &str, name: &str| {
        let resource = ResourceAttributes {
            group: GROUP,
            resource,
            name,
            namespace: &write.namespace,
            ..ResourceAttributes::default()
        };
        control.check(&Attributes::of_resource(user, verb, resource)).is_ok()
    };
    let attempt = Attempt { index, user, namespace: &write.namespace };
    let refused = |why: String| ApiError::forbidden(id, object::name(new), &why);
    if *id == ROLES || *id == CLUSTER_ROLES {
        let asked = if old.is_some() { write.name.as_str() } else { "" };
        if may("escalate", id.resource(), asked) {
            return Ok(());
        }
        attempt.covers(&PolicyRule::parse_all(new)).map_err(refused)?;
        let gathers = aggregates(new) || old.is_some_and(aggregates);
        if gathers && attempt.covers(&PolicyRule::everything()).is_err() {
            return Err(refused(NEEDS_CLUSTER_ADMIN.to_owned()));
        }
        return Ok(());
    }
    let role = RoleReference::parse(new);
    let resource = match role.kind.as_str() {
        "Role" => ROLES,
        "ClusterRole" => CLUSTER_ROLES,
        kind => {
            let text = format!("unsupported role reference kind: {}", go_text::quote(kind));
            return Err(ApiError::unexpected(text));
        }
    };
    if may("bind", resource.resource(), &role.name) {
        return Ok(());
    }
    // Upstream names the role, and calls it a binding.
    let rules = index.role(&role, &write.namespace).ok_or_else(|| ApiError::not_found(id, &role.name))?;
    attempt.covers(rules).map_err(refused)
}

fn aggregates(role: &Value) -> bool {
    role.pointer("/aggregationRule/clusterRoleSelectors")
        .and_then(Value::as_array)
        .is_some_and(|selectors| !selectors.is_empty())
}

/// What the garbage collector changes gives nobody a right (pkg/registry/rbac/helpers.go).
fn changes_only_ownership(new: &Value, old: &Value) -> bool {
    let stripped = |object: &Value| {
        let mut object = object.clone();
        let metadata = object::metadata_mut(&mut object);
        for key in ["ownerReferences", "finalizers", "selfLink", "managedFields"] {
            metadata.remove(key);
        }
        object
    };
    stripped(new) == stripped(old)
}

/// A user who is about to give rights away in a namespace.
struct Attempt<'a> {
    index: &'a Index,
    user: &'a User,
    namespace: &'a str,
}

impl Attempt<'_> {
    /// Whether the user has all these rights.
    fn covers(&self, wanted: &[PolicyRule]) -> Result<(), String> {
        if wanted.iter().map(PolicyRule::rights).fold(0, usize::saturating_add) > MOST_RIGHTS {
            return Err(format!(
                "its rules come to more than {MOST_RIGHTS} rights: give them in several roles"
            ));
        }
        let (held, problems) = self.index.rules_for(self.user, self.namespace);
        let missing: Vec<PolicyRule> = wanted
            .iter()
            .flat_map(break_down)
            .filter(|wanted| !held.iter().any(|held| rule_covers(held, wanted)))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let lines: BTreeSet<String> = compact(missing).iter().map(PolicyRule::compact_string).collect();
        let lines: Vec<String> = lines.into_iter().collect();
        let mut why = format!(
            "user {} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
            go_text::quote(&self.user.name),
            quoted(&self.user.groups),
            lines.join("\n")
        );
        if !problems.is_empty() {
            why = format!("{why}; resolution errors: [{}]", aggregate_texts(&problems));
        }
        Err(why)
    }
}

/// Equivalent rules of one verb on one thing each.
pub(super) fn break_down(rule: &PolicyRule) -> Vec<PolicyRule> {
    let one = |text: &String| vec![text.clone()];
    let names: Vec<Vec<String>> = match rule.resource_names.is_empty() {
        true => vec![Vec::new()],
        false => rule.resource_names.iter().map(one).collect(),
    };
    let mut parts = Vec::new();
    for group in &rule.api_groups {
        for resource in &rule.resources {
            for verb in &rule.verbs {
                parts.extend(names.iter().map(|names| PolicyRule {
                    verbs: one(verb),
                    api_groups: one(group),
                    resources: one(resource),
                    resource_names: names.clone(),
                    non_resource_urls: Vec::new(),
                }));
            }
        }
    }
    for url in &rule.non_resource_urls {
        parts.extend(rule.verbs.iter().map(|verb| PolicyRule {
            verbs: one(verb),
            non_resource_urls: one(url),
            ..PolicyRule::default()
        }));
    }
    parts
}

/// Whether `held` gives what the broken-down rule `wanted` gives.
pub(super) fn rule_covers(held: &PolicyRule, wanted: &PolicyRule) -> bool {
    let all_of = |held: &[String], wanted: &[String]| wanted.iter().all(|value| has(held, value));
    let or_all = |held: &[String], wanted: &[String]| has(held, ALL) || all_of(held, wanted);
    let resource = |wanted: &String| {
        let part = wanted.split_once('/').map(|(_, part)| format!("*/{part}"));
        has(&held.resources, wanted) || part.is_some_and(|part| has(&held.resources, &part))
    };
    let names = held.resource_names.is_empty()
        || (!wanted.resource_names.is_empty() && all_of(&held.resource_names, &wanted.resource_names));
    or_all(&held.verbs, &wanted.verbs)
        && or_all(&held.api_groups, &wanted.api_groups)
        && (has(&held.resources, ALL) || wanted.resources.iter().all(resource))
        && names
        && wanted
            .non_resource_urls
            .iter()
            .all(|wanted| held.non_resource_urls.iter().any(|held| url_covers(held, wanted)))
}

/// Rules that differ in their verb alone become one (pkg/registry/rbac/validation/policy_compact.go).
fn compact(rules: Vec<PolicyRule>) -> Vec<PolicyRule> {
    let mut together: BTreeMap<[Vec<String>; 3], PolicyRule> = BTreeMap::new();
    let mut compacted = Vec::new();
    for rule in rules {
        if !rule.non_resource_urls.is_empty() {
            compacted.push(rule);
            continue;
        }
        let key = [rule.api_groups.clone(), rule.resources.clone(), rule.resource_names.clone()];
        match together.get_mut(&key) {
            Some(known) => known.verbs.extend(rule.verbs),
            None => {
                together.insert(key, rule);
            }
        }
    }
    compacted.extend(together.into_values());
    compacted
}
