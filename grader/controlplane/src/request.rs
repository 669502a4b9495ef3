//! What goes in and out of the control plane: HTTP without a connection.

use crate::access::User;
use crate::webhooks::{Journal, WebhookCall};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;

/// One HTTP request, complete with its body.
#[derive(Clone, Debug)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// Path without the query, still percent-encoded, e.g. `/api/v1/namespaces/default/pods`.
    pub path: String,
    /// The raw query string without `?`; empty when there is none.
    pub query: String,
    /// Headers as sent (Accept, Content-Type, User-Agent, Authorization, ...).
    pub headers: HeaderMap,
    /// The whole body; empty when there is none.
    pub body: Bytes,
    /// What the connection itself proves about the client.
    pub certificate: ClientCertificate,
}

impl Request {
    /// A request whose body has been read; the extensions may hold the connection's [`ClientCertificate`].
    pub fn new(parts: http::request::Parts, body: Bytes) -> Self {
        Self {
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            certificate: parts.extensions.get::<ClientCertificate>().cloned().unwrap_or_default(),
            method: parts.method,
            headers: parts.headers,
            body,
        }
    }
}

/// The certificate that a client showed, as checked by whoever accepted its connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificate {
    /// The client showed none, or the connection knows of none.
    #[default]
    None,
    /// The cluster's certificate authority signed it: its common name is the user's name, its organisations are the
    /// groups (apiserver/pkg/authentication/request/x509/x509.go, CommonNameUserConversion).
    Verified(User),
    /// Somebody else signed it, or it has expired: a credential, but a wrong one.
    Refused,
}

/// One complete HTTP answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: StatusCode,
    /// Headers, content-type always among them when there is a body.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Names one open watch of one [`ControlPlane`](crate::ControlPlane).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub u64);

/// How the control plane answers a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The whole answer.
    Complete(Response),
    /// The answer is a stream: these are its head (its body empty); frames come from
    /// [`ControlPlane::take_frames`](crate::ControlPlane::take_frames).
    Watch {
        /// The stream's name.
        id: WatchId,
        /// Status and headers of the stream.
        head: Response,
    },
    /// The server holds the answer back (a list at a future resourceVersion, for example): ask again with the
    /// same request at this time, or as soon as the store has changed.
    Later(Timestamp),
    /// A webhook has to be asked before there is an answer: make the call, then give its answer to
    /// [`ControlPlane::resume`](crate::ControlPlane::resume). Only with
    /// [`Webhooks::ByDriver`](crate::webhooks::Webhooks::ByDriver).
    Call(Box<PendingCall>),
}

/// A request that waits for the answer of a webhook.
#[derive(Clone, Debug)]
pub struct PendingCall {
    pub(crate) request: Request,
    pub(crate) journal: Journal,
    /// The call to make.
    pub call: WebhookCall,
}
