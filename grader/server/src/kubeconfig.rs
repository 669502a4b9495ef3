//! The file that tells a client where a cluster is and who the client is.

use crate::authority::Credentials;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What the cluster and its context are called.
const CLUSTER: &str = "embedded";

/// A kubeconfig for one cluster and one user who has a client certificate. It needs no other
/// file.
pub fn with_certificate(server: &str, authority: &str, user: &str, credentials: &Credentials) -> String {
    let base64 = |text: &str| STANDARD.encode(text);
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         clusters:\n\
         - name: {CLUSTER}\n  \
           cluster:\n    \
             server: {server}\n    \
             certificate-authority-data: {}\n\
         users:\n\
         - name: {user}\n  \
           user:\n    \
             client-certificate-data: {}\n    \
             client-key-data: {}\n\
         contexts:\n\
         - name: {CLUSTER}\n  \
           context:\n    \
             cluster: {CLUSTER}\n    \
             user: {user}\n\
         current-context: {CLUSTER}\n\
         preferences: {{}}\n",
        base64(authority),
        base64(&credentials.certificate),
        base64(&credentials.key),
    )
}
