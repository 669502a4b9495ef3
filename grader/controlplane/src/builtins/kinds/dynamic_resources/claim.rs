//! ResourceClaims, and the templates of those that pods get for themselves.

use super::{
    EFFECTS, MOST_CONFIGURATIONS, admin_access, configuration, each, each_unique, name_of, qualified_name,
    selectors,
};
use crate::builtins::fields::{at, has, list, members, number, text};
use crate::builtins::kinds::csi::driver_name;
use crate::builtins::rules::{Cluster, Rules};
use crate::builtins::{meta, names};
use crate::error::ApiError;
use crate::field_error::{FieldError, FieldErrorKind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const MOST_REQUESTS: usize = 32;
const MOST_ALTERNATIVES: usize = 8;
const MOST_CONSTRAINTS: usize = 32;
const MOST_RESULTS: usize = 32;
const MOST_CONSUMERS: usize = 256;

pub(crate) struct Claim;

impl Rules for Claim {
    fn validate_create(&self, claim: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        devices(at(claim, "/spec/devices"), "spec.devices", &mut errors);
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() { status(new, old) } else { fixed(new, old) }
    }

    fn admit_final(&self, new: &Value, old: Option<&Value>, cluster: &dyn Cluster) -> Result<(), ApiError> {
        let wanted = match old {
            None => admin_access::requested(at(new, "/spec/devices")),
            Some(old) => admin_access::newly_granted(new, old),
        };
        admin_access::check(new, wanted, cluster)
    }
}

pub(crate) struct ClaimTemplate;

impl Rules for ClaimTemplate {
    fn validate_create(&self, template: &Value) -> Vec<FieldError> {
        let metadata = at(template, "/spec/metadata");
        let mut errors = meta::validate_labels(members(metadata, "/labels"), "spec.metadata.labels");
        let annotations = members(metadata, "/annotations");
        errors.extend(meta::validate_annotations(annotations, "spec.metadata.annotations"));
        devices(at(template, "/spec/spec/devices"), "spec.spec.devices", &mut errors);
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        fixed(new, old)
    }

    fn admit_final(&self, new: &Value, old: Option<&Value>, cluster: &dyn Cluster) -> Result<(), ApiError> {
        let wanted =
            if old.is_none() { admin_access::requested(at(new, "/spec/spec/devices")) } else { None };
        admin_access::check(new, wanted, cluster)
    }
}

fn fixed(new: &Value, old: &Value) -> Vec<FieldError> {
    let spec = at(new, "/spec");
    let changed = spec != at(old, "/spec");
    changed.then(|| FieldError::invalid("spec", spec.clone(), "field is immutable")).into_iter().collect()
}

fn devices(devices: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let requests = format!("{path}.requests");
    each_unique(list(devices, "/requests"), MOST_REQUESTS, name_of, &requests, errors, request);
    let known = Requests::of(devices);
    let constraints = format!("{path}.constraints");
    each(
        list(devices, "/constraints"),
        MOST_CONSTRAINTS,
        &constraints,
        errors,
        |constraint, path, errors| {
            references(&known, constraint, path, errors);
            match (at(constraint, "/matchAttribute").as_str(), at(constraint, "/distinctAttribute").as_str())
            {
                (Some(name), _) => attribute(name, &format!("{path}.matchAttribute"), errors),
                (None, Some(name)) => attribute(name, &format!("{path}.distinctAttribute"), errors),
                (None, None) => {
                    let detail = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple \
                              fields are set";
                    errors.push(FieldError::required(path, detail));
                }
            }
        },
    );
    let config = format!("{path}.config");
    each(list(devices, "/config"), MOST_CONFIGURATIONS, &config, errors, |config, path, errors| {
        references(&known, config, path, errors);
        configuration(config, path, errors);
    });
}

/// The name of an attribute, with its domain.
fn attribute(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    qualified_name(name, path, errors);
    if !name.contains('/') {
        let detail = "a fully qualified name must be a domain and a name separated by a slash";
        errors.push(FieldError::invalid(path, name, detail));
    }
}

fn request(request: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let name = name_of(request);
    errors.extend(FieldError::invalid_for_each(&format!("{path}.name"), name, names::dns_label(name)));
    let alternatives = list(request, "/firstAvailable");
    match (has(request, "exactly"), alternatives.is_empty()) {
        (false, true) => {
            let detail = "exactly one of `exactly` or `firstAvailable` is required";
            errors.push(FieldError::required(path, detail));
        }
        (true, false) => {
            let detail =
                "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set";
            errors.push(FieldError::invalid(path, Value::Null, detail));
        }
        (true, true) => wanted(at(request, "/exactly"), &format!("{path}.exactly"), errors),
        (false, false) => {
            let path = format!("{path}.firstAvailable");
            let check = |request: &Value, path: &str, errors: &mut Vec<FieldError>| {
                let name = name_of(request);
                let wrong = names::dns_label(name);
                errors.extend(FieldError::invalid_for_each(&format!("{path}.name"), name, wrong));
                wanted(request, path, errors);
            };
            each_unique(alternatives, MOST_ALTERNATIVES, name_of, &path, errors, check);
        }
    }
}

/// Which devices, and how many.
fn wanted(request: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (class, field) = (text(request, "/deviceClassName"), format!("{path}.deviceClassName"));
    if class.is_empty() {
        errors.push(FieldError::required(field, ""));
    } else {
        errors.extend(FieldError::invalid_for_each(&field, class, names::dns_subdomain(class)));
    }
    selectors(request, path, errors);
    let count = number(request, "/count").unwrap_or_default();
    match text(request, "/allocationMode") {
        "All" if count != 0 => {
            let detail = "must not be specified when allocationMode is 'All'";
            errors.push(FieldError::invalid(format!("{path}.count"), count, detail));
        }
        "ExactCount" if count <= 0 => {
            errors.push(FieldError::invalid(format!("{path}.count"), count, "must be greater than zero"));
        }
        "All" | "ExactCount" => {}
        mode => {
            let known = ["All", "ExactCount"];
            errors.push(FieldError::not_supported(format!("{path}.allocationMode"), mode, known));
        }
    }
    for (position, toleration) in list(request, "/tolerations").iter().enumerate() {
        tolerate(toleration, &format!("{path}.tolerations[{position}]"), errors);
    }
}

fn tolerate(toleration: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (key, value) = (text(toleration, "/key"), text(toleration, "/value"));
    if !key.is_empty() {
        errors.extend(FieldError::invalid_for_each(&format!("{path}.key"), key, names::qualified_name(key)));
    }
    let field = format!("{path}.value");
    match text(toleration, "/operator") {
        "Exists" if !value.is_empty() => {
            errors.push(FieldError::invalid(field, value, "must be empty for operator `Exists`"));
        }
        "Exists" => {}
        "Equal" => errors.extend(FieldError::invalid_for_each(&field, value, names::label_value(value))),
        "" => errors.push(FieldError::required(format!("{path}.operator"), "")),
        operator => {
            let known = ["Equal", "Exists"];
            errors.push(FieldError::not_supported(format!("{path}.operator"), operator, known));
        }
    }
    let effect = text(toleration, "/effect");
    if !effect.is_empty() && !EFFECTS.contains(&effect) {
        errors.push(FieldError::not_supported(format!("{path}.effect"), effect, EFFECTS));
    }
}

/// The names of a claim's requests, and of the alternatives of each.
struct Requests<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

impl<'a> Requests<'a> {
    fn of(devices: &'a Value) -> Self {
        let mut requests = BTreeMap::new();
        for request in list(devices, "/requests") {
            let alternatives = list(request, "/firstAvailable").iter().map(name_of).collect();
            requests.entry(name_of(request)).or_insert(alternatives);
        }
        Self(requests)
    }

    /// Whether there is a `request`, or a `request/alternative`.
    fn has(&self, name: &str) -> bool {
        match name.split('/').collect::<Vec<_>>()[..] {
            [request] => self.0.contains_key(request),
            [request, part] => self.0.get(request).is_some_and(|parts| parts.contains(part)),
            _ => false,
        }
    }
}

/// The requests of a claim that a part of it names.
fn references(known: &Requests<'_>, part: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.requests");
    let check = |name: &Value, path: &str, errors: &mut Vec<FieldError>| {
        reference(known, name_text(name), path, errors);
    };
    each_unique(list(part, "/requests"), MOST_REQUESTS, name_text, &path, errors, check);
}

fn name_text(name: &Value) -> &str {
    name.as_str().unwrap_or_default()
}

/// `request`, or `request/alternative`.
fn reference(known: &Requests<'_>, name: &str, path: &str, errors: &mut Vec<FieldError>) {
    if name.matches('/').count() < 2 {
        for part in name.split('/') {
            errors.extend(FieldError::invalid_for_each(path, part, names::dns_label(part)));
        }
    }
    if !known.has(name) {
        let detail = "must be the name of a request in the claim or the name of a request and a subrequest separated \
                      by '/'";
        errors.push(FieldError::invalid(path, name, detail));
    }
}

fn status(new: &Value, old: &Value) -> Vec<FieldError> {
    const CONSUMERS: &str = "status.reservedFor";
    let status = at(new, "/status");
    let mut errors = Vec::new();
    let consumers = list(status, "/reservedFor");
    let check = |consumer: &Value, path: &str, errors: &mut Vec<FieldError>| {
        for key in ["resource", "name", "uid"] {
            if text(consumer, &format!("/{key}")).is_empty() {
                errors.push(FieldError::required(format!("{path}.{key}"), ""));
            }
        }
    };
    let uid = |consumer| text(consumer, "/uid");
    each_unique(consumers, MOST_CONSUMERS, uid, CONSUMERS, &mut errors, check);
    let (allocation, before) = (at(status, "/allocation"), at(old, "/status/allocation"));
    if !consumers.is_empty() && allocation.is_null() {
        let detail = "may not be specified when `allocated` is not set";
        errors.push(FieldError::forbidden(CONSUMERS, detail));
    }
    let is_new = |consumer: &Value| !list(old, "/status/reservedFor").contains(consumer);
    let is_deleting = has(at(new, "/metadata"), "deletionTimestamp");
    if is_deleting && !allocation.is_null() && consumers.iter().any(is_new) {
        let detail =
            "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
        errors.push(FieldError::forbidden(CONSUMERS, detail));
    }
    if allocation.is_null() {
        return errors;
    }
    if before.is_null() {
        allocated(new, allocation, &mut errors);
    } else if allocation != before {
        let kind = FieldErrorKind::Invalid;
        let shown = Some(allocation.clone());
        errors.push(FieldError::new(kind, "status.allocation", shown, "field is immutable"));
    }
    errors
}

/// The devices that a claim has got.
fn allocated(claim: &Value, allocation: &Value, errors: &mut Vec<FieldError>) {
    const PATH: &str = "status.allocation.devices.results";
    let known = Requests::of(at(claim, "/spec/devices"));
    each(list(allocation, "/devices/results"), MOST_RESULTS, PATH, errors, |result, path, errors| {
        reference(&known, text(result, "/request"), &format!("{path}.request"), errors);
        driver_name(text(result, "/driver"), &format!("{path}.driver"), errors);
        super::slice::pool_name(text(result, "/pool"), &format!("{path}.pool"), errors);
        let device = text(result, "/device");
        errors.extend(FieldError::invalid_for_each(
            &format!("{path}.device"),
            device,
            names::dns_label(device),
        ));
    });
}
