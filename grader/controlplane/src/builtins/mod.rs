//! The resources that every cluster has: a table of them, their types, and the rules of each kind.
//!
//! A built-in resource is a row of data ([`resources()`]), a Go type ([`definitions`]) and at most a small file of
//! its own rules ([`rules()`]). Data comes from `data/*.txt`, which `data/refresh.py` makes from a running API
//! server. A write goes through [`read`], [`Rules::admit`], [`create`] or [`update`], and [`Rules::allocate`].

pub(crate) mod amounts;
mod decode;
mod defaults;
pub mod definitions;
pub(crate) mod domain_path;
mod kinds;
mod resources;
mod rules;
mod schemas;
pub(crate) mod webhook_client;
mod write;

pub mod meta;
pub mod names;
pub mod quantity;
pub mod schedule;

pub(crate) mod fields;
mod go_time;
pub(crate) mod ip;

pub use decode::{Reader, decode, decode_by};
pub use definitions::{definition, definition_of};
pub use kinds::{
    MetadataChecks, deletion_answers_with_object, deprecation, metadata_checks, namespace_may_be_deleted,
    of as rules,
};
pub use resources::{BuiltinResource, BuiltinSubresource, resource, resources};
pub use rules::{Cluster, Rules};
pub(crate) use schemas::QUANTITY;
pub use schemas::{schema, schema_of};
pub use write::{create, read, update};
