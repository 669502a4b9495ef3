//! LimitRanges, and what they do to pods and claims (plugin/pkg/admission/limitranger/admission.go,
//! `ValidateLimitRange` in pkg/apis/core/validation/validation.go).

use super::resources;
use crate::builtins::amounts::{self, Amounts, amounts};
use crate::builtins::fields::{at, has, list, list_mut, put, set, text};
use crate::builtins::names;
use crate::builtins::quantity::Quantity;
use crate::builtins::rules::{Cluster, Rules};
use crate::error::ApiError;
use crate::field_error::{FieldError, aggregate_texts};
use crate::object;
use crate::store::ResourceId;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const LIMIT_RANGES: ResourceId = ResourceId::known("", "limitranges");
const PODS: ResourceId = ResourceId::known("", "pods");
const CLAIMS: ResourceId = ResourceId::known("", "persistentvolumeclaims");

/// A pod with more violations than these is refused for the first of them.
const MOST_ERRORS: usize = 10_000;

/// A pod that was given more amounts than these would be too large for etcd: each takes ten bytes at least.
const MOST_FILLED: usize = 160_000;

/// Gives the containers of a new pod the defaults of its namespace.
///
/// # Errors
/// There are so many that the pod could not be stored.
pub(super) fn default_pod(pod: &mut Value, cluster: &dyn Cluster) -> Result<(), ApiError> {
    let mut filled = 0;
    for range in &ranges(pod, cluster) {
        let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
        for limit in of_type(range, "Container") {
            requests.extend(amounts(at(limit, "/defaultRequest")));
            limits.extend(amounts(at(limit, "/default")));
        }
        let mut notes = Vec::new();
        for (containers, title) in
            [("/spec/containers", "container"), ("/spec/initContainers", "init container")]
        {
            for container in list_mut(pod, containers) {
                filled += fill(container, title, &requests, &limits, &mut notes);
                if filled > MOST_FILLED {
                    return Err(ApiError::too_large_to_store());
                }
            }
        }
        if !notes.is_empty() {
            let note = format!("LimitRanger plugin set: {}", notes.join("; "));
            put(pod, &["metadata", "annotations", "kubernetes.io/limit-ranger"], note);
        }
    }
    Ok(())
}

/// Refuses a new pod that is beyond the limits of its namespace.
pub(super) fn check_pod(pod: &Value, cluster: &dyn Cluster) -> Result<(), ApiError> {
    let ranges = ranges(pod, cluster);
    if ranges.is_empty() {
        return Ok(());
    }
    let containers = list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers"));
    let containers: Vec<Demand> = containers.map(Demand::of_container).collect();
    let whole = Demand::of_pod(pod);
    for range in &ranges {
        let mut errors = Vec::new();
        for limit in list(range, "/spec/limits") {
            let limit = Limit::parse(limit);
            match limit.kind {
                "Container" => containers.iter().for_each(|container| limit.check(container, &mut errors)),
                "Pod" => limit.check(&whole, &mut errors),
                _ => {}
            }
        }
        refuse(&PODS, pod, &errors)?;
    }
    Ok(())
}

/// Refuses a claim that is beyond the limits of its namespace.
pub(super) fn check_claim(claim: &Value, cluster: &dyn Cluster) -> Result<(), ApiError> {
    let requests = amounts(at(claim, "/spec/resources/requests"));
    for range in &ranges(claim, cluster) {
        let mut errors = Vec::new();
        for limit in of_type(range, "PersistentVolumeClaim") {
            let kind = text(limit, "/type");
            for (name, least) in amounts(at(limit, "/min")) {
                errors.extend(minimum(kind, &name, &least, &requests, &Amounts::new()));
            }
            for (name, most) in amounts(at(limit, "/max")) {
                let what = format!("maximum {name} usage per {kind} is {most}");
                match requests.get(&name) {
                    None => errors.push(format!("{what}.  No request is specified")),
                    Some(request) if *request > most => {
                        errors.push(format!("{what}, but request is {request}"));
                    }
                    Some(_) => {}
                }
            }
        }
        refuse(&CLAIMS, claim, &errors)?;
    }
    Ok(())
}

fn ranges(object: &Value, cluster: &dyn Cluster) -> Vec<Arc<Value>> {
    cluster.list(&LIMIT_RANGES, Some(object::namespace(object)))
}

fn of_type<'a>(range: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    list(range, "/spec/limits").iter().filter(move |limit| text(limit, "/type") == kind)
}

fn refuse(resource: &ResourceId, object: &Value, errors: &[String]) -> Result<(), ApiError> {
    if errors.is_empty() {
        return Ok(());
    }
    Err(ApiError::forbidden(resource, object::name(object), &aggregate_texts(errors)))
}

