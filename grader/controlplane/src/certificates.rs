//! Certificates and requests for them: PEM (RFC 7468) around PKCS #10 and X.509.

use crate::go_text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_cert::Certificate;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::{DirectoryString, GeneralName};
use x509_cert::name::Name;
use x509_cert::request::{CertReq, ExtensionReq};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const ALTERNATIVE_NAMES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const EXTENSIONS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// A request for a certificate.
pub(crate) struct CertificateRequest(CertReq);

/// One block between BEGIN and END.
struct Block<'a> {
    label: &'a str,
    der: Vec<u8>,
    has_headers: bool,
}

/// Reads the first block of a text as a request.
///
/// # Errors
/// Why it is none.
pub(crate) fn certificate_request(text: &[u8]) -> Result<CertificateRequest, String> {
    let text = String::from_utf8_lossy(text);
    let block = blocks(&text).next().filter(|block| block.label == "CERTIFICATE REQUEST");
    let block = block.ok_or("PEM block type must be CERTIFICATE REQUEST")?;
    CertReq::from_der(&block.der)
        .map(CertificateRequest)
        .map_err(|error| format!("asn1: structure error: {error}"))
}

/// Checks that a text is nothing, or certificates.
///
/// # Errors
/// Why it is neither.
pub(crate) fn check(text: &[u8]) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(text);
    let mut found = false;
    for block in blocks(&text) {
        if block.label != "CERTIFICATE" {
            let label = go_text::quote(block.label);
            return Err(format!("only CERTIFICATE PEM blocks are allowed, found {label}"));
        }
        if block.has_headers {
            return Err("no PEM block headers are permitted".to_owned());
        }
        if block.der.is_empty() {
            return Err("found CERTIFICATE PEM block containing 0 certificates".to_owned());
        }
        Certificate::from_der(&block.der).map_err(|error| format!("x509: malformed certificate: {error}"))?;
        found = true;
    }
    if found { Ok(()) } else { Err("must contain at least one CERTIFICATE PEM block".to_owned()) }
}

/// The first certificate of a text.
pub(crate) fn first_certificate(text: &[u8]) -> Option<Certificate> {
    let text = String::from_utf8_lossy(text);
    let block = blocks(&text).find(|block| block.label == "CERTIFICATE")?;
    Certificate::from_der(&block.der).ok()
}

/// A certificate as text.
pub(crate) fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = next;
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// The blocks of a text; what is around them, and what is broken, is passed over.
fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    text.split("-----BEGIN ").skip(1).filter_map(|part| {
        let (label, rest) = part.split_once("-----")?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
        let headers = body.lines().filter(|line| line.contains(':')).count();
        let lines = body.lines().map(str::trim).filter(|line| !line.contains(':'));
        let der = STANDARD.decode(lines.collect::<String>()).ok()?;
        Some(Block { label, der, has_headers: headers > 0 })
    })
}

impl CertificateRequest {
    /// The groups that the certificate would be for.
    pub(crate) fn organizations(&self) -> Vec<String> {
        self.subject_texts(ORGANIZATION)
    }

    /// The user that the certificate would be for; empty for none. The last one counts.
    pub(crate) fn common_name(&self) -> String {
        self.subject_texts(COMMON_NAME).pop().unwrap_or_default()
    }

    fn subject_texts(&self, attribute: ObjectIdentifier) -> Vec<String> {
        let attributes = self.0.info.subject.iter().filter(|found| found.oid == attribute);
        let texts = attributes.filter_map(|found| found.value.decode_as::<DirectoryString>().ok());
        texts.map(|text| text.value().as_ref().to_owned()).collect()
    }

    /// Whom the certificate would be for.
    pub(crate) fn subject(&self) -> &Name {
        &self.0.info.subject
    }

    /// The key that it would be about.
    pub(crate) fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.0.info.public_key
    }

    /// The further names that it would be for, as they were asked for.
    pub(crate) fn alternative_names(&self) -> Option<Extension> {
        let attributes = self.0.info.attributes.iter().filter(|attribute| attribute.oid == EXTENSIONS);
        let values = attributes.flat_map(|attribute| attribute.values.iter());
        let mut extensions = values.filter_map(|value| value.decode_as::<ExtensionReq>().ok());
        extensions.find_map(|asked| asked.0.into_iter().find(|asked| asked.extn_id == ALTERNATIVE_NAMES))
    }

    /// The same, one by one.
    pub(crate) fn general_names(&self) -> Vec<GeneralName> {
        let names = self.alternative_names();
        let names = names.and_then(|names| SubjectAltName::from_der(names.extn_value.as_bytes()).ok());
        names.map(|names| names.0).unwrap_or_default()
    }

    /// Whoever asks has the key.
    ///
    /// # Errors
    /// The words of Go's crypto/x509.
    pub(crate) fn check_signature(&self) -> Result<(), String> {
        let key = &self.0.info.public_key;
        let curve = key.algorithm.parameters.as_ref().and_then(|of| of.decode_as::<ObjectIdentifier>().ok());
        let (algorithm, failure): (&dyn VerificationAlgorithm, &str) = match (self.0.algorithm.oid, curve) {
            (RSA_SHA256, _) => (&signature::RSA_PKCS1_2048_8192_SHA256, "crypto/rsa: verification error"),
            (RSA_SHA384, _) => (&signature::RSA_PKCS1_2048_8192_SHA384, "crypto/rsa: verification error"),
            (RSA_SHA512, _) => (&signature::RSA_PKCS1_2048_8192_SHA512, "crypto/rsa: verification error"),
            (ECDSA_SHA256, Some(P256)) => {
                (&signature::ECDSA_P256_SHA256_ASN1, "x509: ECDSA verification failure")
            }
            (ECDSA_SHA256, Some(P384)) => {
                (&signature::ECDSA_P384_SHA256_ASN1, "x509: ECDSA verification failure")
            }
            (ECDSA_SHA384, Some(P256)) => {
                (&signature::ECDSA_P256_SHA384_ASN1, "x509: ECDSA verification failure")
            }
            (ECDSA_SHA384, Some(P384)) => {
                (&signature::ECDSA_P384_SHA384_ASN1, "x509: ECDSA verification failure")
            }
            (ED25519, _) => (&signature::ED25519, "x509: Ed25519 verification failure"),
            _ => return Err("x509: cannot verify signature: algorithm unimplemented".to_owned()),
        };
        let signed = self.0.info.to_der().map_err(|error| error.to_string())?;
        let key = UnparsedPublicKey::new(algorithm, key.subject_public_key.raw_bytes());
        key.verify(&signed, self.0.signature.raw_bytes()).map_err(|_| failure.to_owned())
    }
}
