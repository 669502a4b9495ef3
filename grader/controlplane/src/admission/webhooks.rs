//! Asking the configured webhooks (apiserver/pkg/admission/plugin/webhook/{mutating,validating}/dispatcher.go).

use super::configurations::{self, Webhook};
use super::matching;
use super::policies::conditions::{self, Met};
use super::review::{self, Decision};
use super::{Attributes, MUTATING_WEBHOOKS, Operation, VALIDATING_WEBHOOKS};
use crate::api_server::ApiServer;
use crate::conversion;
use crate::endpoint::decode;
use crate::error::{ApiError, Cause, Details};
use crate::patch;
use crate::resources::Resource;
use crate::verbs::write::Write;
use crate::webhooks::{self, WebhookCall};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Lets mutating webhooks change the object, one after the other. Those that ask for it are asked again when others
/// have changed the object after them.
pub(super) fn mutate(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    object: &mut Value,
    old: Option<&Value>,
) -> Result<(), ApiError> {
    let webhooks = configurations::webhooks(server, &MUTATING_WEBHOOKS);
    // By their place in the list.
    let (mut asked, mut again) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..2 {
        for (place, webhook) in webhooks.iter().enumerate() {
            if round == 1 && !again.contains(&place) {
                continue;
            }
            let operation = Operation::of_write(write, object, old);
            let asked_about = ask(server, write, webhook, operation, true)?;
            let Some((decision, target)) = asked_about else { continue };
            let changed = apply(server, write, webhook, &decision, &target, object)?;
            if changed {
                again.extend(asked.iter().copied().filter(|earlier| *earlier != place));
            }
            if webhook["reinvocationPolicy"] == "IfNeeded" {
                asked.insert(place);
            }
        }
        if again.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Lets mutating webhooks refuse what has no object to change.
pub(super) fn ask_mutating(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    operation: Operation<'_>,
) -> Result<(), ApiError> {
    for webhook in configurations::webhooks(server, &MUTATING_WEBHOOKS) {
        let decision = ask(server, write, &webhook, operation, true)?;
        if decision.is_some_and(|(decision, _)| !decision.patch.is_empty()) {
            let name = webhook.name();
            return Err(ApiError::internal(&format!(
                "admission webhook {name:?} attempted to modify the object, which is not supported for this operation"
            )));
        }
    }
    Ok(())
}

/// Lets validating webhooks refuse the write.
pub(super) fn validate(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    operation: Operation<'_>,
) -> Result<(), ApiError> {
    for webhook in configurations::webhooks(server, &VALIDATING_WEBHOOKS) {
        ask(server, write, &webhook, operation, false)?;
    }
    Ok(())
}

/// Asks one webhook, if it is about the write: its decision, and the version that it was asked about. Nothing when it is
/// not, or when it may fail and did.
fn ask(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    webhook: &Webhook,
    operation: Operation<'_>,
    mutating: bool,
) -> Result<Option<(Decision, Arc<Resource>)>, ApiError> {
    let attributes = Attributes::new(write, operation);
    let Some(target) = matching::invocation(server, webhook, "rules", &attributes)? else { return Ok(None) };
    let attributes = attributes.at(server, &target)?;
    match conditions::met(&server.access, webhook, &attributes, &target, None) {
        Met::No => return Ok(None),
        Met::Yes => {}
        Met::Unknown(_) if webhook.may_fail() => return Ok(None),
        Met::Unknown(why) => return Err(ApiError::forbidden(&write.resource.id, &write.name, &why)),
    }
    if attributes.dry_run
        && !["None", "NoneOnDryRun"].contains(&webhook["sideEffects"].as_str().unwrap_or(""))
    {
        let name = webhook.name();
        let why = format!("admission webhook {name:?} does not support dry run");
        return Err(ApiError::bad_request(why));
    }
    match call(server, webhook, &attributes, &target, mutating) {
        Err(Failure::Awaiting(error)) => Err(error),
        Err(Failure::Call(_)) if webhook.may_fail() => Ok(None),
        Err(Failure::Call(why)) => {
            Err(ApiError::internal(&format!("failed calling webhook {:?}: {why}", webhook.name())))
        }
        Ok(decision) => {
            decision.warnings.iter().for_each(|text| write.warn(text.clone()));
            if decision.allowed {
                Ok(Some((decision, target)))
            } else {
                Err(refusal(webhook.name(), &decision.status))
            }
        }
    }
}

enum Failure {
    Awaiting(ApiError),
    Call(String),
}

fn call(
    server: &mut ApiServer,
    webhook: &Webhook,
    attributes: &Attributes<'_>,
    target: &Resource,
    mutating: bool,
) -> Result<Decision, Failure> {
    let Some(version) = review::version(webhook) else {
        let why = "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, \
                   v1beta1)";
        return Err(Failure::Call(why.to_owned()));
    };
    let seconds = webhook.timeout_seconds();
    let (place, ca_bundle) =
        configurations::target(server, &webhook["clientConfig"], &format!("timeout={seconds}s"))
            .map_err(|why| Failure::Call(format!("failed to call webhook: {why}")))?;
    let make = |uid: &str| WebhookCall {
        target: place.clone(),
        ca_bundle: ca_bundle.clone(),
        body: review::body(attributes, target, version, uid).to_string().into(),
        timeout: SignedDuration::from_secs(seconds),
    };
    let ApiServer { calls, random, .. } = server;
    let (answer, uid) = calls.ask(random, make).map_err(Failure::Awaiting)?;
    let answered = webhooks::document(&answer, place.url())
        .and_then(|answered| review::decoded(answered, version))
        .map_err(|why| Failure::Call(format!("failed to call webhook: {why}")))?;
    review::decision(&answered, version, &uid, mutating).map_err(Failure::Call)
}

/// Applies the patch of a webhook, which is about the version that it was asked about; answers whether it changed
/// anything.
fn apply(
    server: &mut ApiServer,
    write: &Write<'_>,
    webhook: &Webhook,
    decision: &Decision,
    target: &Resource,
    object: &mut Value,
) -> Result<bool, ApiError> {
    if decision.patch.is_empty() {
        return Ok(false);
    }
    let failed = |why: String| ApiError::internal(&why);
    let patch = patch::json::Patch::parse(&decision.patch).map_err(|error| {
        let name = webhook.name();
        failed(format!(
            "failed calling webhook {name:?}: received undecodable patch in webhook response: {error}"
        ))
    })?;
    if write.is_of_other_kind() {
        let patched = patch.apply(object).map_err(|error| failed(error.to_string()))?;
        let changed = patched != *object;
        *object = patched;
        return Ok(changed);
    }
    let resource = write.resource.clone();
    let shown = resource.present(&Arc::new(object.clone()), u64::MAX);
    let asked = conversion::at_version(server, target, &shown)?;
    let patched = patch.apply(&asked).map_err(|error| failed(error.to_string()))?;
    let patched = conversion::at_version(server, &resource, &patched)?;
    replace(&resource, object, &shown, patched)
}

/// Puts a changed object in the place of the one that is about to be written, in the form of its type and with its
/// defaults. Answers whether there is any difference.
pub(super) fn replace(
    resource: &Resource,
    object: &mut Value,
    shown: &Value,
    changed: Value,
) -> Result<bool, ApiError> {
    let decoded = decode::decode(resource, changed, b"");
    let decoded = decoded.map_err(|error| ApiError::internal(&error.text))?;
    if decoded.object == *shown {
        return Ok(false);
    }
    *object = resource.internal(decoded.object);
    Ok(true)
}

/// A Status of the webhook's own making (apiserver/pkg/admission/plugin/webhook/errors/statuserror.go).
fn refusal(name: &str, status: &Value) -> ApiError {
    let text = |key: &str| status[key].as_str().unwrap_or_default();
    let denied = format!("admission webhook {name:?} denied the request");
    let message = match (text("message"), text("reason")) {
        ("", "") => format!("{denied} without explanation"),
        ("", reason) => format!("{denied}: {reason}"),
        (message, _) => format!("{denied}: {message}"),
    };
    let code = status["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or_default();
    let code = StatusCode::from_u16(code.max(400)).unwrap_or(StatusCode::BAD_REQUEST);
    let details = status["details"].as_object().map(|details| {
        let text = |key: &str| details.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let causes = details.get("causes").and_then(Value::as_array);
        let cause = |cause: &Value| {
            let text = |key: &str| cause[key].as_str().unwrap_or_default().to_owned();
            Cause { reason: text("reason"), message: text("message"), field: text("field") }
        };
        Details {
            name: text("name"),
            group: text("group"),
            kind: text("kind"),
            uid: text("uid"),
            causes: causes.into_iter().flatten().map(cause).collect(),
            ..Details::default()
        }
    });
    ApiError::foreign(code, text("reason"), message, details)
}
