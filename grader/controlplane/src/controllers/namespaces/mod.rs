//! What happens to and in every namespace: it is emptied when it is deleted, and has a ServiceAccount `default` and a
//! ConfigMap `kube-root-ca.crt` while it lives.

mod conditions;
mod furnishing;
mod lifecycle;

pub use furnishing::{RootCaPublisher, ServiceAccounts};
pub use lifecycle::NamespaceLifecycle;
