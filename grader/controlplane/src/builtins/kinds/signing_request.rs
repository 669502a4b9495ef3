//! CertificateSigningRequests (pkg/registry/certificates/certificates/strategy.go,
//! pkg/apis/certificates/validation/validation.go).

use crate::builtins::fields::{at, has, list, list_mut, put, set, text};
use crate::builtins::names::{self, NameRule};
use crate::builtins::rules::{Cluster, Rules};
use crate::certificates;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::go_text;
use crate::object;
use crate::store::ResourceId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const RESOURCE: ResourceId = ResourceId::known("certificates.k8s.io", "certificatesigningrequests");
const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client";
const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
const LEAST_SECONDS: i64 = 600;
const MASTERS: &str = "system:masters";
/// Sorted, as messages list them.
const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];
/// Conditions that are true or not there, and that stay once they are there.
const FINAL: [&str; 3] = ["Approved", "Denied", "Failed"];
/// Conditions that only the subresource `approval` sets.
const VERDICTS: [&str; 2] = ["Approved", "Denied"];

pub(super) struct SigningRequest;

impl Rules for SigningRequest {
    fn names(&self) -> NameRule {
        NameRule::Any
    }

    /// Notes who asks and when conditions come, and lets nobody ask for an administrator's certificate
    /// (plugin/pkg/admission/certificates/subjectrestriction).
    fn admit(&self, new: &mut Value, old: Option<&Value>, cluster: &mut dyn Cluster) -> Result<(), ApiError> {
        let Some(old) = old else {
            note_requester(new, cluster);
            return Ok(());
        };
        let now = object::time(cluster.now());
        for condition in list_mut(new, "/status/conditions") {
            let missing = |condition: &Value, key: &str| text(condition, &format!("/{key}")).is_empty();
            if missing(condition, "lastUpdateTime") {
                set(condition, "lastUpdateTime", Some(now.as_str().into()));
            }
            if missing(condition, "lastTransitionTime") {
                let known = list(old, "/status/conditions").iter().find(|known| {
                    ["type", "status"].iter().all(|key| known.get(*key) == condition.get(*key))
                        && !missing(known, "lastTransitionTime")
                });
                let since = known.map_or(now.as_str(), |known| text(known, "/lastTransitionTime"));
                set(condition, "lastTransitionTime", Some(since.into()));
            }
        }
        Ok(())
    }

    fn admit_final(&self, new: &Value, old: Option<&Value>, _: &dyn Cluster) -> Result<(), ApiError> {
        if old.is_none() { refuse_masters(new) } else { Ok(()) }
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        set(new, "spec", old.get("spec").cloned());
        match subresource {
            Some("approval") => {
                let conditions = at(new, "/status").get("conditions").cloned();
                let mut status = old.get("status").cloned().unwrap_or_else(|| json!({}));
                set(&mut status, "conditions", conditions);
                set(new, "status", Some(status));
            }
            Some("status") => VERDICTS.iter().for_each(|verdict| keep_conditions(new, old, verdict)),
            _ => set(new, "status", old.get("status").cloned()),
        }
    }

    fn validate_create(&self, request: &Value) -> Vec<FieldError> {
        validate(request, None)
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        const CONDITIONS: &str = "status.conditions";
        let mut errors = validate(new, Some(old));
        for kind in FINAL {
            if count(new, kind) < count(old, kind) {
                let why = format!("updates may not remove a condition of type {}", go_text::quote(kind));
                errors.push(FieldError::forbidden(CONDITIONS, why));
            }
        }
        for kind in VERDICTS.iter().filter(|_| subresource != Some("approval")) {
            if count(new, kind) > count(old, kind) {
                let why = format!("updates may not add a condition of type {}", go_text::quote(kind));
                errors.push(FieldError::forbidden(CONDITIONS, why));
            }
        }
        let certificate = |request: &Value| text(request, "/status/certificate").to_owned();
        if certificate(new) != certificate(old) {
            if subresource != Some("status") {
                let why = "updates may not set certificate content";
                errors.push(FieldError::forbidden("status.certificate", why));
            } else if !certificate(old).is_empty() {
                let why = "updates may not modify existing certificate content";
                errors.push(FieldError::forbidden("status.certificate", why));
            }
        }
        errors
    }

