//! The course as data: which labs there are, and what is made from their solutions.
//!
//! - [`list`] reads `labs/labs.toml`, the one list of labs, exercises, points and hints;
//! - [`skeleton`] makes a lab from its solution, whose exercise regions are marked;
//! - [`mod@todo`] finds the TODOs that are left in a student's files;
//! - [`quote`] keeps the code that a lesson shows identical to the compiled code that it names.
//!
//! Nothing here builds or runs a lab.

pub mod list;
pub use list::{Course, Exercise, Lab, UnknownLab};

pub mod skeleton;

pub mod todo;

pub mod quote;
