//! Whom a webhook's certificate has to be from: somebody in the bundle, as Go understands that (crypto/x509/verify.go).
//!
//! A certificate that is in the bundle itself needs nobody who signed it. Webhooks often have one that they signed
//! themselves, as an authority even, which webpki alone would refuse as the certificate of a server.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::{Arc, LazyLock};
use x509_cert::Certificate;
use x509_cert::der::Decode;

#[derive(Debug)]
pub(crate) struct FromBundle {
    bundle: Vec<CertificateDer<'static>>,
    signed: Arc<WebPkiServerVerifier>,
}

impl FromBundle {
    /// Trusts these certificates, and those that they have signed.
    ///
    /// # Errors
    /// One of them is none, or there is none.
    pub(crate) fn new(
        bundle: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in &bundle {
            let added = roots.add(certificate.clone());
            added.map_err(|error| format!("unable to load root certificates: {error}"))?;
        }
        Self::trusting(bundle, roots, provider)
    }

    /// Trusts what the system trusts. Go, too, skips certificates there that it cannot read.
    ///
    /// # Errors
    /// The system trusts nobody.
    pub(crate) fn of_system(provider: Arc<CryptoProvider>) -> Result<Self, String> {
        static SYSTEM: LazyLock<Vec<CertificateDer<'static>>> =
            LazyLock::new(|| rustls_native_certs::load_native_certs().certs);
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(SYSTEM.iter().cloned());
        Self::trusting(SYSTEM.clone(), roots, provider)
    }

    fn trusting(
        bundle: Vec<CertificateDer<'static>>,
        roots: RootCertStore,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let signed = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let signed = signed.map_err(|_| "tls: failed to verify certificate: nobody is trusted")?;
        Ok(Self { bundle, signed })
    }
}

impl ServerCertVerifier for FromBundle {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.bundle.iter().any(|trusted| trusted == certificate) {
            return self.signed.verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        }
        check_time(certificate, now)?;
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}

fn check_time(certificate: &[u8], now: UnixTime) -> Result<(), Error> {
    let parsed = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let validity = parsed.tbs_certificate().validity();
    let seconds = now.as_secs();
    if seconds < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if seconds > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}