    fn reset_fields(&self, subresource: Option<&str>) -> &'static [&'static [&'static str]] {
        match subresource {
            Some("approval") => &[&["spec"], &["status", "certificate"]],
            Some("status") => &[&["spec"], &["status", "conditions"]],
            _ => &[&["spec"], &["status"]],
        }
    }
}

fn note_requester(request: &mut Value, cluster: &mut dyn Cluster) {
    let user = cluster.user();
    let texts = [("username", &user.name), ("uid", &user.uid)];
    let texts = texts.map(|(key, text)| (key, (!text.is_empty()).then(|| Value::from(text.as_str()))));
    let groups = (!user.groups.is_empty()).then(|| Value::from(user.groups.clone()));
    let extra = user.extra.iter().map(|(key, values)| (key.clone(), Value::from(values.clone())));
    let extra: Map<String, Value> = extra.collect();
    let extra = (!extra.is_empty()).then_some(Value::Object(extra));
    if !has(request, "spec") {
        put(request, &["spec"], json!({}));
    }
    for (key, value) in texts.into_iter().chain([("groups", groups), ("extra", extra)]) {
        set(&mut request["spec"], key, value);
    }
}

fn refuse_masters(request: &Value) -> Result<(), ApiError> {
    if text(request, "/spec/signerName") != CLIENT_SIGNER {
        return Ok(());
    }
    let refused = |why: String| ApiError::forbidden(&RESOURCE, object::name(request), &why);
    let subject = certificates::certificate_request(&decoded(request, "/spec/request"))
        .map_err(|error| refused(format!("failed to parse CSR: {error}")))?;
    if subject.organizations().iter().any(|organization| organization == MASTERS) {
        return Err(refused(format!("use of {CLIENT_SIGNER} signer with {MASTERS} group is not allowed")));
    }
    Ok(())
}

/// Conditions of this type stay as they were, unless there are more or fewer of them now.
fn keep_conditions(new: &mut Value, old: &Value, kind: &str) {
    if count(new, kind) != count(old, kind) {
        return;
    }
    let is_kind = |condition: &Value| text(condition, "/type") == kind;
    let mut kept = list(old, "/status/conditions").iter().filter(|condition| is_kind(condition));
    for condition in list_mut(new, "/status/conditions").iter_mut().filter(|condition| is_kind(condition)) {
        if let Some(known) = kept.next() {
            *condition = known.clone();
        }
    }
}

fn count(request: &Value, kind: &str) -> usize {
    list(request, "/status/conditions").iter().filter(|condition| text(condition, "/type") == kind).count()
}

/// What was wrong before is let be.
fn validate(request: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Err(error) = certificates::certificate_request(&decoded(request, "/spec/request"))
        .and_then(|certificate| certificate.check_signature())
    {
        errors.push(FieldError::invalid("spec.request", text(request, "/spec/request"), error));
    }
    errors.extend(usages(request, old));
    let signer = text(request, "/spec/signerName");
    if signer == LEGACY_SIGNER && old.is_none_or(|old| text(old, "/spec/signerName") != signer) {
        let why = "the legacy signerName is not allowed via this API version";
        errors.push(FieldError::invalid("spec.signerName", signer, why));
    } else {
        errors.extend(signer_name(signer));
    }
    if let Some(seconds) = at(request, "/spec/expirationSeconds").as_i64().filter(|s| *s < LEAST_SECONDS) {
        let why = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.push(FieldError::invalid("spec.expirationSeconds", seconds, why));
    }
    errors.extend(conditions(request, old));
    let certificate = text(request, "/status/certificate");
    let known = old.is_some_and(|old| text(old, "/status/certificate") == certificate);
    if !known && let Err(error) = certificates::check(&decoded(request, "/status/certificate")) {
        errors.push(FieldError::invalid("status.certificate", "<certificate data>", error));
    }
    errors
}

