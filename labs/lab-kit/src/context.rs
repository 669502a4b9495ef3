//! What an operator is given.

use kube::Client;

/// What an operator needs from its surroundings.
#[derive(Clone)]
#[non_exhaustive]
pub struct Context {
    /// A client of the Kubernetes API.
    pub client: Client,
    /// The operator's own name, unique among the processes that run at a time: in a cluster its pod's name. For
    /// leases and events.
    pub identity: String,
}
