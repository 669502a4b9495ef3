//! ResourceSlices: the devices of a pool, or some of them.

use super::{EFFECTS, each, each_unique, name_of, qualified_name};
use crate::builtins::fields::{at, has, list, members, number, text};
use crate::builtins::kinds::csi::driver_name;
use crate::builtins::names;
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;

const MOST_DEVICES: usize = 128;
/// Devices that say more than what they are.
const MOST_ELABORATE_DEVICES: usize = 64;
const MOST_PROPERTIES: usize = 32;
const MOST_TAINTS: usize = 16;
const LONGEST_POOL: usize = 253;
const LONGEST_VALUE: usize = 64;
const VALUES: [&str; 8] = ["int", "bool", "string", "version", "ints", "bools", "strings", "versions"];
const LISTS: [&str; 4] = ["bools", "ints", "strings", "versions"];

static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let (number, build) = (r"(0|[1-9]\d*)", "[0-9a-zA-Z-]+");
    let before = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)";
    let pattern = format!(r"^{number}\.{number}\.{number}(-{before}(\.{before})*)?(\+{build}(\.{build})*)?$");
    Regex::new(&pattern).ok()
});

pub(crate) struct Slice;

impl Rules for Slice {
    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, slice: &Value) -> Vec<FieldError> {
        let spec = at(slice, "/spec");
        let mut errors = Vec::new();
        driver_name(text(spec, "/driver"), "spec.driver", &mut errors);
        pool(at(spec, "/pool"), &mut errors);
        nodes(spec, &mut errors);
        if has(spec, "sharedCounters") && has(spec, "devices") {
            let detail = "only one of `sharedCounters` or `devices` is allowed";
            errors.push(FieldError::invalid("spec", "", detail));
        }
        let devices = list(spec, "/devices");
        let most = if devices.iter().any(is_elaborate) { MOST_ELABORATE_DEVICES } else { MOST_DEVICES };
        each_unique(devices, most, name_of, "spec.devices", &mut errors, device);
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = self.validate_create(new);
        for field in ["spec.pool.name", "spec.driver", "spec.nodeName"] {
            let pointer = format!("/{}", field.replace('.', "/"));
            let value = at(new, &pointer);
            if value != at(old, &pointer) {
                errors.push(FieldError::invalid(field, value.clone(), "field is immutable"));
            }
        }
        errors
    }
}

/// Checks the name of a pool: names of domains, separated by slashes.
pub(super) fn pool_name(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    if name.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    if name.len() > LONGEST_POOL {
        errors.push(FieldError::too_long(path, LONGEST_POOL));
    }
    for part in name.split('/') {
        errors.extend(FieldError::invalid_for_each(path, part, names::dns_subdomain(part)));
    }
}

fn pool(pool: &Value, errors: &mut Vec<FieldError>) {
    pool_name(text(pool, "/name"), "spec.pool.name", errors);
    let count = number(pool, "/resourceSliceCount").unwrap_or_default();
    if count <= 0 {
        errors.push(FieldError::invalid("spec.pool.resourceSliceCount", count, "must be greater than zero"));
    }
    if let Some(generation) = number(pool, "/generation").filter(|generation| *generation < 0) {
        let detail = "must be greater than or equal to zero";
        errors.push(FieldError::invalid("spec.pool.generation", generation, detail));
    }
}

