//! The operator that the course starts from: one `Database` object becomes a running PostgreSQL.
//!
//! It is a *basic* operator on purpose: it creates what a Database needs and says little about how it goes.
//! Each lab takes it one step towards production. Read it in this order:
//!
//! - [`api`]: what a user writes (`spec`) and what the operator answers (`status`);
//! - [`children`]: the Secret, the Service and the StatefulSet that a Database needs;
//! - [`apply`]: how they get into the cluster, the same way on the first visit and on the thousandth;
//! - [`operator`]: the reconcile loop that ties it together;
//! - [`backoff`]: how long to wait after a failure.
//!
//! Labs declare a `Database` of their own, as each lab's API knows more than the one before. The part of the
//! spec that all of them share is [`PostgresSpec`], and everything here takes the owner as any
//! [`kube::Resource`], so that it serves all of them.

pub mod api;
pub mod children;

pub mod apply;
pub mod operator;

pub mod backoff;
mod error;

pub use api::{Database, DatabaseSpec, DatabaseStatus, Phase, PostgresSpec, Storage};
pub use error::{Error, failed};
pub use operator::run;

/// Who the operator is when it writes: the owner of the fields it applies.
///
/// Server-side apply keeps the books by this name. It must stay the same for the life of the operator: under a
/// new name, the fields of the old one would never be removed again.
pub const FIELD_MANAGER: &str = "postgres-operator";
