//! NetworkPolicies (ValidateNetworkPolicySpec in pkg/apis/networking/validation/validation.go).

use crate::builtins::fields::{at, has, list, number, text};
use crate::builtins::ip::{self, Range};
use crate::builtins::names;
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use crate::selector::label;
use serde_json::Value;

pub(super) struct NetworkPolicy;

impl Rules for NetworkPolicy {
    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, policy: &Value) -> Vec<FieldError> {
        let spec = at(policy, "/spec");
        let mut errors = label::validate(at(spec, "/podSelector"), "spec.podSelector");
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for (i, rule) in list(spec, &format!("/{direction}")).iter().enumerate() {
                let path = format!("spec.{direction}[{i}]");
                for (j, port) in list(rule, "/ports").iter().enumerate() {
                    check_port(port, &format!("{path}.ports[{j}]"), &mut errors);
                }
                for (j, peer) in list(rule, &format!("/{peers}")).iter().enumerate() {
                    check_peer(peer, &format!("{path}.{peers}[{j}]"), &mut errors);
                }
            }
        }
        let types = list(spec, "/policyTypes");
        if types.len() > 2 {
            let detail = "may not specify more than two policyTypes";
            errors.push(FieldError::invalid("spec.policyTypes", types.to_vec(), detail));
            return errors;
        }
        for (i, kind) in types.iter().filter_map(Value::as_str).enumerate() {
            if !matches!(kind, "Ingress" | "Egress") {
                let path = format!("spec.policyTypes[{i}]");
                errors.push(FieldError::not_supported(path, kind, ["Ingress", "Egress"]));
            }
        }
        errors
    }

    fn warnings(&self, policy: &Value, _old: Option<&Value>) -> Vec<String> {
        let mut warnings = Vec::new();
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for (i, rule) in list(policy, &format!("/spec/{direction}")).iter().enumerate() {
                for (j, peer) in list(rule, &format!("/{peers}")).iter().enumerate() {
                    let path = format!("spec.{direction}[{i}].{peers}[{j}].ipBlock");
                    block_warnings(at(peer, "/ipBlock"), &path, &mut warnings);
                }
            }
        }
        warnings
    }

    fn validate_update(&self, new: &Value, _old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        self.validate_create(new)
    }
}

fn check_port(port: &Value, path: &str, errors: &mut Vec<FieldError>) {
    const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    let protocol = text(port, "/protocol");
    if !protocol.is_empty() && !PROTOCOLS.contains(&protocol) {
        errors.push(FieldError::not_supported(format!("{path}.protocol"), protocol, PROTOCOLS));
    }
    let last = number(port, "/endPort");
    let at_last = format!("{path}.endPort");
    match at(port, "/port") {
        Value::Null => {
            if let Some(last) = last {
                let detail = "may not be specified when `port` is not specified";
                errors.push(FieldError::invalid(at_last, last, detail));
            }
        }
        Value::String(name) => {
            if let Some(last) = last {
                let detail = "may not be specified when `port` is non-numeric";
                errors.push(FieldError::invalid(at_last, last, detail));
            }
            let bad = names::port_name(name).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.port"), name.as_str(), e)));
        }
        first => {
            let first = first.as_i64().unwrap_or_default();
            let bad = names::port_number(first).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.port"), first, e)));
            if let Some(last) = last {
                if last < first {
                    // The text shows the other port.
                    let detail = "must be greater than or equal to `port`";
                    errors.push(FieldError::invalid(at_last.as_str(), first, detail));
                }
                let bad = names::port_number(last).into_iter();
                errors.extend(bad.map(|e| FieldError::invalid(at_last.as_str(), last, e)));
            }
        }
    }
}

fn check_peer(peer: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let selectors = ["podSelector", "namespaceSelector"].into_iter().filter(|key| has(peer, key));
    let mut given = 0;
    for key in selectors {
        given += 1;
        errors.extend(label::validate(at(peer, &format!("/{key}")), &format!("{path}.{key}")));
    }
    if has(peer, "ipBlock") {
        check_block(at(peer, "/ipBlock"), &format!("{path}.ipBlock"), errors);
        if given > 0 {
            errors.push(FieldError::forbidden(path, "may not specify both ipBlock and another peer"));
        }
    } else if given == 0 {
        errors.push(FieldError::required(path, "must specify a peer"));
    }
}

fn check_block(block: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let cidr = text(block, "/cidr");
    if cidr.is_empty() {
        errors.push(FieldError::required(format!("{path}.cidr"), ""));
        return;
    }
    let wrong = ip::range(cidr);
    errors.extend(wrong.map(|detail| FieldError::invalid(format!("{path}.cidr"), cidr, detail)));
    let Some(outer) = Range::read(cidr) else { return };
    for (i, except) in list(block, "/except").iter().filter_map(Value::as_str).enumerate() {
        let path = format!("{path}.except[{i}]");
        let is_outside = || Range::read(except).is_some_and(|inner| !inner.is_strictly_within(outer));
        let wrong = ip::range(except).or_else(|| is_outside().then_some("must be a strict subset of `cidr`"));
        errors.extend(wrong.map(|detail| FieldError::invalid(path, except, detail)));
    }
}

fn block_warnings(block: &Value, path: &str, warnings: &mut Vec<String>) {
    warnings.extend(ip::range_warning(text(block, "/cidr"), &format!("{path}.cidr")));
    for (i, except) in list(block, "/except").iter().filter_map(Value::as_str).enumerate() {
        warnings.extend(ip::range_warning(except, &format!("{path}.except[{i}]")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn peers_and_ports_are_checked() {
        let table = [
            (
                json!({"ingress": [{"from": [{}]}]}),
                "spec.ingress[0].from[0]: Required value: must specify a peer",
            ),
            (
                json!({"ingress": [{"from": [{"ipBlock": {"cidr": "x"}}]}]}),
                "spec.ingress[0].from[0].ipBlock.cidr: Invalid value: \"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            ),
            (
                json!({"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["1.0.0.0/8"]}}]}]}),
                "spec.egress[0].to[0].ipBlock.except[0]: Invalid value: \"1.0.0.0/8\": must be a strict subset of `cidr`",
            ),
            (
                json!({"ingress": [{"from": [{"podSelector": {}, "ipBlock": {"cidr": "1.2.3.0/24"}}]}]}),
                "spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer",
            ),
            (
                json!({"ingress": [{"ports": [{"endPort": 5}]}]}),
                "spec.ingress[0].ports[0].endPort: Invalid value: 5: may not be specified when `port` is not specified",
            ),
            (
                json!({"policyTypes": ["x"]}),
                "spec.policyTypes[0]: Unsupported value: \"x\": supported values: \"Ingress\", \"Egress\"",
            ),
        ];
        for (spec, text) in table {
            let errors = NetworkPolicy.validate_create(&json!({"spec": spec}));
            assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
        }
        let fine = json!({"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
            "ports": [{"port": 80, "endPort": 90}, {"port": "http"}]}]});
        assert_eq!(NetworkPolicy.validate_create(&json!({"spec": fine})), []);
    }
}
