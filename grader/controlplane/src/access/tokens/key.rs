//! The key that signs: Ed25519 (RFC 8032) by `ring`, as a JSON web key (RFC 8037).

use crate::random::Random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde_json::{Value, json};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The algorithm's name in headers of tokens.
pub(super) const ALGORITHM: &str = "EdDSA";
/// Keeps the key's random numbers apart from those of uids and names, which start from the same seed.
const KEY_STREAM: u64 = 0x7365_7276_6963_6561;
/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const PUBLIC_KEY_INFO: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key pair, made when it is first needed.
#[derive(Clone)]
pub(crate) struct SigningKey {
    secret: [u8; 32],
    pair: Arc<OnceLock<Option<Ed25519KeyPair>>>,
}

/// The secret half that belongs to a seed.
pub(super) fn secret_of(seed: u64) -> [u8; 32] {
    let mut random = Random::new(seed ^ KEY_STREAM);
    let mut secret = [0; 32];
    for part in secret.chunks_exact_mut(8) {
        part.copy_from_slice(&random.next().to_be_bytes());
    }
    secret
}

impl SigningKey {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Self { secret, pair: Arc::default() }
    }

    /// None never comes: any 32 bytes are a key.
    fn pair(&self) -> Option<&Ed25519KeyPair> {
        self.pair.get_or_init(|| Ed25519KeyPair::from_seed_unchecked(&self.secret).ok()).as_ref()
    }

    fn public(&self) -> &[u8] {
        self.pair().map(|pair| pair.public_key().as_ref()).unwrap_or_default()
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair().map(|pair| pair.sign(message).as_ref().to_vec()).unwrap_or_default()
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public()).verify(message, signature).is_ok()
    }

    /// The key's name: a hash of its public half, as Kubernetes names keys (pkg/serviceaccount/jwt.go).
    pub(super) fn id(&self) -> String {
        let info = [&PUBLIC_KEY_INFO, self.public()].concat();
        URL_SAFE_NO_PAD.encode(digest(&SHA256, &info))
    }

    /// The public half as a JSON web key.
    pub(super) fn public_jwk(&self) -> Value {
        json!({
            "use": "sig", "kty": "OKP", "kid": self.id(), "alg": ALGORITHM, "crv": "Ed25519",
            "x": URL_SAFE_NO_PAD.encode(self.public()),
        })
    }
}

/// Shows nothing of the secret half.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id()).finish_non_exhaustive()
    }
}
