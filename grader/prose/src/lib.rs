//! Keeps the workbook's prose true.
//!
//! - [`links()`] finds relative links that lead nowhere, anchors included.
//! - [`commands()`] collects the commands a reader is told to type, so that CI can type them too.
//!
//! Commands live in fenced blocks marked `console`, one per line after `$ `. A block whose command is meant to fail
//! says so in its info string: `console exit=1`. A command that a check cannot run (it waits for a person or needs a
//! cluster) is marked `console norun`, which leaves it visible in [`Command::norun`].

mod commands;
mod files;
mod links;

pub use commands::{Command, commands};
pub use files::markdown_files;
pub use links::{DeadLink, links};
