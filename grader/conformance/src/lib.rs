//! Judges a Kubernetes API server by exchanges recorded from a real one; README.md describes the recordings.
//!
//! A [`Case`] says what it needs of a server; whoever is judged makes a [`World`] for it, in-process or over a
//! network, and [`judge()`] replays every case and compares the answers. Both ways of serving are held to the same list
//! of known misses.

mod answer;
mod case;
mod compare;
mod judge;
mod normalise;
mod pointer;
mod replay;
mod sent;
mod world;

pub use case::Case;
pub use judge::judge;
pub use world::World;

/// The bearer tokens that the cases send: token, user, uid, group.
pub const TOKENS: [(&str, &str, &str, &str); 2] =
    [("admin-token", "admin", "u-admin", "system:masters"), ("alice-token", "alice", "u-alice", "dev")];
