//! Client certificates: asked for, never demanded, and looked at only after the handshake, as kube-apiserver does. So
//! that a wrong certificate is answered with 401 and not with a broken connection.

use controlplane::ClientCertificate;
use controlplane::access::User;
use ring::digest;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::sync::Arc;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::pkix::name::DirectoryString;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANISATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// Lets every client through the handshake that holds the key of the certificate it shows, whoever signed it.
#[derive(Debug)]
pub(crate) struct AnyClient {
    authority: Arc<dyn ClientCertVerifier>,
}

impl AnyClient {
    /// `authority` is who decides in [`identify`].
    pub(crate) fn new(authority: Arc<dyn ClientCertVerifier>) -> Self {
        Self { authority }
    }
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authority.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authority.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authority.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authority.supported_verify_schemes()
    }
}

/// Who signs the clients that are known.
pub(crate) fn verifier(
    authority: CertificateDer<'static>,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority)?;
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| Error::General(error.to_string()))
}

/// What the chain that a client showed says about it.
pub(crate) fn identify(
    authority: &dyn ClientCertVerifier,
    chain: Option<&[CertificateDer<'_>]>,
) -> ClientCertificate {
    let Some((certificate, intermediates)) = chain.and_then(<[_]>::split_first) else {
        return ClientCertificate::None;
    };
    match authority.verify_client_cert(certificate, intermediates, UnixTime::now()) {
        Ok(_) => subject(certificate).map_or(ClientCertificate::Refused, ClientCertificate::Verified),
        Err(_) => ClientCertificate::Refused,
    }
}

/// The common name is the user, every organisation a group; without a common name it is nobody.
fn subject(certificate: &[u8]) -> Option<User> {
    let parsed = Certificate::from_der(certificate).ok()?;
    let (mut name, mut groups) = (String::new(), Vec::new());
    for attribute in parsed.tbs_certificate().subject().iter() {
        let Ok(text) = attribute.value.decode_as::<DirectoryString>() else { continue };
        match attribute.oid {
            COMMON_NAME => text.value().as_ref().clone_into(&mut name),
            ORGANISATION => groups.push(text.value().as_ref().to_owned()),
            _ => {}
        }
    }
    let fingerprint: String = digest::digest(&digest::SHA256, certificate)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    (!name.is_empty()).then(|| User::from_certificate(&name, groups, &fingerprint))
}
