//! What goes wrong between the operator and the API.

use crate::Kind;
use std::ops::RangeInclusive;

/// What a request does, as in RBAC rules, with `Apply` apart from `Patch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the verb it is named after")]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Apply,
    Delete,
    DeleteCollection,
    /// Whatever else a service outside of the cluster is asked.
    Other,
}

impl Verb {
    /// Every verb that changes something.
    pub const WRITES: &[Verb] =
        &[Verb::Create, Verb::Update, Verb::Patch, Verb::Apply, Verb::Delete, Verb::DeleteCollection];
    /// Every verb that only looks.
    pub const READS: &[Verb] = &[Verb::Get, Verb::List, Verb::Watch];

    /// Whether it is for changing something.
    pub fn is_write(self) -> bool {
        Verb::WRITES.contains(&self)
    }

    /// As in RBAC rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::List => "list",
            Verb::Watch => "watch",
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Patch => "patch",
            Verb::Apply => "apply",
            Verb::Delete => "delete",
            Verb::DeleteCollection => "deletecollection",
            Verb::Other => "call",
        }
    }
}

/// Lifts a fault again: [`World::lift`](crate::World::lift).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(pub(crate) u64);

/// Something that happens to requests of the operator that match. It strikes until lifted, unless limited.
///
/// ```
/// use harness::{Fault, Verb, kinds};
/// // The second and third update of a Secret come back as conflicts.
/// let fault = Fault::status(409).on(&[Verb::Update], kinds::SECRETS).nth(2..=3);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub(crate) effect: FaultEffect,
    pub(crate) verbs: Vec<Verb>,
    pub(crate) kind: Option<Kind>,
    pub(crate) subresource: Option<&'static str>,
    pub(crate) name: Option<String>,
    pub(crate) nth: RangeInclusive<u64>,
    pub(crate) matched: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FaultEffect {
    /// The API answers so instead of doing anything.
    Status(u16, Option<String>),
    /// The API does it, and the answer is this.
    StatusAfter(u16),
    /// The API does nothing, and the connection breaks.
    ResetBefore,
    /// The API does it, and the connection breaks.
    ResetAfter,
    /// The answer takes this much longer, in milliseconds.
    Latency(u64),
}

impl Fault {
    fn new(effect: FaultEffect) -> Fault {
        let (verbs, kind, subresource, name) = (Vec::new(), None, None, None);
        Fault { effect, verbs, kind, subresource, name, nth: 1..=u64::MAX, matched: 0 }
    }

    /// The API refuses with this status and does nothing. kube retries 429, 503 and 504 by itself for minutes.
    pub fn status(status: u16) -> Fault {
        Fault::new(FaultEffect::Status(status, None))
    }

    /// The API refuses with this status and these words.
    pub fn status_with(status: u16, message: impl Into<String>) -> Fault {
        Fault::new(FaultEffect::Status(status, Some(message.into())))
    }

    /// The API does what it is asked, and then answers with this status: its answer is lost.
    pub fn status_after(status: u16) -> Fault {
        Fault::new(FaultEffect::StatusAfter(status))
    }

    /// The permission is missing: 403 in the words of RBAC.
    pub fn forbidden() -> Fault {
        Fault::status(403)
    }

    /// The connection breaks before the API has done anything.
    pub fn reset_before() -> Fault {
        Fault::new(FaultEffect::ResetBefore)
    }

    /// The connection breaks after the API has done what it was asked.
    pub fn reset_after() -> Fault {
        Fault::new(FaultEffect::ResetAfter)
    }

    /// Answers take this much longer.
    pub fn latency_ms(ms: u64) -> Fault {
        Fault::new(FaultEffect::Latency(ms))
    }

    /// Strikes only these verbs on this resource, its subresources included.
    #[must_use]
    pub fn on(mut self, verbs: &[Verb], kind: Kind) -> Fault {
        self.verbs = verbs.to_vec();
        self.kind = Some(kind);
        self
    }

    /// Strikes only the subresource of that name; `""` for the object itself.
    #[must_use]
    pub fn subresource(mut self, subresource: &'static str) -> Fault {
        self.subresource = Some(subresource);
        self
    }

    /// Strikes only the object of that name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Fault {
        self.name = Some(name.into());
        self
    }

    /// Strikes only these matching requests, the first being 1.
    #[must_use]
    pub fn nth(mut self, nth: RangeInclusive<u64>) -> Fault {
        self.nth = nth;
        self
    }

    /// Strikes only so many times.
    #[must_use]
    pub fn times(self, times: u64) -> Fault {
        let first = *self.nth.start();
        self.nth(first..=first.saturating_add(times.saturating_sub(1)))
    }
}
