#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//!
//! The core is a plain state machine ([`ControlPlane`]): `handle(request, now) -> reply`, plus watch events to
//! deliver, plus the next time it wants to be woken; [`service`] is the thin shell that lets a `kube::Client` talk to
//! it.

pub mod access;
mod admission;
mod api_server;
pub mod apply;
pub mod builtins;
mod certificates;
mod compaction;
pub mod control_plane;
pub mod controllers;
mod conversion;
pub mod custom_resources;
mod definitions;
mod endpoint;
pub mod error;
pub mod field_error;
pub mod go_text;
mod lone_surrogates;
mod metrics;
pub mod object;
mod object_size;
mod openapi;
pub mod patch;
mod printers;
mod priority_levels;
mod protobuf;
mod publish;
mod random;
pub mod request;
pub mod resources;
mod routing;
pub mod schema;
pub mod selector;
pub mod service;
mod status_body;
pub mod store;
mod strategy;
mod system_objects;
mod unknown_fields;
mod verbs;
mod waiting;
mod watches;
pub mod webhooks;

pub use control_plane::{ControlPlane, Options};
pub use error::ApiError;
pub use field_error::FieldError;
pub use request::{ClientCertificate, PendingCall, Reply, Request, Response, WatchId};

/// A point in (virtual or real) time.
pub use jiff::Timestamp;
