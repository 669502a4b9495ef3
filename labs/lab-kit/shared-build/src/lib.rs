//! Nothing but a list of dependencies.
//!
//! Cargo chooses the features of a dependency from what the packages of one build ask for. The grader and a lab are
//! built one after the other, and where they asked for different features, a fresh checkout would compile the same
//! crate twice: a minute of waiting before the first verdict. Both depend on this crate, so both ask for the same.
//! `cargo test -p grader` fails when that is no longer so.
