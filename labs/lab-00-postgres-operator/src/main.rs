//! Lab 00: the operator that the course starts from, as it is. Nothing to write; much to read.

use std::process::ExitCode;

use kube::CustomResourceExt;
use postgres_operator::Database;

fn main() -> ExitCode {
    lab_kit::main(|| vec![Database::crd()], |context| postgres_operator::run(context.client))
}
