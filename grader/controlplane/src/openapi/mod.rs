//! OpenAPI documents: what `kubectl explain` and clients that validate read.
//!
//! Those of built-in resources are a real server's, kept once and compressed ([`source`]): paths as OpenAPI v2 writes
//! them and schemas as v3 does, because each follows from the other in that direction only ([`convert`]). Custom
//! resources are published as apiextensions-apiserver does ([`custom_paths`], [`custom_schema`]).
//!
//! Nothing is read before somebody asks, and nothing is kept afterwards.

mod convert;
mod custom_paths;
mod custom_schema;
mod object;
mod protobuf;
mod source;
pub(crate) mod v2;
pub(crate) mod v3;

use crate::resources::{Nature, Resource};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A text that changes when documents about these resources do.
fn tag<'a>(name: &str, custom: impl Iterator<Item = &'a Resource>) -> String {
    let mut hasher = DefaultHasher::new();
    (name, source::COMPRESSED.len()).hash(&mut hasher);
    for resource in custom {
        if let Nature::Custom(custom) = &resource.nature {
            (resource.id.resource(), resource.version.as_str()).hash(&mut hasher);
            custom.spec().hash(&mut hasher);
        }
    }
    format!("{:016X}", hasher.finish())
}
