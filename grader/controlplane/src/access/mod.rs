//! Who asks, and whether they may.
//!
//! A request passes three gates before anybody looks at what it wants: authentication says who sends it
//! (401 otherwise), impersonation lets those who may put on another identity, authorization says whether that
//! identity may do this (403 otherwise). The order is that of a real server's filters
//! (apiserver/pkg/server/config.go, `DefaultBuildHandlerChain`).
//!
//! # Guarantees
//! - What RBAC allows follows from the Roles and bindings that are stored when the request comes, no later.
//! - A decision costs what the rules of its user cost, however many objects are stored.

mod attributes;
mod authentication;
mod control;
mod flow_control;
mod impersonation;
pub(crate) mod rbac;
pub(crate) mod reviews;
pub(crate) mod signers;
pub(crate) mod tokens;
mod user;

pub(crate) use attributes::{Attributes, ResourceAttributes, Target};
pub(crate) use control::{AccessControl, Decision};
pub(crate) use flow_control::{FLOW_SCHEMAS, Flow, PRIORITY_LEVELS};
pub use tokens::ServiceAccountTokens;
pub use user::User;

use std::collections::BTreeMap;
use std::fmt;

/// How the server tells who asks and what they may.
///
/// # Example
/// ```
/// use controlplane::access::{Access, Authorization, Strangers, User};
///
/// let access = Access {
///     tokens: [("alice-token".to_owned(), User::new("alice", ["dev"]))].into(),
///     strangers: Strangers::Anonymous,
///     authorization: Authorization::Rbac,
///     ..Access::default()
/// };
/// ```
#[derive(Clone, Default)]
pub struct Access {
    /// Bearer tokens and whose they are.
    pub tokens: BTreeMap<String, User>,
    /// Who a request is from that says nothing, or nothing true, about its sender.
    pub strangers: Strangers,
    /// Who decides what a user may do.
    pub authorization: Authorization,
    /// How tokens of service accounts are made.
    pub service_account_tokens: ServiceAccountTokens,
    /// Who signs client certificates, PEM. Extension servers find it in the ConfigMap
    /// `kube-system/extension-apiserver-authentication` of a new cluster with RBAC; without one there is no such
    /// ConfigMap.
    pub client_authority: Option<String>,
}

/// Who a request is from that says nothing, or nothing true, about its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strangers {
    /// The administrator: a cluster for whoever can reach it.
    #[default]
    Administrator,
    /// `system:anonymous` without credentials, 401 with wrong ones: what a real server does.
    Anonymous,
}

/// Who decides what a user may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// Everybody may do everything.
    #[default]
    AlwaysAllow,
    /// The stored Roles and bindings; a new cluster has those that a real server makes by itself.
    Rbac,
}

/// Shows no tokens.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users: Vec<&str> = self.tokens.values().map(|user| user.name.as_str()).collect();
        f.debug_struct("Access")
            .field("users", &users)
            .field("strangers", &self.strangers)
            .field("authorization", &self.authorization)
            .field("issuer", &self.service_account_tokens.issuer)
            .finish()
    }
}
