//! The built-in controllers in virtual time, through the API that everybody uses.
//!
//! Covered: what users and operators see of them. Not covered here: exact answers of the API (see the conformance
//! cases).

mod cluster;
mod deployments;
mod garbage_collection;
mod jobs;
mod namespaces;
mod nodes;
mod quotas;
mod stateful_sets;
