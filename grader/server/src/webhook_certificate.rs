//! Whom a webhook's certificate has to be from: somebody in the bundle, as Go understands that (crypto/x509/verify.go).
//!
//! A certificate that is in the bundle itself needs nobody who signed it. Webhooks often have one that they signed
//! themselves, as an authority even, which webpki alone would refuse as the certificate of a server.

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

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
        let parsed = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
        check_time(&parsed, now)?;
        if verify_server_name(&ParsedCertificate::try_from(certificate)?, name).is_err() {
            return Err(objection(another_name(&parsed, name)));
        }
        if self.bundle.iter().any(|trusted| trusted == certificate) {
            return Ok(ServerCertVerified::assertion());
        }
        let signed = self.signed.verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        signed.map_err(|error| match error {
            Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_),
            ) => objection("certificate signed by unknown authority".to_owned()),
            other => other,
        })
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

fn check_time(certificate: &Certificate, now: UnixTime) -> Result<(), Error> {
    let validity = certificate.tbs_certificate().validity();
    let seconds = now.as_secs();
    let (from, until) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
    let why = if seconds < from.as_secs() {
        format!("is before {}", written(from.as_secs()))
    } else if seconds > until.as_secs() {
        format!("is after {}", written(until.as_secs()))
    } else {
        return Ok(());
    };
    Err(objection(format!(
        "certificate has expired or is not yet valid: current time {} {why}",
        written(seconds)
    )))
}

fn written(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).to_string()
}

/// That a certificate is for others.
fn another_name(certificate: &Certificate, name: &ServerName<'_>) -> String {
    let wanted = name.to_str();
    let found = certificate.tbs_certificate().get_extension::<SubjectAltName>();
    let names = found.ok().flatten().map_or_else(Vec::new, |(_, names)| names.0);
    let valid: Vec<String> = match name {
        ServerName::IpAddress(_) => {
            let addresses: Vec<_> = names.iter().filter_map(address).collect();
            if addresses.is_empty() {
                return format!(
                    "cannot validate certificate for {wanted} because it doesn't contain any IP SANs"
                );
            }
            addresses
        }
        _ => {
            let of_domain = |name: &GeneralName| match name {
                GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
                _ => None,
            };
            names.iter().filter_map(of_domain).collect()
        }
    };
    match valid.is_empty() {
        true => format!("certificate is not valid for any names, but wanted to match {wanted}"),
        false => format!("certificate is valid for {}, not {wanted}", valid.join(", ")),
    }
}

fn address(name: &GeneralName) -> Option<String> {
    let GeneralName::IpAddress(bytes) = name else { return None };
    let bytes = bytes.as_bytes();
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let address = v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
    address.ok().map(|address| address.to_string())
}

fn objection(why: String) -> Error {
    CertificateError::Other(OtherError(Arc::new(Objection(why)))).into()
}

/// What is wrong with a certificate, as Go says it (crypto/x509/verify.go).
#[derive(Debug)]
struct Objection(String);

impl std::fmt::Display for Objection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "x509: {}", self.0)
    }
}

impl std::error::Error for Objection {}
