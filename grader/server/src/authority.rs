//! The cluster's certificate authority.

use crate::client_key;
use controlplane::controllers::{CertificateAuthority, SignatureAlgorithm, SigningKey, UnusableAuthority};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::IpAddr;
use std::sync::Arc;

/// What the authority calls itself, as kubeadm does.
const NAME: &str = "kubernetes";
/// The names that a client may reach the server by, besides its address.
const SERVER_NAMES: [&str; 5] = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];
/// The server's own addresses, and the one of the Service `kubernetes`.
const SERVER_ADDRESSES: [&str; 3] = ["127.0.0.1", "::1", "10.96.0.1"];

/// A certificate authority with its key (ECDSA P-256).
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    today: Timestamp,
}

/// A certificate and its key, as PEM texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// Whose certificates a server shows.
#[derive(Debug)]
pub(crate) struct ServerIdentity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Authority {
    /// A new authority, valid for ten years from the day before `now`.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new(now: Timestamp) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = parameters(now)?.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(parameters(now)?, key), certificate, today: now })
    }

    /// An authority that was there before.
    ///
    /// # Errors
    /// The key cannot be read.
    pub fn restore(credentials: Credentials, now: Timestamp) -> Result<Self, rcgen::Error> {
        let key = KeyPair::from_pem(&credentials.key)?;
        Ok(Self {
            issuer: Issuer::new(parameters(now)?, key),
            certificate: credentials.certificate,
            today: now,
        })
    }

    /// What [`restore`](Self::restore) needs. It holds the private key.
    pub fn credentials(&self) -> Credentials {
        Credentials { certificate: self.certificate.clone(), key: self.issuer.key().serialize_pem() }
    }

    /// The authority's certificate, PEM: what clients trust, `ca.crt`.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The authority as the control plane's controllers use it, for requests that are approved.
    ///
    /// # Errors
    /// The key or the certificate cannot be read.
    pub(crate) fn signer(&self) -> Result<Arc<CertificateAuthority>, SignerError> {
        let key = Key(KeyPair::from_pem(&self.issuer.key().serialize_pem())?);
        Ok(Arc::new(CertificateAuthority::new(&self.certificate, Box::new(key))?))
    }

    /// A certificate for a client, valid for a year: who shows it is this user in this group.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn client(&self, user: &str, group: &str) -> Result<Credentials, rcgen::Error> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::OrganizationName, group);
        parameters.distinguished_name.push(DnType::CommonName, user);
        let (certificate, key) = self.leaf(parameters, ExtendedKeyUsagePurpose::ClientAuth)?;
        let key = client_key::sec1(&key.serialize_der()).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
        Ok(Credentials { certificate: certificate.pem(), key })
    }

    /// A certificate for a server at this address, valid for a year.
    pub(crate) fn server(&self, address: IpAddr) -> Result<ServerIdentity, rcgen::Error> {
        let mut parameters = CertificateParams::new(SERVER_NAMES.map(str::to_owned))?;
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        let known = SERVER_ADDRESSES.iter().filter_map(|address| address.parse().ok());
        for address in known.chain([address]).map(SanType::IpAddress) {
            if !parameters.subject_alt_names.contains(&address) {
                parameters.subject_alt_names.push(address);
            }
        }
        let (certificate, key) = self.leaf(parameters, ExtendedKeyUsagePurpose::ServerAuth)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        Ok(ServerIdentity { chain: vec![certificate.der().clone()], key })
    }

    fn leaf(
        &self,
        mut parameters: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<(Certificate, KeyPair), rcgen::Error> {
        set_validity(&mut parameters, self.today, 1);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![usage];
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        Ok((parameters.signed_by(&key, &self.issuer)?, key))
    }
}

/// The control plane cannot sign with this authority.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignerError {
    #[error(transparent)]
    Key(#[from] rcgen::Error),
    #[error(transparent)]
    Certificate(#[from] UnusableAuthority),
}

#[derive(Debug)]
struct Key(KeyPair);

impl SigningKey for Key {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::EcdsaSha256
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        rcgen::SigningKey::sign(&self.0, message).map_err(|error| error.to_string())
    }
}

fn parameters(now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, NAME);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages =
        vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut parameters, now, 10);
    Ok(parameters)
}

/// From the day before, so that a client whose clock is behind is served as well.
fn set_validity(parameters: &mut CertificateParams, now: Timestamp, years: i32) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let date = |date: Date| date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8);
    parameters.not_before = date(today.saturating_sub(1.day()));
    parameters.not_after = date(today.saturating_add(years.years()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_that_was_there_before_still_vouches_for_its_clients() {
        let now = Timestamp::UNIX_EPOCH + 24.hours() * 10_000;
        let authority = Authority::new(now).expect("random numbers");
        let restored = Authority::restore(authority.credentials(), now).expect("its own key");
        assert_eq!(restored.certificate(), authority.certificate());
        assert_eq!(restored.credentials(), authority.credentials());
        assert!(
            Authority::restore(Credentials { key: "no key".into(), ..authority.credentials() }, now).is_err()
        );
    }

    #[test]
    fn a_leap_day_has_an_anniversary() {
        let leap_day = "2028-02-29T12:00:00Z".parse().expect("a time");
        assert!(Authority::new(leap_day).and_then(|authority| authority.client("a", "b")).is_ok());
    }
}
