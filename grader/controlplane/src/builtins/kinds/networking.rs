//! Ingresses (pkg/apis/networking/validation/validation.go).

use super::{default_class, service_reach};
use crate::builtins::fields::{at, has, list, number, put, text};
use crate::builtins::names;
use crate::builtins::rules::{Cluster, Rules};
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::store::ResourceId;
use serde_json::Value;

/// Where an Ingress named its class before there was a field for it.
const OLD_CLASS: &str = "kubernetes.io/ingress.class";
const INGRESS_CLASSES: ResourceId = ResourceId::known("networking.k8s.io", "ingressclasses");

/// What exact paths and prefixes do not have in them, and how they do not end.
const NEVER_IN_PATHS: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const NEVER_ENDS_PATHS: [&str; 2] = ["/..", "/."];

pub(super) struct Ingress;

impl Rules for Ingress {
    fn counts_generation(&self) -> bool {
        true
    }

    /// A new one is of the default class when it names none (plugin/pkg/admission/network/defaultingressclass).
    fn admit(&self, new: &mut Value, old: Option<&Value>, cluster: &mut dyn Cluster) -> Result<(), ApiError> {
        let annotations = at(new, "/metadata/annotations");
        let is_named = has(at(new, "/spec"), "ingressClassName") || has(annotations, OLD_CLASS);
        if old.is_none() && !is_named {
            let classes = cluster.list(&INGRESS_CLASSES, None);
            if let Some(name) = default_class::name(&classes, "ingressclass.kubernetes.io/is-default-class") {
                put(new, &["spec", "ingressClassName"], name);
            }
        }
        Ok(())
    }

    fn warnings(&self, ingress: &Value, old: Option<&Value>) -> Vec<String> {
        let is_annotated = has(at(ingress, "/metadata/annotations"), OLD_CLASS);
        let is_old = old.is_none() && is_annotated && !has(at(ingress, "/spec"), "ingressClassName");
        let warning =
            || format!("annotation {OLD_CLASS:?} is deprecated, please use 'spec.ingressClassName' instead");
        is_old.then(warning).into_iter().collect()
    }

    fn validate_create(&self, ingress: &Value) -> Vec<FieldError> {
        let spec = at(ingress, "/spec");
        let mut errors = Vec::new();
        let rules = list(spec, "/rules");
        let default = at(spec, "/defaultBackend");
        if rules.is_empty() && default.is_null() {
            let detail = "either `defaultBackend` or `rules` must be specified";
            errors.push(FieldError::invalid("spec", Value::Null, detail));
        }
        if default.is_object() {
            backend(default, "spec.defaultBackend", &mut errors);
        }
        for (i, rule) in rules.iter().enumerate() {
            let path = format!("spec.rules[{i}]");
            let host = text(rule, "/host");
            if !host.is_empty() {
                let bad = names::dns_subdomain(host.strip_prefix("*.").unwrap_or(host)).into_iter();
                errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.host"), host, e)));
                if host.parse::<std::net::IpAddr>().is_ok() {
                    let detail = "must be a DNS name, not an IP address";
                    errors.push(FieldError::invalid(format!("{path}.host"), host, detail));
                }
            }
            let http = at(rule, "/http");
            let paths = list(http, "/paths");
            if http.is_object() && paths.is_empty() {
                errors.push(FieldError::required(format!("{path}.http.paths"), ""));
            }
            for (j, place) in paths.iter().enumerate() {
                ingress_path(place, &format!("{path}.http.paths[{j}]"), &mut errors);
            }
        }
        let class = text(spec, "/ingressClassName");
        if has(spec, "ingressClassName") {
            let wrong = names::dns_subdomain(class);
            errors.extend(FieldError::invalid_for_each("spec.ingressClassName", class, wrong));
        }
        for (i, tls) in list(spec, "/tls").iter().enumerate() {
            for (j, host) in list(tls, "/hosts").iter().filter_map(Value::as_str).enumerate() {
                let bad = names::dns_subdomain(host.strip_prefix("*.").unwrap_or(host)).into_iter();
                let path = format!("spec.tls[{i}].hosts[{j}]");
                errors.extend(bad.map(|e| FieldError::invalid(path.as_str(), host, e)));
            }
            let secret = text(tls, "/secretName");
            if !secret.is_empty() {
                let bad = names::dns_subdomain(secret).into_iter();
                let path = format!("spec.tls[{i}].secretName");
                errors.extend(bad.map(|e| FieldError::invalid(path.as_str(), secret, e)));
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        match subresource {
            Some(_) => service_reach::balancing_points(new),
            None => self.validate_create(new),
        }
    }
}

fn ingress_path(place: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (kind, below) = (text(place, "/pathType"), text(place, "/path"));
    match kind {
        "" => {
            errors.push(FieldError::required(format!("{path}.pathType"), "pathType must be specified"));
            return;
        }
        "Exact" | "Prefix" | "ImplementationSpecific" => {
            let optional = kind == "ImplementationSpecific" && below.is_empty();
            if !below.starts_with('/') && !optional {
                let detail = "must be an absolute path";
                errors.push(FieldError::invalid(format!("{path}.path"), below, detail));
            }
            if kind != "ImplementationSpecific" && !below.is_empty() {
                for part in NEVER_IN_PATHS.iter().filter(|part| below.contains(**part)) {
                    let detail = format!("must not contain '{part}'");
                    errors.push(FieldError::invalid(format!("{path}.path"), below, detail));
                }
                for end in NEVER_ENDS_PATHS.iter().filter(|end| below.ends_with(**end)) {
                    let detail = format!("cannot end with '{end}'");
                    errors.push(FieldError::invalid(format!("{path}.path"), below, detail));
                }
            }
        }
        _ => {
            let known = ["Exact", "ImplementationSpecific", "Prefix"];
            errors.push(FieldError::not_supported(format!("{path}.pathType"), kind, known));
        }
    }
    backend(at(place, "/backend"), &format!("{path}.backend"), errors);
}

fn backend(backend: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let service = at(backend, "/service");
    match (service.is_object(), at(backend, "/resource").is_object()) {
        (true, true) => {
            errors.push(FieldError::invalid(path, "", "cannot set both resource and service backends"));
        }
        (false, true) => {}
        (false, false) => {
            errors.push(FieldError::invalid(path, "", "resource or service backend is required"))
        }
        (true, false) => {
            match text(service, "/name") {
                "" => errors.push(FieldError::required(format!("{path}.service.name"), "")),
                name => {
                    let bad = names::dns_label(name).into_iter();
                    errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.service.name"), name, e)));
                }
            }
            let (name, number) =
                (text(service, "/port/name"), number(service, "/port/number").unwrap_or_default());
            let path_of = |key: &str| format!("{path}.service.port.{key}");
            match (name, number) {
                ("", 0) => errors.push(FieldError::required(path, "port name or number is required")),
                ("", number) => {
                    let bad = names::port_number(number).into_iter();
                    errors.extend(bad.map(|e| FieldError::invalid(path_of("number"), number, e)));
                }
                (name, 0) => {
                    let bad = names::port_name(name).into_iter();
                    errors.extend(bad.map(|e| FieldError::invalid(path_of("name"), name, e)));
                }
                _ => errors.push(FieldError::invalid(path, "", "cannot set both port name & port number")),
            }
        }
    }
}
