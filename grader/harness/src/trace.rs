//! Who asked for what, when, and what came of it.

use crate::{Kind, Verb};
use bytes::Bytes;
use std::fmt;

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The operator under test; its processes are counted from 1 in the order in which they were started.
    Operator(u32),
    /// The story's user.
    User,
}

/// What a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It only looked.
    Read,
    /// Something is different afterwards.
    Changed,
    /// It was accepted and changed nothing.
    NoOp,
    /// It was refused, or its answer was lost.
    Refused,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRecord {
    /// Virtual milliseconds since the story began.
    pub at_ms: u64,
    /// Who sent it.
    pub actor: Actor,
    /// `kubernetes`, or the service outside of the cluster.
    pub service: String,
    /// What it is for.
    pub verb: Verb,
    /// What it is about.
    pub address: Address,
    /// Path and query as sent.
    pub uri: String,
    /// The content type, when it has a body.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
    /// The answer's status; 0 when the connection broke.
    pub status: u16,
    /// What it came to.
    pub effect: Effect,
    /// The number of the cluster's latest write before the request was served.
    pub revision_before: u64,
    /// The number of the cluster's latest write after it.
    pub revision_after: u64,
}

/// The resource and object of a request, as far as its path names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The API group; empty for the core group.
    pub group: String,
    /// The plural; for a service outside of the cluster the whole path.
    pub resource: String,
    /// The part of the object after `/`, e.g. `status`; empty for the object itself.
    pub subresource: String,
    /// The namespace; empty for all and for cluster-scoped resources.
    pub namespace: String,
    /// The name; empty for the whole collection.
    pub name: String,
}

impl Address {
    /// Takes a Kubernetes path apart; what is no resource path becomes a resource of that name.
    pub fn of_path(path: &str) -> Address {
        let mut parts = path.trim_start_matches('/').split('/');
        let group = match parts.next() {
            Some("api") => Some(String::new()),
            Some("apis") => parts.next().map(str::to_owned),
            _ => None,
        };
        let (Some(group), Some(_version), Some(first)) = (group, parts.next(), parts.next()) else {
            return Address { resource: path.to_owned(), ..Address::default() };
        };
        let rest: Vec<&str> = parts.collect();
        let text = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
        // A namespace itself is an object: only a third part makes it the place of something else.
        let own_subresource = matches!(rest.get(1), Some(&"status" | &"finalize"));
        if first == "namespaces" && rest.len() >= 2 && !own_subresource {
            let (resource, name, subresource) = (text(1), text(2), text(3));
            Address { group, resource, subresource, namespace: text(0), name }
        } else {
            let (resource, name, subresource) = (first.to_owned(), text(0), text(1));
            Address { group, resource, subresource, namespace: String::new(), name }
        }
    }
}

/// `resource[/subresource] [namespace/]name`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        match (self.namespace.as_str(), self.name.as_str()) {
            ("", "") => Ok(()),
            ("", name) => write!(f, " {name}"),
            (namespace, "") => write!(f, " {namespace}/"),
            (namespace, name) => write!(f, " {namespace}/{name}"),
        }
    }
}

impl RequestRecord {
    /// Whether the operator sent it.
    pub fn by_operator(&self) -> bool {
        matches!(self.actor, Actor::Operator(_))
    }

    /// Whether it is for changing something.
    pub fn is_write(&self) -> bool {
        self.verb.is_write()
    }

    /// Whether it is about this resource, its subresources included.
    pub fn is_about(&self, kind: Kind) -> bool {
        self.address.resource == kind.plural && self.address.group == kind.group
    }

    /// In one line: `12.034 s  patch databases/status shop/orders  200 (no change)`.
    pub fn line(&self) -> String {
        let seconds = self.at_ms as f64 / 1000.0;
        let effect = match self.effect {
            Effect::NoOp => " (no change)",
            _ => "",
        };
        let status = match self.status {
            0 => "connection broke".to_owned(),
            status => status.to_string(),
        };
        format!("{seconds:.3} s  {} {}  {status}{effect}", self.verb.as_str(), self.address)
    }
}

/// A hash that is the same on every machine and in every version: FNV-1a with 128 bits.
#[derive(Clone, Debug)]
pub(crate) struct TraceHash(u128);

impl TraceHash {
    pub(crate) fn new() -> TraceHash {
        TraceHash(0x6C62_272E_07BB_0142_62B8_2175_6295_C58D)
    }

    /// Adds a field; its length separates it from the next.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B);
        }
    }

    pub(crate) fn text(&self) -> String {
        format!("{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_objects() {
        let cases = [
            ("/api/v1/namespaces/shop/pods/a", "pods shop/a"),
            ("/api/v1/namespaces/shop/pods", "pods shop/"),
            ("/api/v1/pods", "pods"),
            ("/api/v1/namespaces", "namespaces"),
            ("/api/v1/namespaces/shop", "namespaces shop"),
            ("/api/v1/namespaces/shop/finalize", "namespaces/finalize shop"),
            ("/apis/apps/v1/namespaces/shop/statefulsets/a/status", "statefulsets/status shop/a"),
            ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x", "customresourcedefinitions x"),
            ("/version", "/version"),
            ("/apis", "/apis"),
            ("", ""),
        ];
        for (path, expected) in cases {
            assert_eq!(Address::of_path(path).to_string(), expected, "{path}");
        }
    }

    #[test]
    fn the_hash_is_the_published_one() {
        let mut hash = TraceHash::new();
        hash.0 = (hash.0 ^ u128::from(b'a')).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B);
        assert_eq!(hash.text(), "d228cb696f1a8caf78912b704e4a8964");
    }
}
