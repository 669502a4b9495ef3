//! The verbs of the API, one file each, over a store that knows no HTTP.

pub(crate) mod apply;
pub(crate) mod bind;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod delete_collection;
pub(crate) mod evict;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod page;
pub(crate) mod patch;
pub(crate) mod scale;
pub(crate) mod selection;
pub(crate) mod update;
pub(crate) mod watch;
pub(crate) mod write;
