//! The certificate that an authority makes of a request (pkg/controller/certificates/authority).
//!
//! The control plane has no randomness, and the keys of most authorities need some to sign. So the key is whoever
//! drives the control plane's, and here is everything but the signature.

use crate::certificates::{self, CertificateRequest};
use crate::go_text;
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use std::fmt;
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::der::asn1::{GeneralizedTime, ObjectIdentifier, OctetString, UtcTime};
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::{self, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::time::Time;

/// So that a client whose clock is a little behind is served as well.
const BACKDATED: SignedDuration = SignedDuration::from_mins(5);
/// Certificates that live shorter than this end as late as was asked for.
const SHORT: SignedDuration = SignedDuration::from_hours(8);

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const AUTHORITY_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What a certificate may be used for, by the names that requests give it.
const EXTENDED_USAGES: [(&str, &str); 13] = [
    ("any", "2.5.29.37.0"),
    ("server auth", "1.3.6.1.5.5.7.3.1"),
    ("client auth", "1.3.6.1.5.5.7.3.2"),
    ("code signing", "1.3.6.1.5.5.7.3.3"),
    ("email protection", "1.3.6.1.5.5.7.3.4"),
    ("s/mime", "1.3.6.1.5.5.7.3.4"),
    ("ipsec end system", "1.3.6.1.5.5.7.3.5"),
    ("ipsec tunnel", "1.3.6.1.5.5.7.3.6"),
    ("ipsec user", "1.3.6.1.5.5.7.3.7"),
    ("timestamping", "1.3.6.1.5.5.7.3.8"),
    ("ocsp signing", "1.3.6.1.5.5.7.3.9"),
    ("microsoft sgc", "1.3.6.1.4.1.311.10.3.3"),
    ("netscape sgc", "2.16.840.1.113730.4.1"),
];

/// The private key of an authority.
pub trait SigningKey: fmt::Debug + Send + Sync {
    /// How it signs.
    fn algorithm(&self) -> SignatureAlgorithm;
    /// Signs a message.
    ///
    /// # Errors
    /// Why it cannot; the request is tried again later.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String>;
}

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// ECDSA with SHA-256; signatures are in ASN.1.
    EcdsaSha256,
    /// Ed25519 (RFC 8032).
    Ed25519,
}

/// Who signs the requests of the built-in signers.
#[derive(Debug)]
pub struct CertificateAuthority {
    certificate: Certificate,
    key: Box<dyn SigningKey>,
}

/// The text that should be the authority's certificate holds none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate of the authority is no certificate in PEM")]
pub struct UnusableAuthority;

impl CertificateAuthority {
    /// An authority with its certificate in PEM and the key that belongs to it.
    ///
    /// # Errors
    /// There is no certificate in the text.
    pub fn new(certificate: &str, key: Box<dyn SigningKey>) -> Result<Self, UnusableAuthority> {
        let certificate = certificates::first_certificate(certificate.as_bytes()).ok_or(UnusableAuthority)?;
        Ok(Self { certificate, key })
    }

    /// Signs a request: the answer is a certificate in PEM. `identity` decides the serial number, and is unique.
    ///
    /// # Errors
    /// Why it cannot.
    pub(super) fn sign(
        &self,
        request: &CertificateRequest,
        usages: &[&str],
        lifetime: SignedDuration,
        identity: &str,
        now: Timestamp,
    ) -> Result<String, String> {
        request
            .check_signature()
            .map_err(|why| format!("unable to verify certificate request signature: {why}"))?;
        let body = self.body(request, usages, lifetime, identity, now)?;
        let signature = self.key.sign(&body)?;
        // A bit string says first how many bits of its last byte do not count.
        let signature = wrapped(BIT_STRING, &[&[0], signature.as_slice()]);
        Ok(certificates::pem(&wrapped(SEQUENCE, &[&body, &self.algorithm(), &signature])))
    }

    fn body(
        &self,
        request: &CertificateRequest,
        usages: &[&str],
        lifetime: SignedDuration,
        identity: &str,
        now: Timestamp,
    ) -> Result<Vec<u8>, String> {
        const VERSION_3: [u8; 5] = [0xa0, 3, INTEGER, 1, 2];
        let authority = self.certificate.tbs_certificate();
        let end = time_of(authority.validity().not_after);
        let from = now - BACKDATED;
        let until = if lifetime < SHORT { now + lifetime } else { now + lifetime - BACKDATED };
        if from >= end {
            return Err(format!("the signer has expired: NotAfter={end}"));
        }
        if now >= end {
            return Err(format!("refusing to sign a certificate that expired in the past: NotAfter={end}"));
        }
        let encoded = |part: der::Result<Vec<u8>>| part.map_err(|error| error.to_string());
        let validity = wrapped(SEQUENCE, &[&encoded(time(from))?, &encoded(time(until.min(end)))?]);
        let extensions =
            encoded(self.extensions(request, &Usages::of(usages)?).and_then(|all| all.to_der()))?;
        Ok(wrapped(
            SEQUENCE,
            &[
                &VERSION_3,
                &serial_number(identity),
                &self.algorithm(),
                &encoded(authority.subject().to_der())?,
                &validity,
                &encoded(request.subject().to_der())?,
                &encoded(request.public_key().to_der())?,
                &wrapped(EXTENSIONS, &[&extensions]),
            ],
        ))
    }

