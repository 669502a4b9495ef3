//! ResourceQuotas: limits on what a namespace may hold (apiserver/pkg/admission/plugin/resourcequota,
//! pkg/controller/resourcequota).
//!
//! Objects of every resource can be counted (`count/RESOURCE.GROUP`); pods, services and claims have amounts besides.
//! Not supported: resource claims.

mod admission;
mod charge;
mod controller;
mod devices;
mod scopes;
mod usage;

pub(crate) use charge::{charge, settle};
pub use controller::ResourceQuotas;
pub(super) use scopes::attributes_classes;
