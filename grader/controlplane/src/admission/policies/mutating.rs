//! MutatingAdmissionPolicies (apiserver/pkg/admission/plugin/policy/mutating).

use super::conditions::{self, Met};
use super::variables::{self, Variables};
use super::{Bound, bound, may_fail, params};
use crate::admission::{Attributes, MUTATING_BINDINGS, MUTATING_POLICIES, Operation, webhooks};
use crate::api_server::ApiServer;
use crate::apply;
use crate::conversion;
use crate::error::{ApiError, Cause, Details};
use crate::object;
use crate::patch::{self, PatchError};
use crate::resources::Resource;
use crate::schema::cel::{Evaluation, Expression, Requester, ResourceCheck, Wanted};
use crate::verbs::write::Write;
use http::StatusCode;
use serde_json::Value;
use std::sync::Arc;

/// Lets policies change the object, one after the other.
pub(in crate::admission) fn mutate(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    object: &mut Value,
    old: Option<&Value>,
) -> Result<(), ApiError> {
    let attributes = Attributes::new(write, Operation::of_write(write, object, old));
    if !attributes.subresource.is_empty() && attributes.subresource != "status" {
        return Ok(());
    }
    let resource = attributes.resource.clone();
    let mut failures = Vec::new();
    for (bound, error) in bound(server, &MUTATING_POLICIES, &MUTATING_BINDINGS, &attributes) {
        let name = object::name(&bound.policy).to_owned();
        let may_fail = may_fail(&bound.policy);
        if let Some(error) = error.filter(|_| !may_fail) {
            failures.push(format!("policy {name:?} denied request: failed to configure policy: {error}"));
        }
        let at_target = attributes.at(server, &bound.target)?;
        for binding in &bound.bindings {
            let mut fail = |why: String| {
                let binding = object::name(binding);
                failures.push(format!("policy '{name}' with binding '{binding}' denied request: {why}"));
            };
            let params = match params::collect(server, &bound.policy, binding, attributes.namespace) {
                Ok(params) => params,
                Err(_) if may_fail => continue,
                Err(why) => {
                    fail(format!("failed to configure binding: {why}"));
                    continue;
                }
            };
            for param in params {
                match apply_policy(server, &bound, &at_target, &resource, object, param) {
                    Err(Failure::Request(error)) => return Err(error),
                    Err(Failure::Policy(why)) if !may_fail => fail(why),
                    Err(Failure::Policy(_)) | Ok(()) => {}
                }
            }
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(refusal(&attributes, failures)) }
}

fn refusal(attributes: &Attributes<'_>, failures: Vec<String>) -> ApiError {
    let id = &attributes.resource.id;
    let message = failures.first().cloned().unwrap_or_default();
    let cause = |message: String| Cause { message, ..Cause::default() };
    let details = Details {
        name: attributes.name.to_owned(),
        group: id.group().to_owned(),
        kind: id.resource().to_owned(),
        causes: failures.into_iter().map(cause).collect(),
        ..Details::default()
    };
    ApiError::foreign(StatusCode::FORBIDDEN, "Invalid", message, Some(details))
}

/// Why a policy has not changed an object.
enum Failure {
    /// Something about the policy, which may be allowed to fail.
    Policy(String),
    /// The object cannot be converted, or not yet.
    Request(ApiError),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self::Policy(why)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Request(error)
    }
}

fn apply_policy(
    server: &mut ApiServer,
    bound: &Bound,
    attributes: &Attributes<'_>,
    resource: &Arc<Resource>,
    object: &mut Value,
    param: Option<Value>,
) -> Result<(), Failure> {
    let Bound { policy, target, .. } = bound;
    match conditions::met(&server.access, &policy["spec"], attributes, target, param.as_ref()) {
        Met::Yes => {}
        Met::No => return Ok(()),
        Met::Unknown(why) => return Err(why.into()),
    }
    let mut variables = Variables::new(server, policy, attributes, target, param);
    let shown = |object: &Value| (*resource.present(&Arc::new(object.clone()), u64::MAX)).clone();
    for mutation in policy["spec"]["mutations"].as_array().into_iter().flatten() {
        let now = shown(object);
        variables.set_object(conversion::at_version(server, target, &now)?);
        let requester = variables::requester(&server.access, attributes);
        let changed = mutated(target, mutation, &variables, requester)?;
        let back = conversion::at_version(server, resource, &changed)?;
        webhooks::replace(resource, object, &now, back).map_err(|error| error.message().to_owned())?;
    }
    Ok(())
}

fn mutated(
    target: &Resource,
    mutation: &Value,
    variables: &Variables,
    requester: (Requester<'_>, ResourceCheck),
) -> Result<Value, String> {
    let value = |key: &str, wanted: Wanted| {
        let source = mutation[key]["expression"].as_str().unwrap_or_default();
        let expression = Expression::compile(source, &variables.scope().with_mutations(), wanted)?;
        let activation = variables.activation(Some(requester.clone()));
        let value = Evaluation::new(&activation, Evaluation::POLICY_BUDGET).value(&expression);
        value.map_err(|failure| failure.to_string())
    };
    if mutation["patchType"] == "JSONPatch" {
        let operations = value("jsonPatch", Wanted::Patches)?;
        let patch = patch::json::Patch::parse(operations.to_string().as_bytes())
            .map_err(|error| format!("JSON Patch: {error}"))?;
        return match patch.apply(variables.object()) {
            Ok(changed) => Ok(changed),
            // A patch whose test fails is not meant for this object.
            Err(PatchError::DoesNotApply { .. }) if has_test(&operations) => Ok(variables.object().clone()),
            Err(error) => Err(format!("JSON Patch: {error}")),
        };
    }
    let configuration = value("applyConfiguration", Wanted::Object)?;
    let laid_over = apply::lay_over(&target.schema(), target.is_custom(), variables.object(), &configuration);
    laid_over.map_err(|why| format!("error applying patch: {why}"))
}

fn has_test(operations: &Value) -> bool {
    operations.as_array().into_iter().flatten().any(|operation| operation["op"] == "test")
}