/// Fills in what a container does not ask for, and notes it. The answer is how much that was.
fn fill(
    container: &mut Value,
    title: &str,
    requests: &Amounts,
    limits: &Amounts,
    notes: &mut Vec<String>,
) -> usize {
    let mut resources = at(container, "/resources").clone();
    let mut own = Vec::new();
    let mut filled = 0;
    // Requests are noted first but set last.
    for (key, kind, defaults) in [("limits", "limit", limits), ("requests", "request", requests)] {
        let given = &resources[key];
        let missing = defaults.iter().filter(|(name, _)| !has(given, name));
        let missing: Vec<(String, String)> =
            missing.map(|(name, amount)| (name.clone(), amount.to_string())).collect();
        if missing.is_empty() {
            continue;
        }
        filled += missing.len();
        let names: Vec<&str> = missing.iter().map(|(name, _)| name.as_str()).collect();
        own.push(format!("{} {kind} for {title} {}", names.join(", "), text(container, "/name")));
        if resources.is_null() {
            resources = json!({});
        }
        for (name, amount) in missing {
            put(&mut resources, &[key, &name], amount);
        }
    }
    if !own.is_empty() {
        set(container, "resources", Some(resources));
    }
    notes.extend(own.into_iter().rev());
    filled
}

/// What a container or a pod asks for.
struct Demand {
    requests: Amounts,
    limits: Amounts,
}

impl Demand {
    fn of_container(container: &Value) -> Self {
        let own = at(container, "/resources");
        Self { requests: amounts(at(own, "/requests")), limits: amounts(at(own, "/limits")) }
    }

    fn of_pod(pod: &Value) -> Self {
        Self { requests: amounts::of_pod(pod, "requests"), limits: amounts::of_pod(pod, "limits") }
    }
}

/// What a range allows containers or pods to ask for.
struct Limit<'a> {
    kind: &'a str,
    min: Amounts,
    max: Amounts,
    ratio: Amounts,
}

impl<'a> Limit<'a> {
    fn parse(limit: &'a Value) -> Self {
        Self {
            kind: text(limit, "/type"),
            min: amounts(at(limit, "/min")),
            max: amounts(at(limit, "/max")),
            ratio: amounts(at(limit, "/maxLimitRequestRatio")),
        }
    }

    fn check(&self, Demand { requests, limits }: &Demand, errors: &mut Vec<String>) {
        if errors.len() > MOST_ERRORS {
            return;
        }
        for (name, least) in &self.min {
            errors.extend(minimum(self.kind, name, least, requests, limits));
        }
        for (name, most) in &self.max {
            errors.extend(maximum(self.kind, name, most, requests, limits));
        }
        for (name, most) in &self.ratio {
            errors.extend(ratio(self.kind, name, most, requests, limits));
        }
    }
}

fn minimum(kind: &str, name: &str, least: &Quantity, requests: &Amounts, limits: &Amounts) -> Option<String> {
    let what = format!("minimum {name} usage per {kind} is {least}");
    match (requests.get(name), limits.get(name)) {
        (None, _) => Some(format!("{what}.  No request is specified")),
        (Some(request), _) if request < least => Some(format!("{what}, but request is {request}")),
        (_, Some(limit)) if limit < least => Some(format!("{what}, but limit is {limit}")),
        _ => None,
    }
}

fn maximum(kind: &str, name: &str, most: &Quantity, requests: &Amounts, limits: &Amounts) -> Option<String> {
    let what = format!("maximum {name} usage per {kind} is {most}");
    match (requests.get(name), limits.get(name)) {
        (_, None) => Some(format!("{what}.  No limit is specified")),
        (_, Some(limit)) if limit > most => Some(format!("{what}, but limit is {limit}")),
        (Some(request), _) if request > most => Some(format!("{what}, but request is {request}")),
        _ => None,
    }
}

fn ratio(kind: &str, name: &str, most: &Quantity, requests: &Amounts, limits: &Amounts) -> Option<String> {
    let what = format!("{name} max limit to request ratio per {kind} is {most}, but");
    let given = |amounts: &Amounts| amounts.get(name).map(Quantity::milli_value).filter(|milli| *milli != 0);
    let Some(request) = given(requests) else {
        return Some(format!("{what} no request is specified or request is 0"));
    };
    let Some(limit) = given(limits) else {
        return Some(format!("{what} no limit is specified or limit is 0"));
    };
    // Amounts are far below where a double would lose units.
    #[expect(clippy::cast_precision_loss, reason = "as Kubernetes computes it")]
    let (ratio, most) = (limit as f64 / request as f64, most.milli_value() as f64 / 1000.0);
    (ratio > most).then(|| format!("{what} provided ratio is {ratio:.6}"))
}

pub(super) struct LimitRange;

