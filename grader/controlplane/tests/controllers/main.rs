//! The built-in controllers in virtual time, through the API that everybody uses.
//!
//! Covered: what users and operators see of them. Not covered here: exact answers of the API (see the conformance
//! cases).

mod certificates;
mod cluster;
mod cron_jobs;
mod daemon_sets;
mod deployments;
mod disruptions;
mod evictions;
mod failing_nodes;
mod garbage_collection;
mod job_stories;
mod jobs;
mod namespaces;
mod nodes;
mod protection;
mod quotas;
mod replication_controllers;
mod services;
mod stateful_sets;
mod volumes;
