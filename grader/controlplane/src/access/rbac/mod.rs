//! Role-based access control: what the stored Roles, ClusterRoles and their bindings allow
//! (plugin/pkg/auth/authorizer/rbac).

pub(crate) mod bootstrap;
pub(crate) mod escalation;
mod index;
mod rules;
#[cfg(test)]
mod tests;

pub(super) use index::{Grant, Index};
pub(crate) use rules::{PolicyRule, quoted};

use crate::store::ResourceId;

/// The API group of roles and bindings.
pub(crate) const GROUP: &str = "rbac.authorization.k8s.io";
/// Roles of the whole cluster.
pub(crate) const CLUSTER_ROLES: ResourceId = ResourceId::known(GROUP, "clusterroles");
/// Who has them everywhere.
pub(crate) const CLUSTER_ROLE_BINDINGS: ResourceId = ResourceId::known(GROUP, "clusterrolebindings");
/// Roles of one namespace.
pub(crate) const ROLES: ResourceId = ResourceId::known(GROUP, "roles");
/// Who has a role in one namespace.
pub(crate) const ROLE_BINDINGS: ResourceId = ResourceId::known(GROUP, "rolebindings");
