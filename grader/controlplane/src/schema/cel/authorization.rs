//! Asking what a requester may do: `authorizer` and what is made of it (apiserver/pkg/cel/library/authz.go).

use super::evaluate::{Evaluated, Fault};
use super::value::{Text, Value};
use crate::access::{AccessControl, Attributes, Decision, ResourceAttributes, Target, User};
use crate::builtins::names;
use std::rc::Rc;
use std::sync::Arc;

/// What one check costs, so that two of them may stand in an expression.
const CHECK_COST: u64 = 350_000;

/// Somebody of whom expressions may ask what he may do.
#[derive(Clone, Debug)]
pub(crate) struct Requester<'a> {
    control: &'a AccessControl,
    user: Arc<User>,
}

/// What is asked about so far.
#[derive(Clone, Debug)]
pub(super) enum Authorization<'a> {
    Authorizer(Requester<'a>),
    Path(Requester<'a>, String),
    Group(Requester<'a>, String),
    Resource(Requester<'a>, ResourceCheck),
    Decision(Decision),
}

/// A resource as rules name it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResourceCheck {
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl<'a> Requester<'a> {
    pub(crate) fn new(control: &'a AccessControl, user: Arc<User>) -> Self {
        Self { control, user }
    }

    fn decide(&self, verb: &str, target: Target<'_>) -> Decision {
        self.control.decide(&Attributes { user: &self.user, verb, target })
    }

    fn service_account(&self, namespace: &str, name: &str) -> Result<Self, Fault> {
        let invalid = |what: &str| Fault::Error(format!("Invalid service account {what}"));
        if !names::dns_subdomain(name).is_empty() {
            return Err(invalid("name"));
        }
        if !names::dns_label(namespace).is_empty() {
            return Err(invalid("namespace"));
        }
        let user = User::service_account(namespace, name, "");
        Ok(Self { control: self.control, user: Arc::new(user) })
    }
}

impl<'a> Authorization<'a> {
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Authorizer(_) => "kubernetes.authorization.Authorizer",
            Self::Path(..) => "kubernetes.authorization.PathCheck",
            Self::Group(..) => "kubernetes.authorization.GroupCheck",
            Self::Resource(..) => "kubernetes.authorization.ResourceCheck",
            Self::Decision(_) => "kubernetes.authorization.Decision",
        }
    }

    /// Calls one of its methods.
    pub(super) fn call(&self, method: &str, args: &[Value<'a>]) -> Evaluated<'a> {
        let texts: Vec<&str> = args
            .iter()
            .map_while(|arg| match arg {
                Value::String(Text::Borrowed(text)) => Some(*text),
                Value::String(Text::Shared(text)) => Some(&**text),
                _ => None,
            })
            .collect();
        let empty = |what: &str| Err(Fault::Error(format!("{what} must not be empty")));
        let next = match (self, method, texts.as_slice()) {
            (Self::Authorizer(_), "path", [path]) if path.trim().is_empty() => return empty("path"),
            (Self::Authorizer(who), "path", [path]) => Self::Path(who.clone(), (*path).to_owned()),
            (Self::Authorizer(who), "group", [group]) => Self::Group(who.clone(), (*group).to_owned()),
            (Self::Authorizer(who), "serviceAccount", [namespace, name]) => {
                Self::Authorizer(who.service_account(namespace, name)?)
            }
            (Self::Group(..), "resource", [resource]) if resource.trim().is_empty() => {
                return empty("resource");
            }
            (Self::Group(who, group), "resource", [resource]) => {
                let check = ResourceCheck {
                    group: group.clone(),
                    resource: (*resource).to_owned(),
                    ..ResourceCheck::default()
                };
                Self::Resource(who.clone(), check)
            }
            (Self::Resource(who, check), "subresource" | "namespace" | "name", [text]) => {
                let mut check = check.clone();
                match method {
                    "subresource" => check.subresource = (*text).to_owned(),
                    "namespace" => check.namespace = (*text).to_owned(),
                    _ => check.name = (*text).to_owned(),
                }
                Self::Resource(who.clone(), check)
            }
            // RBAC does not look at selectors.
            (Self::Resource(..), "fieldSelector" | "labelSelector", [_]) => self.clone(),
            (Self::Path(who, path), "check", [verb]) => Self::Decision(who.decide(verb, Target::Path(path))),
            (Self::Resource(who, check), "check", [verb]) => {
                Self::Decision(who.decide(verb, Target::Resource(check.attributes())))
            }
            (Self::Decision(decision), "allowed", []) => return Ok(Value::Bool(decision.allowed)),
            (Self::Decision(decision), "reason", []) => return Ok(Value::text(decision.reason.as_str())),
            // An authorizer that cannot decide says no: it never fails.
            (Self::Decision(_), "errored", []) => return Ok(Value::Bool(false)),
            (Self::Decision(_), "error", []) => return Ok(Value::text("")),
            _ => {
                let types = args.iter().map(Value::type_name);
                let types: Vec<&str> = std::iter::once(self.type_name()).chain(types).collect();
                return Err(Fault::Error(format!("no such overload: {method}({})", types.join(", "))));
            }
        };
        Ok(next.into())
    }
}

impl<'a> From<Authorization<'a>> for Value<'a> {
    fn from(authorization: Authorization<'a>) -> Self {
        Value::Authorization(Rc::new(authorization))
    }
}

impl ResourceCheck {
    fn attributes(&self) -> ResourceAttributes<'_> {
        ResourceAttributes {
            group: &self.group,
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
        }
    }
}

/// What calling a method costs.
pub(super) fn cost(method: &str, args: &[Value<'_>]) -> u64 {
    let length = || args.first().and_then(Value::len).unwrap_or(1) as u64;
    match method {
        "check" => CHECK_COST,
        // A selector is read, and a requirement takes two characters at least.
        "fieldSelector" | "labelSelector" => 10 + length().div_ceil(10) + length().div_ceil(2) * 50,
        _ => 1,
    }
}
