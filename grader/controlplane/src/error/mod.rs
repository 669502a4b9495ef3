//! The one error of the API server: it can only hold a real Kubernetes `Status`
//! (apimachinery/pkg/api/errors/errors.go).

mod details;

pub use details::{Cause, Details};

use crate::field_error::{self, FieldError};
use crate::go_text;
use crate::status_body::StatusBody;
use crate::store::ResourceId;
use http::StatusCode;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt;

/// No reason of Kubernetes: marks what is no answer.
const AWAITING_WEBHOOK: &str = "AwaitingWebhook";

/// A failed request, as the Status that its answer carries.
///
/// # Guarantees
/// The HTTP status and `code` agree; `reason` is one of `metav1.StatusReason` or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError(Box<Failure>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    code: StatusCode,
    reason: Cow<'static, str>,
    message: String,
    details: Option<Details>,
    /// `metadata.continue`; mostly empty.
    continue_token: String,
}

impl ApiError {
    /// A Status of any reason; prefer the named constructors.
    pub fn new(
        code: StatusCode,
        reason: &'static str,
        message: impl Into<String>,
        details: Option<Details>,
    ) -> Self {
        Self(Box::new(Failure {
            code,
            reason: reason.into(),
            message: message.into(),
            details,
            continue_token: String::new(),
        }))
    }

    /// A Status that somebody else has written: a webhook, a policy.
    pub(crate) fn foreign(
        code: StatusCode,
        reason: &str,
        message: impl Into<String>,
        details: Option<Details>,
    ) -> Self {
        let mut error = Self::new(code, "", message, details);
        error.0.reason = reason.to_owned().into();
        error
    }

    fn about(code: StatusCode, reason: &'static str, id: &ResourceId, name: &str, message: String) -> Self {
        let details = Details {
            group: id.group().to_owned(),
            kind: id.resource().to_owned(),
            name: name.to_owned(),
            ..Details::default()
        };
        Self::new(code, reason, message, Some(details))
    }

    /// 404: there is no such object.
    pub fn not_found(id: &ResourceId, name: &str) -> Self {
        let message = format!("{id} {} not found", go_text::quote(name));
        Self::about(StatusCode::NOT_FOUND, "NotFound", id, name, message)
    }

    /// 404: there is no such resource; all the server can say is that it does not know the path.
    pub fn unknown_resource() -> Self {
        let message = "the server could not find the requested resource";
        Self::new(StatusCode::NOT_FOUND, "NotFound", message, Some(Details::default()))
    }

    /// 409: an object of that name is there already.
    pub fn already_exists(id: &ResourceId, name: &str) -> Self {
        let message = format!("{id} {} already exists", go_text::quote(name));
        Self::about(StatusCode::CONFLICT, "AlreadyExists", id, name, message)
    }

    /// 409: no generated name was free.
    pub fn generated_name_taken(id: &ResourceId, name: &str) -> Self {
        let message = format!(
            "{id} {} already exists, the server was not able to generate a unique name for the object",
            go_text::quote(name)
        );
        Self::about(StatusCode::CONFLICT, "AlreadyExists", id, name, message).retry_after(1)
    }

