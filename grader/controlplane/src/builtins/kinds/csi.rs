//! What storage drivers say of themselves: CSIDrivers, CSINodes and CSIStorageCapacities
//! (pkg/apis/storage/validation/validation.go).

use super::pod_spec::not_negative;
use super::resources;
use crate::builtins::fields::{at, has, list, number, set, text};
use crate::builtins::names;
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use crate::selector::label;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const LONGEST_DRIVER: usize = 63;
const LONGEST_NODE_ID: usize = 256;
const SHORTEST_TOKEN_LIFE: i64 = 10 * 60;
const LONGEST_TOKEN_LIFE: i64 = 1 << 32;
const SHORTEST_UPDATE_PERIOD: i64 = 10;

/// Checks the name of a driver where another object names it.
pub(super) fn driver_name(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    if name.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    if name.len() > LONGEST_DRIVER {
        errors.push(FieldError::too_long(path, LONGEST_DRIVER));
    }
    errors.extend(FieldError::invalid_for_each(path, name, names::dns_subdomain(&name.to_lowercase())));
}

pub(super) struct Driver;

impl Rules for Driver {
    fn requires_resource_version(&self) -> bool {
        true
    }

    fn counts_generation(&self) -> bool {
        true
    }

    /// Only changes are counted.
    fn first_generation(&self) -> i64 {
        0
    }

    fn validate_create(&self, driver: &Value) -> Vec<FieldError> {
        let spec = at(driver, "/spec");
        let mut errors = Vec::new();
        let policy = text(spec, "/fsGroupPolicy");
        let known = ["File", "None", "ReadWriteOnceWithFSType"];
        if !known.contains(&policy) {
            errors.push(FieldError::not_supported("spec.fsGroupPolicy", policy, known));
        }
        token_requests(list(spec, "/tokenRequests"), &mut errors);
        for mode in list(spec, "/volumeLifecycleModes").iter().filter_map(Value::as_str) {
            let known = ["Persistent", "Ephemeral"];
            if !known.contains(&mode) {
                errors.push(FieldError::not_supported("spec.volumeLifecycleModes", mode, known));
            }
        }
        let period = number(spec, "/nodeAllocatableUpdatePeriodSeconds");
        if let Some(period) = period.filter(|period| *period < SHORTEST_UPDATE_PERIOD) {
            let detail = "must be greater than or equal to 10 seconds";
            errors.push(FieldError::invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, detail));
        }
        if has(spec, "serviceAccountTokenInSecrets") && list(spec, "/tokenRequests").is_empty() {
            let shown = at(spec, "/serviceAccountTokenInSecrets").clone();
            let detail = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
            errors.push(FieldError::invalid("spec.serviceAccountTokenInSecrets", shown, detail));
        }
        errors
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let (requests, spec) = (at(new, "/spec/tokenRequests"), at(new, "/spec"));
        let is_news = old.is_none_or(|old| at(old, "/spec/tokenRequests") != requests);
        if !is_news || list(spec, "/tokenRequests").is_empty() || has(spec, "serviceAccountTokenInSecrets") {
            return Vec::new();
        }
        let text = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to \
                    prevent possible logging of tokens in volume attributes";
        vec![text.to_owned()]
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = self.validate_create(new);
        // Upstream misspells the first.
        for (key, shown) in
            [("attachRequired", "attachedRequired"), ("volumeLifecycleModes", "volumeLifecycleModes")]
        {
            let value = &at(new, "/spec")[key];
            if *value != at(old, "/spec")[key] {
                let path = format!("spec.{shown}");
                errors.push(FieldError::invalid(path, value.clone(), "field is immutable"));
            }
        }
        errors
    }
}

