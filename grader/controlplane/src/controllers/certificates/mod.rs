//! Requests for certificates: those of kubelets are approved, what is approved is signed, and old ones go
//! (pkg/controller/certificates).

mod approver;
mod authority;
mod cleaner;
mod policy;
mod signer;

pub use approver::CertificateApprover;
pub use authority::{CertificateAuthority, SignatureAlgorithm, SigningKey, UnusableAuthority};
pub use cleaner::CertificateCleaner;
pub use signer::CertificateSigner;

use super::fields;
use crate::certificates::{self, CertificateRequest};
use crate::store::ResourceId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const GROUP: &str = "certificates.k8s.io";
const RESOURCE: &str = "certificatesigningrequests";
const REQUESTS: ResourceId = ResourceId::known(GROUP, RESOURCE);
const CLIENT: &str = "kubernetes.io/kube-apiserver-client";
const KUBELET_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const KUBELET_SERVING: &str = "kubernetes.io/kubelet-serving";
const LEGACY: &str = "kubernetes.io/legacy-unknown";

/// What is asked for; nothing for what nobody can read.
fn parsed(object: &Value) -> Option<CertificateRequest> {
    let pem = STANDARD.decode(fields::text(object, "/spec/request")).ok()?;
    certificates::certificate_request(&pem).ok()
}

fn usages(object: &Value) -> Vec<&str> {
    fields::items(object, "/spec/usages").iter().filter_map(Value::as_str).collect()
}

fn has_certificate(object: &Value) -> bool {
    !fields::text(object, "/status/certificate").is_empty()
}