/// Which nodes have the devices.
fn nodes(spec: &Value, errors: &mut Vec<FieldError>) {
    let mut said = Vec::new();
    match at(spec, "/nodeName").as_str() {
        None => {}
        Some("") => {
            let detail = "must be either unset or set to a non-empty string";
            errors.push(FieldError::invalid("spec.nodeName", "", detail));
        }
        Some(node) => {
            said.push("`nodeName`");
            errors.extend(FieldError::invalid_for_each("spec.nodeName", node, names::dns_subdomain(node)));
        }
    }
    if has(spec, "nodeSelector") {
        said.push("`nodeSelector`");
        let (terms, field) =
            (list(spec, "/nodeSelector/nodeSelectorTerms"), "spec.nodeSelector.nodeSelectorTerms");
        if terms.is_empty() {
            errors.push(FieldError::required(field, "must have at least one node selector term"));
        }
        if terms.len() != 1 {
            let detail = "must have exactly one node selector term";
            errors.push(FieldError::invalid(field, terms.to_vec(), detail));
        }
    }
    for (key, shown) in [("allNodes", "`allNodes`"), ("perDeviceNodeSelection", "`perDeviceNodeSelection`")] {
        match at(spec, &format!("/{key}")).as_bool() {
            Some(true) => said.push(shown),
            Some(false) => {
                let detail = "must be either unset or set to true";
                errors.push(FieldError::invalid(format!("spec.{key}"), false, detail));
            }
            None => {}
        }
    }
    let detail =
        "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    match said.len() {
        0 => errors.push(FieldError::required("spec", detail)),
        1 => {}
        _ => {
            let shown = format!("{{{}}}", said.join(", "));
            errors.push(FieldError::invalid("spec", shown, format!("{detail}, but multiple fields are set")));
        }
    }
}

fn is_elaborate(device: &Value) -> bool {
    let mut attributes = members(device, "/attributes").into_iter().flatten();
    !list(device, "/taints").is_empty()
        || !list(device, "/consumesCounters").is_empty()
        || attributes.any(|(_, attribute)| LISTS.into_iter().any(|key| has(attribute, key)))
}

fn device(device: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let name = name_of(device);
    errors.extend(FieldError::invalid_for_each(&format!("{path}.name"), name, names::dns_label(name)));
    let [attributes, capacities] = ["/attributes", "/capacity"].map(|pointer| members(device, pointer));
    let properties = attributes.map_or(0, |all| all.len()) + capacities.map_or(0, |all| all.len());
    if properties > MOST_PROPERTIES {
        let detail =
            format!("the total number of attributes and capacities must not exceed {MOST_PROPERTIES}");
        errors.push(FieldError::invalid(path, properties, detail));
    }
    for (name, value) in attributes.into_iter().flatten() {
        let path = format!("{path}.attributes");
        qualified_name(name, &path, errors);
        attribute(value, &format!("{path}[{name}]"), errors);
    }
    for (name, _) in capacities.into_iter().flatten() {
        qualified_name(name, &format!("{path}.capacity"), errors);
    }
    each(list(device, "/taints"), MOST_TAINTS, &format!("{path}.taints"), errors, taint);
}

fn attribute(attribute: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let given = VALUES.into_iter().filter(|key| has(attribute, key)).count();
    if given != 1 {
        let shown = if given == 0 { "".into() } else { attribute.clone() };
        errors.push(FieldError::invalid(path, shown, "exactly one value must be specified"));
    }
    for (key, is_version) in [("string", false), ("version", true)] {
        if let Some(value) = at(attribute, &format!("/{key}")).as_str() {
            attribute_value(value, is_version, &format!("{path}.{key}"), errors);
        }
        let lists = list(attribute, &format!("/{key}s")).iter().filter_map(Value::as_str);
        for (position, value) in lists.enumerate() {
            attribute_value(value, is_version, &format!("{path}.{key}s[{position}]"), errors);
        }
    }
}

fn attribute_value(value: &str, is_version: bool, path: &str, errors: &mut Vec<FieldError>) {
    if is_version && !VERSION.as_ref().is_some_and(|version| version.is_match(value)) {
        let detail = "must be a string compatible with semver.org spec 2.0.0";
        errors.push(FieldError::invalid(path, value, detail));
    }
    if value.len() > LONGEST_VALUE {
        errors.push(FieldError::too_long(path, LONGEST_VALUE));
    }
}

fn taint(taint: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (key, value, effect) = (text(taint, "/key"), text(taint, "/value"), text(taint, "/effect"));
    errors.extend(FieldError::invalid_for_each(&format!("{path}.key"), key, names::qualified_name(key)));
    errors.extend(FieldError::invalid_for_each(&format!("{path}.value"), value, names::label_value(value)));
    let field = format!("{path}.effect");
    match effect {
        "" => errors.push(FieldError::required(field, "")),
        _ if !EFFECTS.contains(&effect) => errors.push(FieldError::not_supported(field, effect, EFFECTS)),
        _ => {}
    }
}