fn token_requests(requests: &[Value], errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (position, request) in requests.iter().enumerate() {
        let path = format!("spec.tokenRequests[{position}]");
        let audience = text(request, "/audience");
        if !seen.insert(audience) {
            errors.push(FieldError::duplicate(format!("{path}.audience"), audience));
            continue;
        }
        let detail = match number(request, "/expirationSeconds") {
            Some(seconds) if seconds < SHORTEST_TOKEN_LIFE => {
                "may not specify a duration less than 10 minutes"
            }
            Some(seconds) if seconds > LONGEST_TOKEN_LIFE => {
                "may not specify a duration larger than 2^32 seconds"
            }
            _ => continue,
        };
        let seconds = at(request, "/expirationSeconds").clone();
        errors.push(FieldError::invalid(format!("{path}.expirationSeconds"), seconds, detail));
    }
}

pub(super) struct Node;

impl Rules for Node {
    fn requires_resource_version(&self) -> bool {
        true
    }

    fn validate_create(&self, node: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut seen = BTreeSet::new();
        for (position, driver) in list(node, "/spec/drivers").iter().enumerate() {
            let path = format!("spec.drivers[{position}]");
            driver_on_node(driver, &path, &mut errors);
            let name = text(driver, "/name");
            if !seen.insert(name) {
                errors.push(FieldError::duplicate(format!("{path}.name"), name));
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = self.validate_create(new);
        // How much a driver can attach is what it may learn later.
        let fixed = |driver: &Value| {
            let mut driver = driver.clone();
            set(&mut driver, "allocatable", None);
            driver
        };
        let named = |driver: &'_ Value| text(driver, "/name").to_owned();
        let now: BTreeMap<String, &Value> =
            list(new, "/spec/drivers").iter().map(|driver| (named(driver), driver)).collect();
        for before in list(old, "/spec/drivers") {
            let now = now.get(&named(before)).map(|now| fixed(now));
            if let Some(now) = now.filter(|now| *now != fixed(before)) {
                errors.push(FieldError::invalid("spec.drivers", now, "field is immutable"));
            }
        }
        errors
    }
}

fn driver_on_node(driver: &Value, path: &str, errors: &mut Vec<FieldError>) {
    driver_name(text(driver, "/name"), &format!("{path}.name"), errors);
    let (id, id_path) = (text(driver, "/nodeID"), format!("{path}.nodeID"));
    if id.is_empty() {
        errors.push(FieldError::required(&id_path, ""));
    }
    if id.len() > LONGEST_NODE_ID {
        let detail = format!("must be {LONGEST_NODE_ID} characters or less");
        errors.push(FieldError::invalid(id_path, id, detail));
    }
    not_negative(errors, at(driver, "/allocatable"), &format!("{path}.allocatable"), "count");
    let mut seen = BTreeSet::new();
    for key in list(driver, "/topologyKeys").iter().filter_map(Value::as_str) {
        if key.is_empty() {
            errors.push(FieldError::required(path, ""));
        }
        if !seen.insert(key) {
            errors.push(FieldError::duplicate(path, key));
        }
        errors.extend(FieldError::invalid_for_each(path, key, names::qualified_name(key)));
    }
}

pub(super) struct Capacity;

impl Rules for Capacity {
    fn requires_resource_version(&self) -> bool {
        true
    }

    fn validate_create(&self, capacity: &Value) -> Vec<FieldError> {
        let mut errors = label::validate(at(capacity, "/nodeTopology"), "nodeTopology");
        let class = text(capacity, "/storageClassName");
        errors.extend(FieldError::invalid_for_each("storageClassName", class, names::dns_subdomain(class)));
        if let Some(amount) =
            resources::parse(at(capacity, "/capacity")).filter(|amount| amount.is_negative())
        {
            let detail = "must be greater than or equal to 0";
            errors.push(FieldError::invalid("capacity", amount.to_string(), detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = self.validate_create(new);
        let changed =
            ["nodeTopology", "storageClassName"].into_iter().filter(|key| new.get(*key) != old.get(*key));
        let refuse = |key: &str| {
            FieldError::invalid(key, new.get(key).cloned().unwrap_or_default(), "field is immutable")
        };
        errors.extend(changed.map(refuse));
        errors
    }
}
