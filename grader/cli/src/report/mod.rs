//! What comes of a verdict: the runner emits events and results, and each reporter here prints them its way.

pub(crate) mod comparison;
#[cfg(test)]
pub(crate) mod example;
pub(crate) mod failure;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod source;
pub(crate) mod terminal;
