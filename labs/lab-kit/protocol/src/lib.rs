//! What an operator in simulated mode and the grader say to each other, over one stream socket.
//!
//! The conversation is in lock step: whenever the operator's side has sent [`ToGrader::Request`] or
//! [`ToGrader::Idle`], it does nothing until the grader has answered. All times are virtual milliseconds since
//! the world of a scenario began; they pass only while the operator's side waits for its own timers.
//!
//! ```text
//! operator                          grader
//!   Hello  ───────────────────────►
//!          ◄───────────────────────  Start
//!   Idle   ───────────────────────►
//!          ◄───────────────────────  RunUntil        run everything that is ready, up to then
//!   Request ──────────────────────►
//!          ◄───────────────────────  Answer          and go on running
//!   Idle   ───────────────────────►                  reached the time
//! ```
//!
//! Neither side trusts the other's frames: sizes are bounded, and whatever does not decode is an error.

mod frame;
mod message;

pub use frame::{FrameError, MAX_FRAME_BYTES, encode, read, write};
pub use message::{
    Answer, Delivery, Header, Mode, PROTOCOL, Reply, Request, RunUntil, Settings, Start, StreamId, ToGrader,
    ToOperator,
};