    fn extensions(&self, request: &CertificateRequest, usages: &Usages) -> der::Result<Vec<Extension>> {
        let extension = |extn_id, critical, value: Vec<u8>| -> der::Result<Extension> {
            Ok(Extension { extn_id, critical, extn_value: OctetString::new(value)? })
        };
        let mut extensions = Vec::new();
        if !usages.key.is_empty() {
            extensions.push(extension(KEY_USAGE, true, KeyUsage(usages.key).to_der()?)?);
        }
        if !usages.extended.is_empty() {
            let value = ExtendedKeyUsage(usages.extended.clone()).to_der()?;
            extensions.push(extension(EXTENDED_KEY_USAGE, false, value)?);
        }
        let no_authority = BasicConstraints { ca: false, path_len_constraint: None };
        extensions.push(extension(BASIC_CONSTRAINTS, true, no_authority.to_der()?)?);
        let own = self.certificate.tbs_certificate().get_extension::<SubjectKeyIdentifier>();
        if let Ok(Some((_, SubjectKeyIdentifier(key)))) = own {
            let key =
                AuthorityKeyIdentifier { key_identifier: Some(key), ..AuthorityKeyIdentifier::default() };
            extensions.push(extension(AUTHORITY_KEY, false, key.to_der()?)?);
        }
        if let Some(names) = request.alternative_names() {
            // Without a subject they are all that there is.
            extensions.push(Extension { critical: request.subject().is_empty(), ..names });
        }
        Ok(extensions)
    }

    fn algorithm(&self) -> Vec<u8> {
        let algorithm = match self.key.algorithm() {
            SignatureAlgorithm::EcdsaSha256 => ECDSA_SHA256,
            SignatureAlgorithm::Ed25519 => ED25519,
        };
        wrapped(SEQUENCE, &[&wrapped(OBJECT_IDENTIFIER, &[algorithm.as_bytes()])])
    }
}

#[derive(Default)]
struct Usages {
    key: FlagSet<KeyUsages>,
    extended: Vec<ObjectIdentifier>,
}

impl Usages {
    fn of(names: &[&str]) -> Result<Self, String> {
        let mut usages = Self::default();
        let mut unknown = Vec::new();
        for name in names {
            if let Some(key) = key_usage(name) {
                usages.key |= key;
            } else if !EXTENDED_USAGES.iter().any(|(known, _)| known == name) {
                unknown.push(go_text::quote(name));
            }
        }
        for (name, identifier) in EXTENDED_USAGES {
            let identifier = ObjectIdentifier::new_unwrap(identifier);
            if names.contains(&name) && !usages.extended.contains(&identifier) {
                usages.extended.push(identifier);
            }
        }
        if unknown.is_empty() {
            Ok(usages)
        } else {
            Err(format!("unrecognized usage values: [{}]", unknown.join(" ")))
        }
    }
}

fn key_usage(name: &str) -> Option<KeyUsages> {
    Some(match name {
        "signing" | "digital signature" => KeyUsages::DigitalSignature,
        "content commitment" => KeyUsages::NonRepudiation,
        "key encipherment" => KeyUsages::KeyEncipherment,
        "key agreement" => KeyUsages::KeyAgreement,
        "data encipherment" => KeyUsages::DataEncipherment,
        "cert sign" => KeyUsages::KeyCertSign,
        "crl sign" => KeyUsages::CRLSign,
        "encipher only" => KeyUsages::EncipherOnly,
        "decipher only" => KeyUsages::DecipherOnly,
        _ => return None,
    })
}

/// 127 bits that nobody guesses, as long as the identity is not known before.
fn serial_number(identity: &str) -> Vec<u8> {
    let hash = digest(&SHA256, identity.as_bytes());
    let mut number = hash.as_ref().get(..16).unwrap_or_default().to_vec();
    if let Some(first) = number.first_mut() {
        // Positive, and no shorter than it looks.
        *first = *first & 0x7f | 0x40;
    }
    wrapped(INTEGER, &[&number])
}

