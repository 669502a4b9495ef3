//! Kubernetes' protobuf: request bodies of built-in kinds, turned into the JSON that a Go client would have sent, and
//! answers for clients that read nothing else (apimachinery/pkg/runtime/serializer/protobuf).
//!
//! Four bytes `k8s\0`, then a message `runtime.Unknown` with apiVersion, kind and the object's own message. The
//! numbers and types of all fields come from a table ([`message`]); which zero values JSON shows is said by
//! [`builtins::definitions`](crate::builtins::definitions).
//!
//! # Guarantees
//! Any bytes give a value or an error in the words of Go's decoder, never a panic. Memory is bounded by the length of
//! the body, depth by a constant.

mod decode;
mod encode;
mod envelope;
mod table;
mod values;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use decode::{decode, delete_options};
pub(crate) use encode::{body, frame};
pub(crate) use envelope::open;
pub(crate) use table::message;