impl Rules for LimitRange {
    fn names_itself(&self) -> bool {
        true
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn validate_create(&self, range: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut types = BTreeSet::new();
        for (i, limit) in list(range, "/spec/limits").iter().enumerate() {
            let (path, kind) = (format!("spec.limits[{i}]"), text(limit, "/type"));
            errors.extend(type_name(kind, &format!("{path}.type")));
            if !types.insert(kind) {
                errors.push(FieldError::duplicate(format!("{path}.type"), kind));
            }
            amounts_of(limit, kind, &path, &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        self.validate_create(new)
    }
}

fn type_name(kind: &str, path: &str) -> Vec<FieldError> {
    let bad = names::qualified_name(kind);
    let known = kind.contains('/') || ["Pod", "Container", "PersistentVolumeClaim"].contains(&kind);
    if bad.is_empty() && !known {
        return vec![FieldError::invalid(path, kind, "must be a standard limit type or fully qualified")];
    }
    bad.into_iter().map(|error| FieldError::invalid(path, kind, error)).collect()
}

fn amounts_of(limit: &Value, kind: &str, path: &str, errors: &mut Vec<FieldError>) {
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut read = |key: &str, errors: &mut Vec<FieldError>| {
        let found = amounts(at(limit, &format!("/{key}")));
        for name in found.keys() {
            resources::limit_name(kind, name, &format!("{path}.{key}[{name}]"), errors);
        }
        names.extend(found.keys().cloned());
        found
    };
    let (max, min) = (read("max", errors), read("min", errors));
    let (mut default, mut request) = (Amounts::new(), Amounts::new());
    if kind == "Pod" {
        for key in ["default", "defaultRequest"] {
            if at(limit, &format!("/{key}")).as_object().is_some_and(|amounts| !amounts.is_empty()) {
                let detail = "may not be specified when `type` is 'Pod'";
                errors.push(FieldError::forbidden(format!("{path}.{key}"), detail));
            }
        }
    } else {
        default = read("default", errors);
        request = read("defaultRequest", errors);
    }
    if kind == "PersistentVolumeClaim" && !min.contains_key("storage") && !max.contains_key("storage") {
        let detail = "either minimum or maximum storage value is required, but neither was provided";
        errors.push(FieldError::required(format!("{path}.limits"), detail));
    }
    let ratios = read("maxLimitRequestRatio", errors);
    for name in &names {
        let of = |amounts: &'_ Amounts| amounts.get(name).cloned();
        let (min, max, default, request) = (of(&min), of(&max), of(&default), of(&request));
        let mut not_above = |low: &Option<Quantity>, high: &Option<Quantity>, key: &str, names: [&str; 2]| {
            if let (Some(low), Some(high)) = (low, high)
                && low > high
            {
                let shows_high = [("min value", "defaultRequest"), ("default value", "default")]
                    .contains(&(names[0], key));
                let shown = if shows_high { high } else { low };
                let detail = format!("{} {low} is greater than {} {high}", names[0], names[1]);
                errors.push(FieldError::invalid(format!("{path}.{key}[{name}]"), shown.to_string(), detail));
            }
        };
        not_above(&min, &max, "min", ["min value", "max value"]);
        not_above(&min, &request, "defaultRequest", ["min value", "default request value"]);
        not_above(&request, &max, "defaultRequest", ["default request value", "max value"]);
        not_above(&request, &default, "defaultRequest", ["default request value", "default limit value"]);
        not_above(&min, &default, "default", ["min value", "default value"]);
        not_above(&default, &max, "default", ["default value", "max value"]);
        if let Some(most) = of(&ratios) {
            check_ratio(
                &most,
                min.as_ref(),
                max.as_ref(),
                &format!("{path}.maxLimitRequestRatio[{name}]"),
                errors,
            );
        }
        if let (Some(default), Some(request)) = (default, request)
            && (name.contains('/') || name.starts_with("hugepages-"))
            && default != request
        {
            let detail =
                format!("default value {default} must equal to defaultRequest value {request} in {name}");
            let path = format!("{path}.defaultRequest[{name}]");
            errors.push(FieldError::invalid(path, request.to_string(), detail));
        }
    }
}

fn check_ratio(
    most: &Quantity,
    min: Option<&Quantity>,
    max: Option<&Quantity>,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    if most.milli_value() < 1000 {
        errors.push(FieldError::invalid(path, most.to_string(), format!("ratio {most} is less than 1")));
    }
    if let (Some(min), Some(max)) = (min, max) {
        #[expect(clippy::cast_precision_loss, reason = "as Kubernetes computes it")]
        let (ratio, possible) =
            (most.milli_value() as f64 / 1000.0, max.milli_value() as f64 / min.milli_value() as f64);
        if ratio > possible {
            let detail = format!("ratio {most} is greater than max/min = {possible:.6}");
            errors.push(FieldError::invalid(path, most.to_string(), detail));
        }
    }
}
