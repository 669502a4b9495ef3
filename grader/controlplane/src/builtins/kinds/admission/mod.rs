//! What configures admission (pkg/apis/admissionregistration/validation/validation.go).

mod bindings;
mod matching;
mod policies;
mod webhooks;

pub(super) use bindings::Binding;
pub(super) use policies::{MutatingPolicy, ValidatingPolicy};
pub(super) use webhooks::Webhooks;
