//! Models that a control plane must agree with, step by step, whatever is asked of it and in whatever order.
//!
//! A model knows nothing of how the control plane works: it is the obvious, slow way to say what must be true. Random
//! steps are taken on both. A failure is shrunk to the few steps that matter, and its seed is kept in
//! `proptest-regressions` and tried first from then on; `PROPTEST_CASES` runs more of them.
//!
//! - [`history`]: lists, pages, old revisions, and clients that list and watch through all kinds of interruptions.
//! - [`lifecycle`]: concurrent writers, generations, status, finalizers, deletion.
//! - [`ownership`]: who owns which field after server-side apply and other writes.

mod cluster;
mod history;
mod lifecycle;
mod ownership;
