//! Which requests a built-in signer signs (pkg/controller/certificates/signer/signer.go,
//! pkg/apis/certificates/helpers.go).

use super::{CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY};
use crate::certificates::CertificateRequest;
use std::collections::BTreeSet;
use x509_cert::ext::pkix::name::GeneralName;

const NODES: &str = "system:nodes";
const NODE_PREFIX: &str = "system:node:";
/// Keys other than those of RSA encipher nothing, so that kubelets need not ask for it.
const OPTIONAL: &str = "key encipherment";
const SIGNING: &str = "digital signature";
const CLIENT_AUTH: &str = "client auth";
const SERVER_AUTH: &str = "server auth";

/// Whether a built-in signer signs a request: nothing when no signer of this name is built in.
///
/// # Errors
/// Why the signer does not sign this one.
pub(super) fn check(
    signer: &str,
    request: &CertificateRequest,
    usages: &[&str],
) -> Option<Result<(), String>> {
    match signer {
        CLIENT => Some(client(usages)),
        KUBELET_CLIENT => Some(kubelet_client(request, usages)),
        KUBELET_SERVING => Some(kubelet_serving(request, usages)),
        LEGACY => Some(Ok(())),
        _ => None,
    }
}

fn client(usages: &[&str]) -> Result<(), String> {
    if let Some(usage) = usages.iter().find(|usage| ![SIGNING, OPTIONAL, CLIENT_AUTH].contains(usage)) {
        return Err(format!("invalid usage for client certificate: {usage}"));
    }
    if !usages.contains(&CLIENT_AUTH) {
        return Err(format!("missing required usage for client certificate: {CLIENT_AUTH}"));
    }
    Ok(())
}

/// What a kubelet asks for to speak to the server.
///
/// # Errors
/// Why no kubelet asks for this.
pub(super) fn kubelet_client(request: &CertificateRequest, usages: &[&str]) -> Result<(), String> {
    of_nodes(request)?;
    let names = Names::of(request);
    for (there, kind) in [(names.dns, "DNS"), (names.email, "Email"), (names.ip, "IP"), (names.uri, "URI")] {
        if there {
            return Err(format!("{kind} subjectAltNames are not allowed"));
        }
    }
    of_node(request)?;
    exactly(usages, CLIENT_AUTH)
}

fn kubelet_serving(request: &CertificateRequest, usages: &[&str]) -> Result<(), String> {
    of_nodes(request)?;
    let names = Names::of(request);
    if !names.dns && !names.ip {
        return Err("DNS or IP subjectAltName is required".to_owned());
    }
    for (there, kind) in [(names.email, "Email"), (names.uri, "URI")] {
        if there {
            return Err(format!("{kind} subjectAltNames are not allowed"));
        }
    }
    exactly(usages, SERVER_AUTH)?;
    of_node(request)
}

fn of_nodes(request: &CertificateRequest) -> Result<(), String> {
    let right = request.organizations() == [NODES];
    if right { Ok(()) } else { Err(format!("subject organization is not {NODES}")) }
}

fn of_node(request: &CertificateRequest) -> Result<(), String> {
    let right = request.common_name().starts_with(NODE_PREFIX);
    if right { Ok(()) } else { Err(format!("subject common name does not begin with {NODE_PREFIX}")) }
}

fn exactly(usages: &[&str], purpose: &str) -> Result<(), String> {
    let asked: BTreeSet<&str> = usages.iter().copied().filter(|usage| *usage != OPTIONAL).collect();
    if asked == BTreeSet::from([SIGNING, purpose]) {
        return Ok(());
    }
    let all = BTreeSet::from([SIGNING, OPTIONAL, purpose]);
    Err(format!("usages did not match [{}]", Vec::from_iter(all).join(" ")))
}

/// Which kinds of further names a request asks for.
#[derive(Default)]
struct Names {
    dns: bool,
    email: bool,
    ip: bool,
    uri: bool,
}

impl Names {
    fn of(request: &CertificateRequest) -> Self {
        let mut names = Self::default();
        for name in request.general_names() {
            match name {
                GeneralName::DnsName(_) => names.dns = true,
                GeneralName::Rfc822Name(_) => names.email = true,
                GeneralName::IpAddress(_) => names.ip = true,
                GeneralName::UniformResourceIdentifier(_) => names.uri = true,
                _ => {}
            }
        }
        names
    }
}
