//! What one client can cost.

use std::time::Duration;

/// Bounds on a connection and its requests.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a request's head may take, and how long a connection may lie idle before its next request
    /// (HTTP/1.1).
    pub head: Duration,
    /// How long a request's body may take (apiserver/pkg/server/config.go, RequestTimeout).
    pub body: Duration,
    /// The largest head of a request, in bytes (apiserver/pkg/server/secure_serving.go, MaxHeaderBytes).
    pub head_size: usize,
    /// The largest body of a request, in bytes (apiserver/pkg/server/config.go, MaxRequestBodyBytes).
    pub body_size: usize,
    /// How many requests of one HTTP/2 connection may be under way.
    pub streams: u32,
    /// How long requests that are under way have to end when the server stops.
    pub grace: Duration,
}

impl Default for Limits {
    /// Those of kube-apiserver, where it has one.
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(90),
            body: Duration::from_secs(60),
            head_size: 1 << 20,
            body_size: 3 << 20,
            streams: 250,
            grace: Duration::from_secs(2),
        }
    }
}
