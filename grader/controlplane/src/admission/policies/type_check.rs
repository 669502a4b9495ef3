//! What in a policy does not fit the types of what it is about
//! (apiserver/pkg/admission/plugin/policy/validating/typechecking.go).

use crate::api_server::ApiServer;
use crate::resources::Resource;
use crate::schema::Schema;
use crate::schema::cel::{Expression, Scope, Wanted};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Kinds of one rule that are looked at.
const MOST_KINDS: usize = 10;

/// The `expressionWarnings` of a policy. Rules with wildcards are about too much to be checked.
pub(crate) fn warnings(server: &ApiServer, policy: &Value) -> Vec<Value> {
    let params = params(server, policy);
    let scopes: Vec<(String, Scope)> =
        kinds(server, policy).values().map(|resource| scope(resource, params.as_ref(), policy)).collect();
    let mut warnings = Vec::new();
    let validations = policy["spec"]["validations"].as_array().into_iter().flatten();
    for (index, validation) in validations.enumerate() {
        for key in ["expression", "messageExpression"] {
            let source = validation[key].as_str().filter(|source| !source.is_empty());
            let Some(source) = source else { continue };
            let problems: Vec<String> =
                scopes.iter().filter_map(|(kind, scope)| problem(kind, scope, source)).collect();
            if !problems.is_empty() {
                let field = format!("spec.validations[{index}].{key}");
                warnings.push(json!({"fieldRef": field, "warning": problems.join("\n")}));
            }
        }
    }
    warnings
}

/// What is wrong with an expression on objects of one kind.
fn problem(kind: &str, scope: &Scope, source: &str) -> Option<String> {
    let failure = Expression::compile(source, scope, Wanted::Any).err()?;
    // What is wrong besides types has been refused before.
    let mistakes = failure.strip_prefix("compilation failed: ")?;
    Some(format!("{kind}: {mistakes}\n"))
}

/// A kind as warnings name it, and what expressions know when they are about it.
fn scope(resource: &Resource, params: Option<&Params>, policy: &Value) -> (String, Scope) {
    let known = params.and_then(|params| params.schema.as_deref());
    let mut scope = Scope::of_policy(params.is_some()).with_types(&resource.schema(), known);
    for variable in policy["spec"]["variables"].as_array().into_iter().flatten() {
        let text = |key: &str| variable[key].as_str().unwrap_or_default();
        let expression = Expression::compile(text("expression"), &scope, Wanted::Any);
        scope.define(text("name"), expression.as_ref().ok());
    }
    let (group, version, kind) = (resource.id.group(), &resource.version, &resource.kind);
    (format!("{group}/{version}, Kind={kind}"), scope)
}

/// The kinds that a policy names, by group, version and kind.
fn kinds(server: &ApiServer, policy: &Value) -> BTreeMap<(String, String, String), Arc<Resource>> {
    let mut kinds = BTreeMap::new();
    let rules = policy["spec"]["matchConstraints"]["resourceRules"].as_array();
    for rule in rules.into_iter().flatten() {
        let texts = |key: &str| -> Vec<&str> {
            let mut texts: Vec<&str> =
                rule[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            texts.sort_unstable();
            texts
        };
        let (groups, versions) = (texts("apiGroups"), texts("apiVersions"));
        if groups.iter().chain(&versions).any(|text| text.contains('*')) {
            continue;
        }
        let mut count = 0;
        for group in &groups {
            for version in &versions {
                for plural in texts("resources").iter().filter(|resource| !resource.contains(['*', '/'])) {
                    let Some(resource) = server.resources.find(group, version, plural) else { continue };
                    let kind = ((*group).to_owned(), (*version).to_owned(), resource.kind.clone());
                    kinds.insert(kind, resource.clone());
                    count += 1;
                    if count == MOST_KINDS {
                        return kinds;
                    }
                }
            }
        }
    }
    kinds
}

/// The parameters of a policy that has some.
struct Params {
    /// What is known of them.
    schema: Option<Arc<Schema>>,
}

fn params(server: &ApiServer, policy: &Value) -> Option<Params> {
    let wanted = policy["spec"].get("paramKind").filter(|kind| kind.is_object())?;
    let is_wanted = |resource: &&Arc<Resource>| {
        wanted["kind"] == resource.kind.as_str() && wanted["apiVersion"] == resource.api_version()
    };
    Some(Params { schema: server.resources.all().find(is_wanted).map(|resource| resource.schema()) })
}
