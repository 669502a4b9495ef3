//! Webhooks and admission policies, as clients see them.
//!
//! Webhooks are functions here: nothing listens anywhere.

mod connections;
mod driven;
mod policies;
mod webhooks;
mod world;
