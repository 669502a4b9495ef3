//! Who asks, and whether they may: the one place where access is decided.

use crate::error::ApiError;
use crate::request::{ClientCertificate, Request};
use crate::store::ResourceId;
use http::header;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Somebody who is known to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name that texts and rules use.
    pub name: String,
    /// A stable id; may be empty.
    pub uid: String,
    /// The groups that the user is in.
    pub groups: Vec<String>,
}

/// What a user wants to do with a resource.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    /// Who.
    pub user: &'a User,
    /// As rules name it: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: &'a str,
    /// What kind of object.
    pub resource: &'a ResourceId,
    /// Which part of it; empty for the object itself.
    pub subresource: &'a str,
    /// Where; empty for cluster-scoped objects and for all namespaces.
    pub namespace: &'a str,
    /// Which one; empty for a collection.
    pub name: &'a str,
}

/// Decides about requests.
pub trait Authorizer: Send + Sync {
    /// Whether the request may go on.
    fn allows(&self, attributes: &Attributes<'_>) -> bool;
}

/// How the server tells who asks and what they may.
#[derive(Clone, Default)]
pub struct Access {
    /// Bearer tokens and whose they are. Empty: everybody is the administrator, whatever they send.
    pub tokens: BTreeMap<String, User>,
    /// Decides about everybody outside of `system:masters`; without one they may do everything.
    pub authorizer: Option<Arc<dyn Authorizer>>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users: Vec<&str> = self.tokens.values().map(|user| user.name.as_str()).collect();
        f.debug_struct("Access").field("users", &users).finish_non_exhaustive()
    }
}

impl Access {
    /// Who sent this request. A certificate is looked at before a token.
    ///
    /// # Errors
    /// 401 for a token that nobody has, and for a certificate that the cluster's authority did not sign.
    pub(crate) fn user(&self, request: &Request) -> Result<User, ApiError> {
        if let ClientCertificate::Verified(user) = &request.certificate {
            let mut user = user.clone();
            user.groups.push("system:authenticated".to_owned());
            return Ok(user);
        }
        let user = |name: &str, group: &str| User {
            name: name.to_owned(),
            uid: String::new(),
            groups: vec![group.to_owned()],
        };
        if self.tokens.is_empty() {
            return Ok(user("admin", "system:masters"));
        }
        let sent = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match sent.and_then(|text| text.strip_prefix("Bearer ")) {
            None if request.certificate == ClientCertificate::Refused => Err(ApiError::unauthorized()),
            None => Ok(user("system:anonymous", "system:unauthenticated")),
            Some(token) => self.tokens.get(token.trim()).cloned().ok_or_else(ApiError::unauthorized),
        }
    }

    /// # Errors
    /// 403 in the words of Kubernetes.
    pub(crate) fn check(&self, attributes: &Attributes<'_>) -> Result<(), ApiError> {
        let Some(authorizer) = &self.authorizer else { return Ok(()) };
        let is_master = attributes.user.groups.iter().any(|group| group == "system:masters");
        if is_master || authorizer.allows(attributes) {
            return Ok(());
        }
        let Attributes { user, verb, resource, subresource, namespace, name } = attributes;
        let part = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
        let place = match *namespace {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace \"{namespace}\""),
        };
        let why = format!(
            "User \"{}\" cannot {verb} resource \"{}{part}\" in API group \"{}\" {place}",
            user.name,
            resource.resource(),
            resource.group()
        );
        Err(ApiError::forbidden(resource, name, &why))
    }
}
