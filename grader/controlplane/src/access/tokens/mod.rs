//! Tokens of service accounts: JSON web tokens that the server signs, and believes as long as what they are bound to
//! is there (pkg/serviceaccount).
//!
//! A real server signs with RS256 or ES256. This one uses Ed25519 (`EdDSA`): the same request gives the same
//! signature, and a key follows from 32 bytes. Clients that only carry tokens see no difference.

mod bound;
pub(crate) mod discovery;
mod jwt;
mod key;
pub(crate) mod legacy;
pub(crate) mod request;

pub(crate) use bound::{Verified, verify};
pub(crate) use key::SigningKey;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The issuer of legacy tokens, which is no URL.
const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";
/// Good tokens that are remembered; more than the clients of any cluster that fits into a process.
const REMEMBERED: usize = 1_000;

/// How tokens of service accounts are made.
#[derive(Clone)]
pub struct ServiceAccountTokens {
    /// The claim `iss`, a URL.
    pub issuer: String,
    /// Whom tokens are for that do not say; at least one.
    pub audiences: Vec<String>,
    /// Where the server's key can be read, as `/.well-known/openid-configuration` says.
    pub jwks_uri: String,
    /// The secret half of the Ed25519 key. Without one it follows from the seed, so that whoever knows the seed can
    /// make tokens.
    pub key: Option<[u8; 32]>,
}

/// Shows no key.
impl fmt::Debug for ServiceAccountTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountTokens")
            .field("issuer", &self.issuer)
            .field("audiences", &self.audiences)
            .field("jwks_uri", &self.jwks_uri)
            .finish_non_exhaustive()
    }
}

impl Default for ServiceAccountTokens {
    /// The issuer of most clusters, which is the audience as well.
    fn default() -> Self {
        let issuer = "https://kubernetes.default.svc.cluster.local".to_owned();
        Self {
            audiences: vec![issuer.clone()],
            issuer,
            jwks_uri: "https://127.0.0.1:6443/openid/v1/jwks".to_owned(),
            key: None,
        }
    }
}

/// What a server needs to make and to check tokens.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pub(crate) settings: ServiceAccountTokens,
    pub(crate) key: SigningKey,
    /// Tokens whose signature is known to be good, which costs more to find out than everything else.
    genuine: Arc<Mutex<HashSet<String>>>,
}

impl Issuer {
    pub(crate) fn new(settings: ServiceAccountTokens, seed: u64) -> Self {
        let key = SigningKey::new(settings.key.unwrap_or_else(|| key::secret_of(seed)));
        Self { settings, key, genuine: Arc::default() }
    }

    /// # Errors
    /// Why the server did not sign this token.
    fn check_signature(&self, token: &str) -> Result<(), String> {
        let mut genuine = self.genuine.lock().unwrap_or_else(PoisonError::into_inner);
        if genuine.contains(token) {
            return Ok(());
        }
        jwt::check_signature(&self.key, token)?;
        if genuine.len() >= REMEMBERED {
            genuine.clear();
        }
        genuine.insert(token.to_owned());
        Ok(())
    }
}
