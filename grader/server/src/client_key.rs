//! The form in which a client gets its key.
//!
//! Keys come in PKCS #8, which can hold any kind of key; some clients (fabric8's for Java) take every such key for one
//! of RSA. SEC 1 says in its first line that it is one of an elliptic curve, and is read wherever PKCS #8 is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_cert::der::asn1::{AnyRef, ContextSpecific};
use x509_cert::der::{Decode, Encode, Error, Reader, SliceReader, Tag, TagMode, TagNumber};
use x509_cert::spki::{self, AlgorithmIdentifierRef};

/// How many characters a line of PEM has.
const LINE: usize = 64;

/// An elliptic curve's key, given in PKCS #8, as PEM in SEC 1.
///
/// # Errors
/// It is no such key.
pub(crate) fn sec1(pkcs8: &[u8]) -> spki::Result<String> {
    let mut reader = SliceReader::new(pkcs8)?;
    let key = reader.sequence(|outer| -> spki::Result<_> {
        let _version = AnyRef::decode(outer)?;
        let algorithm = AlgorithmIdentifierRef::decode(outer)?;
        let wrapped = AnyRef::decode(outer)?.value();
        Ok(with_curve(AnyRef::from_der(wrapped)?.value(), algorithm.parameters_any()?)?)
    })?;
    Ok(pem("EC PRIVATE KEY", &key))
}

/// PKCS #8 names the curve beside the key, SEC 1 in it, between the private and the public part.
fn with_curve(key: &[u8], curve: AnyRef<'_>) -> Result<Vec<u8>, Error> {
    let mut parts = SliceReader::new(key)?;
    let (version, private) = (AnyRef::decode(&mut parts)?, AnyRef::decode(&mut parts)?);
    let curve = ContextSpecific { tag_number: TagNumber(0), tag_mode: TagMode::Explicit, value: curve };
    let public = parts.read_slice(parts.remaining_len())?;
    let whole = [&version.to_der()?, &private.to_der()?, &curve.to_der()?, public].concat();
    AnyRef::new(Tag::Sequence, &whole)?.to_der()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = (0..text.len()).step_by(LINE).map(|start| &text[start..text.len().min(start + LINE)]);
    let lines: String = lines.flat_map(|line| [line, "\n"]).collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{KeyPair, PublicKeyData};
    use rustls::crypto::ring::sign::any_ecdsa_type;
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;

    #[test]
    fn a_key_stays_the_same_key() {
        let pair = KeyPair::generate().expect("random numbers");
        let text = sec1(&pair.serialize_der()).expect("an elliptic curve's key");
        assert!(text.starts_with("-----BEGIN EC PRIVATE KEY-----\n"), "{text}");
        assert!(text.lines().all(|line| line.len() <= LINE), "{text}");
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).expect("PEM");
        assert!(matches!(key, PrivateKeyDer::Sec1(_)));
        let read = any_ecdsa_type(&key).expect("a key");
        let public = read.public_key().expect("its public part");
        assert_eq!(*public, *pair.subject_public_key_info());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(sec1(b"").is_err());
        assert!(sec1(&[0x30, 0x00]).is_err());
    }
}
