//! Nodes (pkg/registry/core/node/strategy.go, ValidateNode in pkg/apis/core/validation/validation.go,
//! plugin/pkg/admission/nodetaint).

use super::resources;
use crate::builtins::fields::{at, list, members, put, text};
use crate::builtins::ip::{self, Range};
use crate::builtins::names;
use crate::builtins::rules::{Cluster, Rules};
use crate::error::ApiError;
use crate::field_error::FieldError;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NOT_READY: &str = "node.kubernetes.io/not-ready";

pub(super) struct Node;

impl Rules for Node {
    /// Nothing is scheduled to a node before it is known to be ready.
    fn admit(&self, new: &mut Value, old: Option<&Value>, _: &mut dyn Cluster) -> Result<(), ApiError> {
        let mut taints = list(new, "/spec/taints").to_vec();
        let tainted =
            taints.iter().any(|t| text(t, "/key") == NOT_READY && text(t, "/effect") == "NoSchedule");
        if old.is_none() && !tainted {
            taints.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
            put(new, &["spec", "taints"], taints);
        }
        Ok(())
    }

    /// Kubelets write status and all when they register.
    fn prepare_for_create(&self, _node: &mut Value) {}

    fn validate_create(&self, node: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        taints(list(node, "/spec/taints"), &mut errors);
        amounts(node, &mut errors);
        ranges(list(node, "/spec/podCIDRs"), &mut errors);
        errors
    }

    fn warnings(&self, node: &Value, _old: Option<&Value>) -> Vec<String> {
        let ranges = list(node, "/spec/podCIDRs").iter().filter_map(Value::as_str).enumerate();
        ranges.filter_map(|(i, range)| ip::range_warning(range, &format!("spec.podCIDRs[{i}]"))).collect()
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        amounts(new, &mut errors);
        let mut addresses = BTreeSet::new();
        for (i, address) in list(new, "/status/addresses").iter().enumerate() {
            if !addresses.insert((text(address, "/type"), text(address, "/address"))) {
                errors.push(FieldError::duplicate(format!("status.addresses[{i}]"), address.clone()));
            }
        }
        kept_ranges(list(new, "/spec/podCIDRs"), list(old, "/spec/podCIDRs"), &mut errors);
        let provider = text(old, "/spec/providerID");
        if !provider.is_empty() && provider != text(new, "/spec/providerID") {
            let detail = "node updates may not change providerID except from \"\" to valid";
            errors.push(FieldError::forbidden("spec.providerID", detail));
        }
        taints(list(new, "/spec/taints"), &mut errors);
        if text(new, "/spec/externalID") != text(old, "/spec/externalID") {
            errors.push(FieldError::forbidden("spec.externalID", "may not be updated"));
        }
        errors
    }
}

/// Upstream takes taints for metadata.
fn taints(taints: &[Value], errors: &mut Vec<FieldError>) {
    const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    let mut seen = BTreeSet::new();
    for (i, taint) in taints.iter().enumerate() {
        let path = format!("metadata.taints[{i}]");
        let (key, value, effect) = (text(taint, "/key"), text(taint, "/value"), text(taint, "/effect"));
        let wrong = names::qualified_name(key);
        errors.extend(FieldError::invalid_for_each(&format!("{path}.key"), key, wrong));
        let wrong = names::label_value(value);
        if !wrong.is_empty() {
            errors.push(FieldError::invalid(format!("{path}.value"), value, wrong.join(";")));
        }
        if effect.is_empty() {
            errors.push(FieldError::required(format!("{path}.effect"), ""));
        } else if !EFFECTS.contains(&effect) {
            errors.push(FieldError::not_supported(format!("{path}.effect"), effect, EFFECTS));
        }
        if !seen.insert((effect, key)) {
            // The text shows the Go struct.
            let shown =
                json!({"Key": key, "Value": value, "Effect": effect, "TimeAdded": at(taint, "/timeAdded")});
            let mut error = FieldError::duplicate(path, shown);
            error.detail = "taints must be unique by key and effect pair".to_owned();
            errors.push(error);
        }
    }
}

/// What a node has, and has for pods.
fn amounts(node: &Value, errors: &mut Vec<FieldError>) {
    for key in ["capacity", "allocatable"] {
        for (name, amount) in members(node, &format!("/status/{key}")).into_iter().flatten() {
            resources::amount(name, amount, &format!("status.{key}.{name}"), errors);
        }
    }
}

/// One range of addresses for each family.
fn ranges(ranges: &[Value], errors: &mut Vec<FieldError>) {
    let mut unreadable = None;
    for (i, range) in ranges.iter().filter_map(Value::as_str).enumerate() {
        if Range::read(range).is_none() {
            unreadable = unreadable.or(Some((i, range)));
        }
        if let Some(detail) = ip::range(range) {
            errors.push(FieldError::invalid(format!("spec.podCIDRs[{i}]"), range, detail));
        }
    }
    if ranges.len() < 2 {
        return;
    }
    if let Some((i, range)) = unreadable {
        let detail = format!(
            "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[{i}]: <nil> (invalid CIDR \
             address: {range})"
        );
        errors.push(FieldError::internal("spec.podCIDRs", detail));
    }
    let of_six: BTreeSet<bool> = ranges.iter().filter_map(Value::as_str).map(|r| r.contains(':')).collect();
    if unreadable.is_some() || of_six.len() < 2 || ranges.len() > 2 {
        let detail = "may specify no more than one CIDR for each IP family";
        errors.push(FieldError::invalid("spec.podCIDRs", ranges.to_vec(), detail));
    }
}

/// Ranges do not change once a node has some.
fn kept_ranges(new: &[Value], old: &[Value], errors: &mut Vec<FieldError>) {
    let changed = if old.is_empty() {
        0
    } else if new.len() != old.len() {
        1
    } else {
        new.iter().zip(old).filter(|(new, old)| new != old).count()
    };
    for _ in 0..changed {
        let detail = "node updates may not change podCIDR except from \"\" to valid";
        errors.push(FieldError::forbidden("spec.podCIDRs", detail));
    }
}
