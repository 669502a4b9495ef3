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
mod api_services;
pub mod apply;
mod bootstrap;
pub mod builtins;
mod certificates;
mod compaction;
mod component_statuses;
pub mod control_plane;
pub mod controllers;
mod conversion;
pub mod custom_resources;
mod definitions;
mod endpoint;
pub mod error;
pub mod field_error;
mod flow_schema_status;
pub mod go_text;
mod lone_surrogates;
mod metrics;
pub mod object;
mod openapi;
mod own_service;
pub mod patch;
mod printers;
mod protobuf;
mod random;
pub mod request;
pub mod resources;
mod routing;
pub mod schema;
pub mod selector;
pub mod service;
mod service_addresses;
mod status_body;
pub mod store;
mod strategy;
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