    /// 410: the page after this list is gone; `fresh` goes on from the present state.
    pub fn continue_expired(fresh: &str) -> Self {
        let mut error = Self::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new \
             list without the continue parameter, or use the continue token in this response to retrieve the \
             remainder of the results. Continuing with the provided token results in an inconsistent list - objects \
             that were created, modified, or deleted between the time the first chunk was returned and now may show \
             up in the list.",
        );
        error.0.continue_token = fresh.to_owned();
        error
    }

    /// 409: the write does not fit the object as it is now.
    pub fn conflict(id: &ResourceId, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {id} {}: {why}", go_text::quote(name));
        Self::about(StatusCode::CONFLICT, "Conflict", id, name, message)
    }

    /// 409: the resourceVersion in the request is not the object's.
    pub fn modified(id: &ResourceId, name: &str) -> Self {
        Self::conflict(
            id,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 409: another manager owns fields that an apply sets to other values.
    pub fn apply_conflict(causes: Vec<Cause>, message: impl Into<String>) -> Self {
        let details = Details { causes, ..Details::default() };
        Self::new(StatusCode::CONFLICT, "Conflict", message, Some(details))
    }

    /// 401: nobody knows these credentials.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized", None)
    }

    /// 403: the user may not do this, or the object's state forbids it.
    pub fn forbidden(id: &ResourceId, name: &str, why: &str) -> Self {
        let message = match name {
            "" => format!("{id} is forbidden: {why}"),
            name => format!("{id} {} is forbidden: {why}", go_text::quote(name)),
        };
        Self::about(StatusCode::FORBIDDEN, "Forbidden", id, name, message)
    }

    /// 422: these fields break rules. `group` and `kind` are those of the object's kind (or, in a few upstream
    /// places, of its resource).
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut message = format!("{qualified} {} is invalid", go_text::quote(name));
        if !errors.is_empty() {
            message = format!("{message}: {}", field_error::aggregate(errors));
        }
        let causes = errors
            .iter()
            .map(|error| Cause {
                reason: error.kind.reason().to_owned(),
                message: error.message(),
                field: error.field.clone(),
            })
            .collect();
        let details = Details {
            group: group.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            causes,
            ..Details::default()
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message, Some(details))
    }

    /// 400: the request itself makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message, None)
    }

    /// 405: the path exists, the method does not (`not supported on resources of kind`).
    pub fn method_not_supported(id: &ResourceId, action: &str) -> Self {
        let message =
            format!("{action} is not supported on resources of kind {}", go_text::quote(&id.to_string()));
        Self::about(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", id, "", message)
    }

    /// 405: the path exists, the method does not.
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message, Some(Details::default()))
    }

    /// 501: a real server has this, this one does not.
    pub fn not_implemented(id: &ResourceId, subresource: &str) -> Self {
        let message = format!("this control plane does not serve {id}/{subresource}");
        Self::new(StatusCode::NOT_IMPLEMENTED, "", message, None)
    }

    /// 429: ask again later.
    pub fn too_many_requests(message: &str) -> Self {
        let details = Details::default();
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message, Some(details))
    }

    /// 503: what the answer would come from cannot be reached.
    pub fn service_unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message, None)
    }

    /// 410: the history that the request needs is gone.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "Expired", message, None)
    }

    /// 410: a watch from this revision would have to tell what is forgotten up to `compacted`.
    pub(crate) fn too_old(revision: u64, compacted: u64) -> Self {
        Self::expired(format!("too old resource version: {revision} ({compacted})"))
    }

    /// 413: a body or a patch over the limit.
    pub fn too_large(message: &str) -> Self {
        let message = format!("Request entity too large: {message}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message, None)
    }

    /// 415: a body in a format that this path does not take.
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message, None)
    }

    /// 406: no representation that the client accepts.
    pub fn not_acceptable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message, None)
    }

    /// 500: etcd takes no request of this size.
    pub(crate) fn too_large_to_store() -> Self {
        Self::unexpected("etcdserver: request is too large")
    }

    /// 500 with a reason.
    pub fn internal(message: &str) -> Self {
        let cause = Cause { message: message.to_owned(), ..Cause::default() };
        let details = Details { causes: vec![cause], ..Details::default() };
        let message = format!("Internal error occurred: {message}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message, Some(details))
    }

    /// 500 as upstream answers an error that nobody gave a Status: the text alone.
    pub fn unexpected(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "", message, None)
    }

    /// Not an answer at all: a webhook has to be asked before there is one. It never leaves the control plane.
    pub(crate) fn awaiting_webhook() -> Self {
        let message = "the answer of a webhook is awaited";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, AWAITING_WEBHOOK, message, None)
    }

    /// A webhook has to be asked first; see [`ApiError::awaiting_webhook`].
    pub(crate) fn is_awaiting_webhook(&self) -> bool {
        self.0.reason == AWAITING_WEBHOOK
    }

    /// The HTTP status.
    pub fn code(&self) -> StatusCode {
        self.0.code
    }

    /// `reason`; empty for an error without one.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The text for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// `details`, if any.
    pub fn details(&self) -> Option<&Details> {
        self.0.details.as_ref()
    }

    /// Puts another text in front of the message.
    pub fn prefixed(mut self, prefix: &str) -> Self {
        self.0.message.insert_str(0, prefix);
        self
    }

    /// `details` are there, with nothing in them.
    pub fn with_empty_details(mut self) -> Self {
        self.0.details.get_or_insert_default();
        self
    }

    /// Adds a cause.
    pub fn with_cause(mut self, cause: Cause) -> Self {
        self.0.details.get_or_insert_default().causes.push(cause);
        self
    }

    /// Says when to ask again: `details.retryAfterSeconds` and the header Retry-After.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.details.get_or_insert_default().retry_after_seconds = seconds;
        self
    }

    /// There is no such object.
    pub fn is_not_found(&self) -> bool {
        self.0.reason == "NotFound"
    }

    /// An object of that name is there already.
    pub fn is_already_exists(&self) -> bool {
        self.0.reason == "AlreadyExists"
    }

    /// The write does not fit the object as it is now.
    pub fn is_conflict(&self) -> bool {
        self.0.reason == "Conflict"
    }

    /// The answer's body.
    pub fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.0.message, "code": self.0.code.as_u16(),
        });
        if !self.0.reason.is_empty() {
            status["reason"] = self.0.reason.as_ref().into();
        }
        if !self.0.continue_token.is_empty() {
            status["metadata"]["continue"] = self.0.continue_token.as_str().into();
        }
        if let Some(details) = &self.0.details {
            status["details"] = details.to_value();
        }
        status
    }

    /// The answer's body as JSON text.
    pub fn to_json(&self) -> String {
        // Writing JSON to memory cannot fail.
        serde_json::to_string(&StatusBody(&self.to_status())).unwrap_or_default()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ApiError {}