fn time(time: Timestamp) -> der::Result<Vec<u8>> {
    let since = Duration::from_secs(u64::try_from(time.as_second()).unwrap_or_default());
    match UtcTime::from_unix_duration(since) {
        Ok(time) => Time::UtcTime(time).to_der(),
        Err(_) => Time::GeneralTime(GeneralizedTime::from_unix_duration(since)?).to_der(),
    }
}

/// The time that a certificate names.
pub(super) fn time_of(time: Time) -> Timestamp {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const EXTENSIONS: u8 = 0xa3;

/// Encoded parts as one value in DER.
fn wrapped(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut value = vec![tag];
    if let Some(short) = u8::try_from(content.len()).ok().filter(|length| *length < 0x80) {
        value.push(short);
    } else {
        let length = content.len().to_be_bytes();
        let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
        value.push(0x80 | length.len() as u8);
        value.extend(length);
    }
    value.extend(content);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::{certificate_request, first_certificate};
    use ring::signature::{ED25519 as VERIFICATION, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
    use x509_cert::ext::pkix::SubjectAltName;

    #[derive(Debug)]
    struct Key(Ed25519KeyPair);

    impl SigningKey for Key {
        fn algorithm(&self) -> SignatureAlgorithm {
            SignatureAlgorithm::Ed25519
        }

        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
            Ok(self.0.sign(message).as_ref().to_vec())
        }
    }

    const AUTHORITY: &str = include_str!("../../../tests/access/authority.pem");
    /// For `/O=system:nodes/CN=system:node:n1` with `DNS:n1` and `IP:10.0.0.1`.
    const REQUEST: &str = include_str!("request.pem");
    const NOW: &str = "2030-01-01T00:00:00Z";

    fn key() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("32 bytes")
    }

    fn signed(usages: &[&str], lifetime: SignedDuration, now: &str) -> Result<Certificate, String> {
        let authority = CertificateAuthority::new(AUTHORITY, Box::new(Key(key()))).expect("a certificate");
        let request = certificate_request(REQUEST.as_bytes()).expect("a request");
        let pem = authority.sign(&request, usages, lifetime, "a uid", now.parse().expect("a time"))?;
        Ok(first_certificate(pem.as_bytes()).expect("a certificate"))
    }

    #[test]
    fn a_certificate_says_what_was_asked_for() {
        let usages = ["digital signature", "key encipherment", "server auth", "any"];
        let certificate = signed(&usages, SignedDuration::from_hours(1), NOW).expect("signed");
        let body = certificate.tbs_certificate();
        let names: SubjectAltName = body.get_extension().expect("readable").expect("names").1;
        let usages: KeyUsage = body.get_extension().expect("readable").expect("usages").1;
        let extended: ExtendedKeyUsage = body.get_extension().expect("readable").expect("usages").1;
        let constraints: BasicConstraints = body.get_extension().expect("readable").expect("constraints").1;
        let extended: Vec<String> = extended.0.iter().map(ToString::to_string).collect();
        assert_eq!(body.subject().to_string(), "CN=system:node:n1,O=system:nodes");
        assert_eq!(body.issuer().to_string(), "CN=test-authority");
        assert_eq!(names.0.len(), 2);
        assert_eq!(usages.0, KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment);
        assert_eq!(extended, ["2.5.29.37.0", "1.3.6.1.5.5.7.3.1"]);
        assert!(!constraints.ca);
        let signature = certificate.signature().raw_bytes();
        let public = UnparsedPublicKey::new(&VERIFICATION, key().public_key().as_ref().to_vec());
        assert_eq!(public.verify(&body.to_der().expect("encodes"), signature), Ok(()));
    }

    #[test]
    fn lifetimes_begin_earlier_and_never_outlast_the_authority() {
        let hours = SignedDuration::from_hours;
        let table = [
            (hours(1), NOW, "2029-12-31T23:55:00Z", "2030-01-01T01:00:00Z"),
            (hours(24), NOW, "2029-12-31T23:55:00Z", "2030-01-01T23:55:00Z"),
            (hours(8760), "2126-10-31T00:00:00Z", "2126-10-30T23:55:00Z", "2126-11-01T01:20:48Z"),
        ];
        for (lifetime, now, from, until) in table {
            let certificate = signed(&["client auth"], lifetime, now).expect("signed");
            let validity = certificate.tbs_certificate().validity();
            let times = [time_of(validity.not_before), time_of(validity.not_after)];
            assert_eq!(times.map(|time| time.to_string()), [from, until]);
        }
        let late = signed(&["client auth"], hours(1), "2126-11-02T00:00:00Z");
        assert_eq!(late.map(drop), Err("the signer has expired: NotAfter=2126-11-01T01:20:48Z".to_owned()));
        let unknown = signed(&["flying"], hours(1), NOW);
        assert_eq!(unknown.map(drop), Err("unrecognized usage values: [\"flying\"]".to_owned()));
    }
}