fn usages(request: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let usages: Vec<&str> = list(request, "/spec/usages").iter().filter_map(Value::as_str).collect();
    let mut errors = Vec::new();
    if usages.is_empty() {
        errors.push(FieldError::required("spec.usages", ""));
    }
    // The specification does not change, so that only new ones are checked.
    if old.is_some() {
        return errors;
    }
    let mut seen = BTreeSet::new();
    for (index, usage) in usages.iter().enumerate() {
        if !USAGES.contains(usage) {
            errors.push(FieldError::not_supported(format!("spec.usages[{index}]"), *usage, USAGES));
        }
    }
    for (index, usage) in usages.iter().enumerate() {
        if !seen.insert(usage) {
            errors.push(FieldError::duplicate(format!("spec.usages[{index}]"), *usage));
        }
    }
    errors
}

fn conditions(request: &Value, old: Option<&Value>) -> Vec<FieldError> {
    const PATH: &str = "status.conditions";
    let both = |request: &Value| VERDICTS.iter().all(|verdict| count(request, verdict) > 0);
    let repeated = |request: &Value| {
        let mut seen = BTreeSet::new();
        !list(request, "/status/conditions").iter().all(|condition| seen.insert(text(condition, "/type")))
    };
    let mut errors = Vec::new();
    let (mut seen, mut verdicts) = (BTreeSet::new(), BTreeSet::new());
    for (index, condition) in list(request, "/status/conditions").iter().enumerate() {
        let (kind, status) = (text(condition, "/type"), text(condition, "/status"));
        if kind.is_empty() {
            errors.push(FieldError::required(format!("{PATH}[{index}].type"), ""));
        }
        let allowed: &[&str] = if FINAL.contains(&kind) { &["True"] } else { &["False", "True", "Unknown"] };
        let field = format!("{PATH}[{index}].status");
        match status {
            "" => errors.push(FieldError::required(field, "")),
            status if !allowed.contains(&status) => {
                errors.push(FieldError::not_supported(field, status, allowed));
            }
            _ => {}
        }
        if VERDICTS.contains(&kind) && !old.is_some_and(both) {
            verdicts.insert(kind);
            if verdicts.len() == VERDICTS.len() {
                let why = "Approved and Denied conditions are mutually exclusive";
                errors.push(FieldError::invalid(PATH, kind, why));
            }
        }
        if !seen.insert(kind) && !old.is_some_and(repeated) {
            errors.push(FieldError::duplicate(format!("{PATH}[{index}].type"), kind));
        }
    }
    errors
}

/// `example.com/signer-name` (pkg/apis/core/validation/names.go).
fn signer_name(signer: &str) -> Vec<FieldError> {
    const PATH: &str = "spec.signerName";
    const LONGEST: usize = 253 + 1 + 63 + 1 + 253;
    if signer.is_empty() {
        return vec![FieldError::required(PATH, "")];
    }
    let Some((domain, path)) = signer.split_once('/').filter(|(_, path)| !path.contains('/')) else {
        let why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return vec![FieldError::invalid(PATH, signer, why)];
    };
    let mut errors = Vec::new();
    if domain.len() > 253 {
        errors.push(FieldError::too_long(PATH, 253));
    }
    let first_bad = |labels: &str, rule: fn(&str) -> Vec<String>| {
        let bad = labels.split('.').map(|label| (label, rule(label))).find(|(_, bad)| !bad.is_empty());
        let (label, bad) = bad.unwrap_or_default();
        let label = go_text::quote(label);
        bad.into_iter()
            .map(|why| FieldError::invalid(PATH, labels, format!("validating label {label}: {why}")))
            .collect::<Vec<_>>()
    };
    errors.extend(first_bad(domain, names::dns_label));
    if !domain.contains('.') {
        let why = "should be a domain with at least two segments separated by dots";
        errors.push(FieldError::invalid(PATH, domain, why));
    }
    errors.extend(first_bad(path, names::dns_subdomain));
    if signer.len() > LONGEST {
        errors.push(FieldError::too_long(PATH, LONGEST));
    }
    errors
}

fn decoded(request: &Value, pointer: &str) -> Vec<u8> {
    STANDARD.decode(text(request, pointer)).unwrap_or_default()
}
