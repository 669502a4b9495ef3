//! Roles and their bindings (pkg/apis/rbac/validation/validation.go).

use crate::builtins::fields::{at, list, text};
use crate::builtins::names::{self, NameRule};
use crate::builtins::rules::Rules;
use crate::field_error::FieldError;
use crate::selector::label;
use serde_json::{Value, json};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Roles and ClusterRoles.
pub(super) struct Role {
    pub(super) namespaced: bool,
}

impl Rules for Role {
    fn names(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn validate_create(&self, role: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        for (i, rule) in list(role, "/rules").iter().enumerate() {
            errors.extend(policy_rule(rule, self.namespaced, &format!("rules[{i}]")));
        }
        if role.get("aggregationRule").is_some_and(Value::is_object) {
            let path = "aggregationRule.clusterRoleSelectors";
            let selectors = list(role, "/aggregationRule/clusterRoleSelectors");
            if selectors.is_empty() {
                let detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
                errors.push(FieldError::required(path, detail));
            }
            for (i, selector) in selectors.iter().enumerate() {
                let path = format!("{path}[{i}]");
                let wrong = label::validate(selector, &path);
                if !wrong.is_empty() {
                    errors.push(FieldError::invalid(path, Value::Null, "invalid label selector."));
                }
                errors.extend(wrong);
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, _old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        self.validate_create(new)
    }
}

/// RoleBindings and ClusterRoleBindings.
pub(super) struct Binding {
    pub(super) namespaced: bool,
}

impl Rules for Binding {
    fn names(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn validate_create(&self, binding: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let (group, kind) = (text(binding, "/roleRef/apiGroup"), text(binding, "/roleRef/kind"));
        if group != GROUP {
            errors.push(FieldError::not_supported("roleRef.apiGroup", group, [GROUP]));
        }
        let kinds: &[&str] = if self.namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
        if !kinds.contains(&kind) {
            errors.push(FieldError::not_supported("roleRef.kind", kind, kinds));
        }
        match text(binding, "/roleRef/name") {
            "" => errors.push(FieldError::required("roleRef.name", "")),
            name => {
                let bad = names::path_segment(name).into_iter();
                errors.extend(bad.map(|e| FieldError::invalid("roleRef.name", name, e)));
            }
        }
        for (i, subject) in list(binding, "/subjects").iter().enumerate() {
            errors.extend(self.subject(subject, &format!("subjects[{i}]")));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, _subresource: Option<&str>) -> Vec<FieldError> {
        let mut errors = self.validate_create(new);
        if new.get("roleRef") != old.get("roleRef") {
            // As Go shows a struct that has no JSON names.
            let part = |key: &str| text(at(new, "/roleRef"), key);
            let reference =
                json!({"APIGroup": part("/apiGroup"), "Kind": part("/kind"), "Name": part("/name")});
            errors.push(FieldError::invalid("roleRef", reference, "cannot change roleRef"));
        }
        errors
    }
}

impl Binding {
    fn subject(&self, subject: &Value, path: &str) -> Vec<FieldError> {
        let (name, group, kind) =
            (text(subject, "/name"), text(subject, "/apiGroup"), text(subject, "/kind"));
        let mut errors = Vec::new();
        if name.is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        }
        let group_must_be = |wanted: &str| {
            (group != wanted)
                .then(|| FieldError::not_supported(format!("{path}.apiGroup"), group, [wanted.to_owned()]))
        };
        match kind {
            "ServiceAccount" => {
                if !name.is_empty() {
                    let bad = names::dns_subdomain(name).into_iter();
                    errors.extend(bad.map(|e| FieldError::invalid(format!("{path}.name"), name, e)));
                }
                errors.extend(group_must_be(""));
                if !self.namespaced && text(subject, "/namespace").is_empty() {
                    errors.push(FieldError::required(format!("{path}.namespace"), ""));
                }
            }
            "User" | "Group" => errors.extend(group_must_be(GROUP)),
            _ => {
                let kinds = ["ServiceAccount", "User", "Group"];
                errors.push(FieldError::not_supported(format!("{path}.kind"), kind, kinds));
            }
        }
        errors
    }
}

fn policy_rule(rule: &Value, namespaced: bool, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let empty = |key: &str| list(rule, &format!("/{key}")).is_empty();
    if empty("verbs") {
        errors.push(FieldError::required(format!("{path}.verbs"), "verbs must contain at least one value"));
    }
    if !empty("nonResourceURLs") {
        let path = format!("{path}.nonResourceURLs");
        let mut refuse = |detail: &str| {
            let urls = Value::from(list(rule, "/nonResourceURLs").to_vec());
            errors.push(FieldError::invalid(path.as_str(), urls, detail));
        };
        if namespaced {
            refuse("namespaced rules cannot apply to non-resource URLs");
        }
        if !empty("apiGroups") || !empty("resources") || !empty("resourceNames") {
            refuse("rules cannot apply to both regular resources and non-resource URLs");
        }
        return errors;
    }
    if empty("apiGroups") {
        let detail = "resource rules must supply at least one api group";
        errors.push(FieldError::required(format!("{path}.apiGroups"), detail));
    }
    if empty("resources") {
        let detail = "resource rules must supply at least one resource";
        errors.push(FieldError::required(format!("{path}.resources"), detail));
    }
    errors
}
