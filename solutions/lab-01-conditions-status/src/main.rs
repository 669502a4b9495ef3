//! Lab 01: an operator that says how it goes, in conditions.
//!
//! The files in the order of the exercises: `api` (1), `conditions` (2), `status` (3), `publish` (4),
//! `operator` (5).

mod api;
mod conditions;
mod operator;
mod publish;
mod status;

use std::process::ExitCode;

use kube::CustomResourceExt;

fn main() -> ExitCode {
    lab_kit::main(|| vec![api::Database::crd()], operator::run)
}
